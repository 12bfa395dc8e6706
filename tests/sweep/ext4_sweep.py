#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ext2, ext3 and ext4 in many geometries, clean and crashed: ekshume against the kernel.

Usage: EKSHUME=path/to/ekshume ext4_sweep.py [--quick] [--part K/N] [--only WORD] [--scale SCALE] [--keep DIR]
Makes filesystems with mkfs, fills them (fill.py), takes their images unmounted, shut down in the
middle, or copied under a running workload, and compares every name with type, mode, owner, size,
times, inode, links, target, attributes and SHA-256 with what the kernel shows of a mounted copy
(kernel_view.py). Needs root; exits with 77 and a reason where it cannot run.
"""
import argparse
import fcntl
import json
import os
import random
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time

import ekshume_view
import kernel_view
from ground import CloningFolder, Storm, clone, need, run, share_of, skip, sync_filesystem, unmount

HERE = os.path.dirname(os.path.abspath(__file__))
EXT4_IOC_SHUTDOWN = 0x8004587D
# How a filesystem is shut down: its log is flushed first, or not.
LOGFLUSH, NOLOGFLUSH = 1, 2
HAS_JOURNAL, INLINE_DATA = 0x4, 0x8000
ALL_FIELDS = ("type", "mode", "uid", "gid", "size", "mtime", "ctime", "atime", "crtime", "inode",
              "links", "target", "device", "sha256", "xattrs")
FAST_FIELDS = tuple(field for field in ALL_FIELDS if field != "atime")


class Case:
    """One geometry: mkfs' arguments and how its images are taken. One filling serves "clean"
    (unmounted), "cut" (the plug is pulled) and "crash" (cut, and shut down in both ways)."""

    def __init__(self, label, arguments, program="mkfs.ext4", size="400M", options="", modes=("crash", "clean"),
                 quick=False, scale="full"):
        self.label, self.arguments, self.program, self.size = label, arguments.split(), program, size
        self.options, self.modes, self.quick, self.scale = options, modes, quick, scale


CASES = [
    Case("ext4-default", "", quick=True, modes=("crash", "clean", "live")),
    Case("ext4-1k-inode128-nocsum", "-b 1024 -I 128 -O ^metadata_csum,^64bit", quick=True),
    Case("ext2-1k", "-b 1024", program="mkfs.ext2", modes=("clean",), quick=True),
    Case("ext3-journal-data", "-b 1024", program="mkfs.ext3", options="data=journal", quick=True),
    Case("ext4-inline-ea-inode", "-O inline_data,ea_inode,orphan_file,metadata_csum_seed", quick=True),
    Case("ext4-bigalloc", "-O bigalloc -C 65536", size="1G", quick=True),
    Case("ext4-fast-commit", "-O fast_commit", modes=("crash", "clean", "fast"), quick=True),
    Case("ext4-2k", "-b 2048"),
    Case("ext4-inode1024", "-I 1024 -O inline_data"),
    Case("ext4-1k-inline-inode256", "-b 1024 -O inline_data,large_dir,^flex_bg"),
    Case("ext4-no-extents", "-O ^extent,^64bit"),
    Case("ext4-1k-no-extents", "-b 1024 -O ^extent,^64bit,^flex_bg", scale="deep"),
    Case("ext4-meta-bg", "-O meta_bg,^resize_inode -b 1024 -g 2048"),
    Case("ext4-meta-bg-32bit", "-O meta_bg,^resize_inode,^64bit -b 1024 -g 1024"),
    Case("ext4-uninit-bg", "-O ^metadata_csum,uninit_bg"),
    Case("ext4-no-dir-index", "-O ^dir_index"),
    Case("ext4-no-filetype", "-O ^filetype,^metadata_csum"),
    Case("ext4-no-journal", "-O ^has_journal", modes=("clean",)),
    Case("ext4-no-huge-file", "-O ^huge_file,^dir_nlink,^extra_isize -I 128"),
    Case("ext4-quota-project", "-O quota,project -E quotatype=usrquota:grpquota:prjquota"),
    Case("ext4-sparse-super2", "-O sparse_super2,^resize_inode -b 1024"),
    Case("ext4-encrypt-flag", "-O encrypt,stable_inodes", modes=("clean",)),
    Case("ext4-orphan-file-1k", "-O orphan_file -b 1024", modes=("crash", "live")),
    Case("ext4-journal-data", "", options="data=journal", modes=("crash", "live")),
    Case("ext4-journal-checksum-async", "", options="journal_async_commit,journal_checksum,data=writeback",
         modes=("crash", "live")),
    Case("ext4-nocsum-journal-checksum", "-O ^metadata_csum", options="journal_checksum", modes=("crash", "live")),
    Case("ext4-small-journal-wraps", "-J size=4", modes=("crash", "live")),
    Case("ext3-small-journal-1k", "-b 1024 -J size=1", program="mkfs.ext3", modes=("crash", "live")),
    Case("ext4-fast-commit-1k-inline", "-b 1024 -O fast_commit,inline_data", modes=("crash", "fast")),
    Case("ext4-bigalloc-1k-inline", "-b 1024 -O bigalloc,inline_data -C 16384"),
    Case("ext4-1k-deep", "-b 1024 -N 160000", size="900M", scale="huge", modes=("clean",)),
    Case("ext4-huge", "-N 160000", size="1G", scale="huge", modes=("cut",)),
]
# What this kernel may not mount: made by mke2fs from a folder instead.
FOLDER_CASES = [
    Case("folder-64k", "-b 65536", size="2G"), Case("folder-32k-inline", "-b 32768 -O inline_data", size="2G"),
    Case("folder-8k", "-b 8192", size="1G"), Case("folder-casefold", "-O casefold", size="1G", quick=True),
    Case("folder-64k-no-extents", "-b 65536 -O ^extent,^64bit", size="2G"),
    Case("folder-casefold-encrypt", "-O casefold,encrypt", size="1G"),
]


def fsync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def kernel_rows(root):
    return {row["path"]: row for row in kernel_view.rows(root)}


def safe_options(image, options):
    """With inline data, Linux 6.18 in its ordered mode can wait in the journal's commit for that same
    commit when a file grows out of its inode: then sync(2) never returns on that machine."""
    with open(image, "rb") as file:
        file.seek(1024)
        superblock = file.read(1024)
    compatible, incompatible = struct.unpack_from("<II", superblock, 92)
    if compatible & HAS_JOURNAL and incompatible & INLINE_DATA:
        return ",".join(filter(None, (options, "data=writeback")))
    return options


class Bench:
    """Where images lie, and how one is made, filled and compared. Its user has called need()."""

    def __init__(self, work, quick):
        self.work, self.quick = work, quick
        self.store = CloningFolder(work)
        self.images = self.store.path
        self.mount_point = os.path.join(work, "mount")
        self.view_point = os.path.join(work, "view")
        self.problems, self.compared = [], 0

    def __enter__(self):
        for folder in (self.mount_point, self.view_point):
            os.makedirs(folder, exist_ok=True)
        self.store.__enter__()
        return self

    def __exit__(self, *_):
        self.unmount_all()
        self.store.__exit__()

    def unmount_all(self):
        for target in (self.mount_point, self.view_point):
            if os.path.ismount(target):
                unmount(target)

    def path(self, name):
        return os.path.join(self.images, name)

    def make(self, case, *more):
        image = self.path("disk.img")
        with open(image, "wb") as file:
            file.truncate(0)
        run("truncate", "-s", case.size, image)
        run(case.program, "-F", "-q", *case.arguments, *more, image)
        return image

    def mount(self, image, target, options=""):
        # A loop device of its own: mount's would be read-only for a read-only mount, and then the
        # kernel could not replay the journal.
        options = safe_options(image, options)
        device = run("losetup", "--find", "--show", image).stdout.decode().strip()
        try:
            run("mount", *(("-o", options) if options else ()), device, target)
        finally:
            run("losetup", "--detach", device)  # when the mount ends

    def note(self, label, found):
        self.problems += ["%s: %s" % (label, problem) for problem in found]

    def our_rows(self, label, image):
        ours, code, messages = ekshume_view.rows(image)
        if code != 0:
            self.note(label, ["exit code %d: %s" % (code, messages[:2000])])
        return ours

    def check(self, label, image, ours=None, ignore=lambda path, row, field: False, fields=ALL_FIELDS,
              options="ro,noatime"):
        """`image` as ekshume reads it against the kernel's mount of a copy."""
        copy = self.path("view.img")
        clone(image, copy)
        if ours is None:
            ours = self.our_rows(label, image)
        self.mount(copy, self.view_point, options)
        theirs = kernel_rows(self.view_point)
        unmount(self.view_point)
        self.note(label, ekshume_view.differences(ours, theirs, fields, ignore))
        self.compared += len(theirs)
        os.unlink(copy)
        return ours

    def check_deleted(self, label, image, held):
        found, code, messages = ekshume_view.deleted(image)
        if code != 0:
            self.note(label, ["--deleted: exit code %d: %s" % (code, messages[:500])])
        self.note(label, ["deleted inode %(inode)d of %(size)d bytes is not found" % one for one in held
                          if (one["inode"], one["size"], one["sha256"]) not in found])


