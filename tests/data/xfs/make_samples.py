#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the small XFS images of this folder and what the kernel shows of them.

Usage: make_samples.py    (root; mkfs.xfs 6.1; user-mode-linux for version 4)

For each sample: NAME.img.zst, frozen while files that were deleted are still open, so its log is
dirty; NAME.tsv.zst, one line per name of what the kernel shows after it has recovered a copy: path, type,
mode, uid, gid, size, mtime, ctime, birth time (nanoseconds), inode, links, target, device, SHA-256,
attributes (name=hex, ...); NAME.deleted, inode, size and SHA-256 of the files that were held open. Also the seeds of
fuzz/fs_xfs_fuzz.cc, in the form that it describes.
"""
import hashlib
import json
import os
import stat
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "sweep"))
import fill as filling  # noqa: E402
import xfs_sweep as sweep  # noqa: E402

SAMPLES = {
    "v5": ("-d size=32m,agcount=2 -b size=1024 -i size=512,nrext64=1 -n size=4096 -m rmapbt=1 -L sample5", False),
    "v4": ("-d size=32m,agcount=2 -m crc=0 -b size=512 -i size=256 -n size=4096,ftype=0 -L sample4", True),
}


class SmallFiller(filling.Filler):
    """As much variety as fits into few blocks: each metadata byte is flipped by a test."""

    def fill(self):
        for count in (1, 4, 30, 250, 700):
            os.mkdir(self.path("d%d" % count))
            for i in range(count):
                os.link(self.path("f"), self.path("d%d" % count, "name-%d" % i)) if i else self.write(
                    self.path("f") if count == 1 else self.path("d%d" % count, "name-0"), b"content")
            for i in range(1, count, 5):
                os.unlink(self.path("d%d" % count, "name-%d" % i))
        block = self.block
        with open(self.path("fragmented"), "wb") as file:
            for i in range(45):
                file.seek(2 * i * block)
                file.write(b"%d" % i)
                file.flush()
        with open(self.path("mixed"), "wb") as file:
            file.truncate(40 * block)
            filling.attempt(filling.fallocate, file.fileno(), 0, 3 * block, 6 * block)
            file.seek(5 * block)
            file.write(b"written")
        for length in (5, 300, 1000):
            os.symlink(("t%d/" % length * length)[:length], self.path("link-%d" % length))
        os.mknod(self.path("device"), 0o600 | stat.S_IFCHR, os.makedev(8, 300))
        os.mkfifo(self.path("fifo"), 0o640)
        for name, count, size in (("short", 2, 3), ("leaf", 5, 40), ("node", 40, 30), ("remote", 1, 2500)):
            self.write(self.path("x-" + name), b"")
            for i in range(count):
                os.setxattr(self.path("x-" + name), "user.%s-%d" % (name, i), bytes([65 + i]) * size)
        os.setxattr(self.path("x-short"), "security.selinux", b"system_u:object_r:etc_t:s0\0")
        for i in range(3):
            data = b"deleted %d" % i * 60
            fd = os.open(self.path("open"), os.O_RDWR | os.O_CREAT)
            os.write(fd, data)
            os.fsync(fd)
            self.held.append({"inode": os.fstat(fd).st_ino, "size": len(data),
                              "sha256": hashlib.sha256(data).hexdigest()})
            os.unlink(self.path("open"))

    def change_after(self):
        """The sample is taken before."""


def table(view_path, out_path):
    lines = []
    with open(view_path) as rows:
        for row in map(json.loads, rows):
            row["path"] = bytes.fromhex(row["path"]).decode()
            row["target"] = bytes.fromhex(row["target"] or "").decode()
            row["xattrs"] = ",".join("%s=%s" % pair for pair in sorted(row["xattrs"].items()))
            lines.append("\t".join("" if row[key] is None else str(row[key]) for key in (
                "path", "type", "mode", "uid", "gid", "size", "mtime", "ctime", "crtime", "inode", "links",
                "target", "device", "sha256", "xattrs")))
    with open(out_path, "w") as out:
        out.write("\n".join(sorted(lines)) + "\n")


def seeds(image, name):
    """The sectors of an image that are not zero, without the log as seed NAME-raw, with it as NAME-log."""
    with open(image, "rb") as file:
        data = file.read()
    block, groups, group_bits = (struct.unpack_from(form, data, at)[0] for form, at in ((">I", 4), (">I", 84), (">B", 124)))
    start, = struct.unpack_from(">Q", data, 48)
    length, = struct.unpack_from(">I", data, 96)
    log = ((start >> group_bits) * groups + (start & (1 << group_bits) - 1)) * block
    folder = os.path.join(HERE, "..", "..", "..", "fuzz", "corpus", "fs_xfs")
    os.makedirs(folder, exist_ok=True)
    for kind, flags in (("raw", b"\x01"), ("log", b"\x00")):
        with open(os.path.join(folder, "%s-%s" % (name, kind)), "wb") as out:
            out.write(flags)
            for at in range(0, len(data), 512):
                sector = data[at:at + 512]
                in_log = log <= at < log + length * block
                # Free inodes and trees of free space are never read.
                unread = sector[:4] in (b"IN\0\0", b"AB3B", b"AB3C", b"RMB3", b"R3FC", b"ABTB", b"ABTC", b"XAFL")
                # Most of the log is empty records that mounting stamped; they only make seeds large.
                stamped = in_log and sector.count(0) > 440
                if any(sector) and not stamped and not (unread and not in_log) and (kind == "log" or not in_log):
                    out.write(struct.pack("<I", at // 512) + sector)


def make(name, work):
    options, old = SAMPLES[name]
    image = os.path.join(work, "fs.img")
    with open(image, "wb") as out:
        out.truncate(32 << 20)
    # mkfs.xfs refuses such small filesystems unless it believes that its own tests run it.
    tests = {**os.environ, "TEST_DIR": "1", "TEST_DEV": "1", "QA_CHECK_FS": "1"}
    sweep.run("mkfs.xfs", "--unsupported", "-q", "-f", *options.split(), image, env=tests)
    kernel = sweep.UserModeLinux(work) if old else sweep.RunningKernel(work)
    kernel.do(image, sweep.fill, image, work, "small")
    taken, recovered = os.path.join(work, "quiet.img"), os.path.join(work, "recovered.img")
    sweep.copy(taken, recovered)
    kernel.do(recovered, sweep.view, os.path.join(work, "view.jsonl"))
    table(os.path.join(work, "view.jsonl"), os.path.join(work, name + ".tsv"))
    with open(os.path.join(work, "held.json")) as held, open(os.path.join(HERE, name + ".deleted"), "w") as out:
        for row in json.load(held):
            out.write("%(inode)d\t%(size)d\t%(sha256)s\n" % row)
    seeds(taken, name)
    for source, target in ((taken, name + ".img.zst"), (os.path.join(work, name + ".tsv"), name + ".tsv.zst")):
        subprocess.run(["zstd", "-q", "-19", "-f", source, "-o", os.path.join(HERE, target)], check=True)


if __name__ == "__main__":
    for sample in sys.argv[1:] or SAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            make(sample, folder)
