#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the small ext2, ext3 and ext4 images of this folder and what the kernel shows of them.

Usage: make_samples.py [NAME...]    (root; e2fsprogs 1.47; a kernel with ext4)

For each sample: NAME.img.zst; NAME.tsv.zst, one line per name of what the kernel shows after it has
recovered a copy: path, type, mode, uid, gid, size, mtime, ctime, birth time (nanoseconds), inode,
links, target, device, SHA-256, attributes (name=hex, ...); NAME.deleted, inode, size and SHA-256 of
the files that were held open when the image was taken.
"""
import os
import random
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "sweep"))
import ext4_sweep as sweep  # noqa: E402
import fill as filling  # noqa: E402
import ground  # noqa: E402

# Name: mkfs program, size, its arguments, and whether it is taken while mounted.
SAMPLES = {
    "ext4": ("mkfs.ext4", "6M", "-b 1024 -I 256 -N 256 -J size=1 -L sample4 -O inline_data,ea_inode,orphan_file,"
             "metadata_csum_seed,64bit,large_dir", True),
    "ext3": ("mkfs.ext3", "6M", "-b 1024 -I 128 -N 256 -J size=1 -L sample3", True),
    "ext2": ("mkfs.ext2", "4M", "-b 1024 -I 128 -N 256 -L sample2", False),
    "bigalloc": ("mkfs.ext4", "8M", "-b 1024 -C 4096 -N 256 -O bigalloc,^has_journal,meta_bg,^resize_inode", False),
    "fast": ("mkfs.ext4", "8M", "-b 1024 -N 256 -J size=2,fast_commit_size=128 -O fast_commit", True),
    # Two groups: the second has copies of the superblock and the descriptors.
    "backup": ("mkfs.ext4", "10M", "-b 1024 -N 64 -O ^has_journal,^resize_inode", False),
    # Small enough to flip every byte that a reader meets.
    "tiny": ("mkfs.ext4", "512k", "-b 1024 -I 256 -N 32 -O ^has_journal,^resize_inode,inline_data", False),
}


class SmallFiller(filling.Filler):
    """As much variety as fits into few blocks."""

    def fill(self):
        for count in (0, 3, 30, 400):
            os.mkdir(self.path("d%d" % count))
            for i in range(count):
                if i == 0:
                    self.write(self.path("d%d" % count, "name-0"), b"content of %d" % count)
                else:
                    os.link(self.path("d%d" % count, "name-0"), self.path("d%d" % count, "name-%d" % i))
            for i in range(1, count, 7):
                os.unlink(self.path("d%d" % count, "name-%d" % i))
        with open(self.path("fragmented"), "wb") as file:
            for i in range(60):
                file.seek(2 * i * self.block)
                file.write(b"%d" % i)
                file.flush()
        with open(self.path("far"), "wb") as file:
            for index in (0, 13, 300, 70000):
                file.seek(index * self.block)
                file.write(b"block %d" % index)
        with open(self.path("mixed"), "wb") as file:
            file.truncate(40 * self.block)
            filling.attempt(filling.fallocate, file.fileno(), 0, 3 * self.block, 6 * self.block)
            file.seek(5 * self.block)
            file.write(b"written")
        self.small_things()
        for i in range(3):
            self.hold(b"deleted %d" % i * 60)

    def small_things(self):
        for length in (5, 59, 60, 150, 1000):
            os.symlink(("t%d/" % length * length)[:length], self.path("link-%d" % length))
        os.mknod(self.path("device"), 0o600 | stat.S_IFCHR, os.makedev(8, 300))
        os.mknod(self.path("old-device"), 0o600 | stat.S_IFBLK, os.makedev(8, 3))
        os.mkfifo(self.path("fifo"), 0o640)
        for size in (0, 20, 59, 60, 61, 120, 160):
            self.write(self.path("size-%d" % size), b"%d" % (size % 10) * size)
        for name, count, size in (("inode", 2, 3), ("block", 5, 40), ("large", 1, 2500)):
            self.write(self.path("x-" + name), b"")
            for i in range(count):
                filling.attempt(os.setxattr, self.path("x-" + name), "user.%s-%d" % (name, i), bytes([65 + i]) * size)
        filling.attempt(os.setxattr, self.path("x-inode"), "security.selinux", b"system_u:object_r:etc_t:s0\0")
        acl = filling.struct.pack("<I", 2) + b"".join(filling.struct.pack("<HHI", *entry) for entry in (
            (1, 6, 2**32 - 1), (2, 4, 1000), (4, 4, 2**32 - 1), (16, 6, 2**32 - 1), (32, 0, 2**32 - 1)))
        filling.attempt(os.setxattr, self.path("x-inode"), "system.posix_acl_access", acl)
        for seconds in (-1, 2**31, 2**32 + 7, 2**33 + 9):
            self.write(self.path("time%d" % seconds), b"")
            os.utime(self.path("time%d" % seconds), ns=(seconds * 10**9 + 5, seconds * 10**9 + 7))

    def hold(self, data):
        fd = os.open(self.path("open"), os.O_RDWR | os.O_CREAT)
        os.write(fd, data)
        os.fsync(fd)
        self.held.append({"inode": os.fstat(fd).st_ino, "size": len(data),
                          "sha256": filling.hashlib.sha256(data).hexdigest()})
        os.unlink(self.path("open"))

    def change_after(self):
        """What only the journal knows."""
        os.rename(self.path("d30", "name-2"), self.path("renamed"))
        self.write(self.path("late"), b"late")
        # Into the journal, but not further, as a sync of everything would.
        sweep.fsync(self.path("late"))


class TinyFiller(SmallFiller):
    def fill(self):
        os.mkdir(self.path("d"))
        for i in range(40):
            os.symlink("x" * (61 if i == 0 else 5), self.path("d", "name-%d" % i)) if i < 3 else os.link(
                self.path("d", "name-2"), self.path("d", "name-%d" % i + "-" * 30))
        with open(self.path("fragmented"), "wb") as file:
            for i in range(12):
                file.seek(2 * i * self.block)
                file.write(b"%d" % i)
                file.flush()
        self.write(self.path("inline"), b"i" * 90)
        os.setxattr(self.path("inline"), "user.a", b"a")
        os.mkdir(self.path("small"))
        for i in range(6):
            os.link(self.path("inline"), self.path("small", "entry-%d" % i))
        os.setxattr(self.path("small"), "trusted.overlay.opaque", b"y")
        self.write(self.path("x"), b"")
        for i in range(4):
            os.setxattr(self.path("x"), "user.n%d" % i, b"v" * 60)


def table(rows, out_path):
    lines = []
    for row in rows.values():
        row["path"] = bytes.fromhex(row["path"]).decode()
        row["target"] = bytes.fromhex(row["target"] or "").decode()
        row["xattrs"] = ",".join("%s=%s" % pair for pair in sorted(row["xattrs"].items()))
        lines.append("\t".join("" if row[key] is None else str(row[key]) for key in (
            "path", "type", "mode", "uid", "gid", "size", "mtime", "ctime", "crtime", "inode", "links",
            "target", "device", "sha256", "xattrs")))
    with open(out_path, "w") as out:
        out.write("\n".join(sorted(lines)) + "\n")


def make(name, bench):
    program, size, arguments, dirty = SAMPLES[name]
    image = bench.make(sweep.Case(name, arguments, program=program, size=size))
    bench.mount(image, bench.mount_point)
    filler = (TinyFiller if name in ("tiny", "backup") else SmallFiller)(bench.mount_point, "small")
    if name == "fast":
        sweep.fast_commit_work(bench.mount_point, 5, random.Random(1))
    filler.fill()
    if dirty:
        ground.sync_filesystem(bench.mount_point)
        filler.change_after()
        if name == "fast":
            sweep.fast_commit_work(bench.mount_point, 15, random.Random(1))
            before = sweep.kernel_rows(bench.mount_point)
        # As a snapshot of a live node: nothing that the journal holds has been written home.
        taken = bench.path("taken.img")
        ground.clone(image, taken)
    release(bench)
    ground.unmount(bench.mount_point)
    image = taken if dirty else image
    if name == "fast":
        rows = before
        # Fast commits do not hold a directory's times and size.
        for row in rows.values():
            if row["type"] == "d":
                row.update(size=None, mtime=None, ctime=None)
    else:
        copy = bench.path("view.img")
        ground.clone(image, copy)
        bench.mount(copy, bench.view_point, "ro,noatime")
        rows = sweep.kernel_rows(bench.view_point)
        ground.unmount(bench.view_point)
    table(rows, bench.path(name + ".tsv"))
    with open(os.path.join(HERE, name + ".deleted"), "w") as out:
        for row in sorted(filler.held if dirty else [], key=lambda row: str(row["inode"])):
            out.write("%(inode)d\t%(size)d\t%(sha256)s\n" % row)
    for source, target in ((image, name + ".img.zst"), (bench.path(name + ".tsv"), name + ".tsv.zst")):
        subprocess.run(["zstd", "-q", "-19", "-f", source, "-o", os.path.join(HERE, target)], check=True)


def release(bench):
    """Closes the files that were held open."""
    for fd in os.listdir("/proc/self/fd"):
        try:
            if os.readlink("/proc/self/fd/" + fd).startswith(bench.mount_point):
                os.close(int(fd))
        except OSError:
            pass


if __name__ == "__main__":
    ground.own_mounts()
    with tempfile.TemporaryDirectory() as folder, sweep.Bench(folder, True) as bench:
        for sample in sys.argv[1:] or SAMPLES:
            make(sample, bench)