class Filling:
    """fill.py at work on what is mounted, which is filled when this is made (unless `wait` is false)."""

    def __init__(self, bench, scale, wait=True):
        self.held = os.path.join(bench.work, "held.json")
        self.process = subprocess.Popen(
            (sys.executable, os.path.join(HERE, "fill.py"), bench.mount_point, scale, self.held),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if wait:
            self.expect("filled")

    def expect(self, word):
        if self.process.stdout.readline().strip() != word:
            raise RuntimeError("fill.py failed")

    def change(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.expect("changed")

    def end(self):
        """Closes the files that are held open."""
        self.process.communicate()

    def held_files(self):
        with open(self.held) as file:
            return json.load(file)


def more_of_ext4(root):
    """What fill.py, made for any filesystem, leaves out."""
    folder = os.path.join(root, "ext4")
    os.mkdir(folder)
    for length in (58, 59, 60, 61, 100, 159, 160, 161, 500, 1023, 1024, 2047, 2048, 4094, 4095):
        try:
            os.symlink(("l%d/" % length * length)[:length], os.path.join(folder, "link-%d" % length))
        except OSError:
            pass  # no longer than a block
    for size in range(0, 200, 7):
        with open(os.path.join(folder, "tiny-%d" % size), "wb") as file:
            file.write(b"%03d" % size * 100)
            file.truncate(size)
        os.setxattr(os.path.join(folder, "tiny-%d" % size), "user.t", b"x" * (size % 40))
    # Past single, double and triple indirection at every block size.
    with open(os.path.join(folder, "far"), "wb") as file:
        block = os.statvfs(root).f_bsize
        per = block // 4
        for index in (0, 11, 12, 12 + per - 1, 12 + per, 12 + per + per * per - 1, 12 + per + per * per,
                      12 + per + per * per + 3 * per + 7):
            file.seek(index * block)
            file.write(b"block %d" % index)
    for count in range(1, 12):
        tree = os.path.join(folder, "inline-directory-%d" % count)
        os.mkdir(tree)
        for index in range(count):
            os.mknod(os.path.join(tree, "n%d" % index * 2), 0o600 | stat.S_IFREG)


def check_filled(bench, case, scale):
    """One filling, cut off and shut down as the modes say, after each of which the kernel goes on; at
    last unmounted."""
    image = bench.make(case)
    bench.mount(image, bench.mount_point, case.options)
    filling = Filling(bench, scale)
    more_of_ext4(bench.mount_point)
    if "crash" in case.modes or "cut" in case.modes:
        check_cut(bench, case, filling, image)
    if "crash" in case.modes and not bench.quick:
        check_shut_down(bench, "%s crash, log not flushed" % case.label, filling, NOLOGFLUSH, image)
        bench.mount(image, bench.mount_point, case.options)
        filling = Filling(bench, "again")
        sync_filesystem(bench.mount_point)
        check_shut_down(bench, "%s crash, log flushed" % case.label, filling, LOGFLUSH, image)
        bench.mount(image, bench.mount_point, case.options)
        filling = Filling(bench, "again")
    filling.end()
    unmount(bench.mount_point)
    if "clean" in case.modes:
        bench.check("%s clean" % case.label, image)


def check_cut(bench, case, filling, image):
    """The plug is pulled: a copy while mounted."""
    label = "%s crash, cut" % case.label
    taken = bench.path("taken.img")
    sync_filesystem(bench.mount_point)
    filling.change()
    fsync(bench.mount_point)
    clone(image, taken)
    bench.check_deleted(label, taken, filling.held_files())
    bench.check(label, taken)


def check_shut_down(bench, label, filling, how, image):
    filling.change()
    fd = os.open(bench.mount_point, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", how))
    finally:
        os.close(fd)
    filling.end()
    unmount(bench.mount_point)
    bench.check_deleted(label, image, filling.held_files())
    bench.check(label, image)


def check_live(bench, case):
    """Copies of the image while workloads run: snapshots of a live node."""
    image = bench.make(case)
    bench.mount(image, bench.mount_point, case.options)
    copies = []
    source = random.Random(case.label)
    done = threading.Event()

    def syncer():
        while not done.wait(source.uniform(0.05, 0.4)):
            sync_filesystem(bench.mount_point)

    def take():
        copies.append(bench.path("copy-%d.img" % len(copies)))
        clone(image, copies[-1])

    thread = threading.Thread(target=syncer, daemon=True)
    thread.start()
    filling = Filling(bench, "quick", wait=False)
    for _ in range(2 if bench.quick else 3):
        time.sleep(source.uniform(0.05, 0.4))
        take()
    filling.expect("filled")
    storm = Storm(bench.mount_point, source.randrange(1000))
    for _ in range(2 if bench.quick else 6):
        storm.wait(source.randrange(1, 20))
        take()
    storm.end()
    filling.end()
    done.set()
    thread.join()
    unmount(bench.mount_point)
    for index, copy in enumerate(copies):
        bench.check("%s live copy %d" % (case.label, index), copy)
        os.unlink(copy)


def fast_commit_work(root, rounds, source):
    """fsync after each small change: what fast commits are for."""
    folder = os.path.join(root, "fast")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        for index in range(40):
            with open(os.path.join(folder, "old-%d" % index), "wb") as file:
                file.write(b"o" * 5000)
    names = sorted(os.listdir(folder))
    for index in range(rounds):
        kind = source.randrange(7)
        path = os.path.join(folder, source.choice(names))
        fresh = os.path.join(folder, "new-%d-%d" % (rounds, index))
        if kind == 0 or not os.path.isfile(path):
            path = fresh
            with open(path, "wb") as file:
                file.write(source.randbytes(source.randrange(20000)))
        elif kind == 1:
            with open(path, "r+b") as file:
                file.seek(source.randrange(60000))
                file.write(source.randbytes(source.randrange(1, 9000)))
        elif kind == 2:
            os.truncate(path, source.randrange(30000))
        elif kind == 3:
            os.rename(path, fresh)
            path = fresh
        elif kind == 4:
            os.link(path, fresh)
            path = fresh
        elif kind == 5:
            os.unlink(path)
            os.mkdir(fresh)
            path = os.path.join(fresh, "inside")
            with open(path, "wb") as file:
                file.write(b"inside")
        else:
            os.symlink("to/" + "t" * source.randrange(1, 50), fresh + "-link")
            os.mknod(fresh + "-node", 0o600 | stat.S_IFCHR, os.makedev(5, index))
            path = fresh
            with open(path, "wb") as file:
                file.truncate(1 << 20)
                file.seek(1 << 19)
                file.write(b"sparse")
        fsync(path)
        names = sorted(os.listdir(folder))


def check_fast(bench, case):
    """Crashes behind fast commits, against the kernel's replay and against what was there before."""
    for seed in range(2 if bench.quick else 12):
        image = bench.make(case)
        bench.mount(image, bench.mount_point, case.options)
        source = random.Random(seed)
        fast_commit_work(bench.mount_point, 5, source)
        sync_filesystem(bench.mount_point)
        fast_commit_work(bench.mount_point, 8 + 15 * seed, source)
        before = kernel_rows(bench.mount_point)
        taken = bench.path("taken.img")
        clone(image, taken)
        unmount(bench.mount_point)
        image = taken
        label = "%s fast commits %d" % (case.label, seed)
        ours = bench.our_rows(label, image)
        # Fast commits do not hold a directory's times and size; the kernel sets them anew.
        def ignore(path, row, field):
            return row["type"] == "d" and field in ("mtime", "ctime", "size")
        # For a read-only mount the kernel does not replay them. It miscounts the links of directories.
        bench.check(label, image, ours, lambda path, row, field: ignore(path, row, field) or
                    (row["type"] == "d" and field == "links"), FAST_FIELDS, "noatime")
        bench.note(label + " (before)", ekshume_view.differences(ours, before, FAST_FIELDS, ignore))


def check_folder(bench, case):
    """mke2fs writes the filesystem from a folder, and that folder is the truth."""
    source = os.path.join(bench.work, "folder")
    if not os.path.isdir(source):
        host = bench.make(Case("folder", ""))
        bench.mount(host, bench.mount_point)
        filling = Filling(bench, "quick")
        more_of_ext4(bench.mount_point)
        filling.end()
        shutil.rmtree(os.path.join(bench.mount_point, "lost+found"))
        # mke2fs 1.47 cuts a file that ends in a hole of an unwritten extent.
        os.unlink(os.path.join(bench.mount_point, "contents", "only-unwritten"))
        subprocess.run(("cp", "-a", bench.mount_point, source), check=True)
        unmount(bench.mount_point)
    image = bench.make(case, "-d", source)
    ours = bench.our_rows(case.label, image)
    theirs = kernel_rows(source)
    for path in [path for path in ours if bytes.fromhex(path).startswith(b"/lost+found")]:
        del ours[path]
    for rows in (ours, theirs):
        for row in rows.values():
            row["mtime"] //= 10**9
    # mke2fs keeps neither all attributes nor times past 2038, and counts a directory's links anew.
    def ignore(path, row, field):
        return (field == "size" and row["type"] == "d") or (field == "mtime" and
                                                            not 0 <= row["mtime"] < 2**31) or path == b"/".hex()
    bench.note(case.label, ekshume_view.differences(
        ours, theirs, ("type", "mode", "uid", "gid", "size", "mtime", "links", "target", "device", "sha256"), ignore))
    bench.compared += len(theirs)


def check_case(bench, case, scale):
    if case in FOLDER_CASES:
        check_folder(bench, case)
        return
    check_filled(bench, case, scale)
    if "live" in case.modes:
        check_live(bench, case)
    if "fast" in case.modes:
        check_fast(bench, case)


def run_case(bench, case, scale):
    """Prints how it went; false when this kernel or this mkfs has not the feature."""
    start, before = time.time(), len(bench.problems)
    try:
        check_case(bench, case, scale)
    except subprocess.CalledProcessError as error:
        print("skipped: %s: %s" % (case.label, error.stderr.decode().strip().splitlines()[:1]), flush=True)
        bench.unmount_all()
        return False
    print("%-32s %s (%.1f s)" % (case.label, "ok" if len(bench.problems) == before else "DIFFERS",
                                time.time() - start), flush=True)
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="some cases, less of each")
    parser.add_argument("--part", default="1/1", help="K/N: the Kth of N parts, to be run side by side")
    parser.add_argument("--only", default="", help="cases whose label contains this")
    parser.add_argument("--scale", help="how much to fill in: quick, full, deep or huge; each case has its own")
    parser.add_argument("--keep", help="work in this folder and keep the last image")
    options = parser.parse_args()
    need(("mkfs.ext4", "mkfs.xfs", "losetup"), ("ext4", "xfs"))
    work = options.keep or tempfile.mkdtemp(prefix="ext4-sweep-")
    os.makedirs(work, exist_ok=True)
    try:
        with Bench(work, options.quick) as bench:
            cases = [case for case in CASES + FOLDER_CASES
                     if options.only in case.label and (case.quick or not options.quick)]
            ran = sum(run_case(bench, case, options.scale or ("quick" if options.quick else case.scale))
                      for case in share_of(cases, options.part))
            for problem in bench.problems[:60]:
                print(problem)
            print("%d cases, %d names compared, %d differences" % (ran, bench.compared, len(bench.problems)))
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    if ran == 0:
        skip("no case could run")
    sys.exit(1 if bench.problems else 0)


if __name__ == "__main__":
    main()
