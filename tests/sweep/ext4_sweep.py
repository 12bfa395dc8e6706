#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ext2, ext3 and ext4 in many geometries, clean and crashed: ekshume against the kernel.

Usage: EKSHUME=path/to/ekshume ext4_sweep.py [--quick] [--only WORD] [--scale SCALE] [--keep DIR]
Makes filesystems with mkfs, fills them (fill.py), takes their images unmounted, shut down in the
middle, or copied under a running workload, and compares every name with type, mode, owner, size,
times, inode, links, target, attributes and SHA-256 with what the kernel shows of a mounted copy
(kernel_view.py). Needs root; exits with 77 and a reason where it cannot run.
"""
import argparse
import datetime
import fcntl
import io
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

import kernel_view

HERE = os.path.dirname(os.path.abspath(__file__))
EXT4_IOC_SHUTDOWN = 0x8004587D
FICLONE = 0x40049409
# How a filesystem is shut down: its log is flushed first, or not.
LOGFLUSH, NOLOGFLUSH = 1, 2
ALL_FIELDS = ("type", "mode", "uid", "gid", "size", "mtime", "ctime", "atime", "crtime", "inode",
              "links", "target", "device", "sha256", "xattrs")

FAST_FIELDS = tuple(field for field in ALL_FIELDS if field != "atime")


class Case:
    """One geometry: mkfs' arguments and how its images are taken."""

    def __init__(self, label, arguments, program="mkfs.ext4", size="400M", options="", modes=("clean", "crash"),
                 quick=False, scale=None):
        self.label, self.arguments, self.program, self.size = label, arguments.split(), program, size
        self.options, self.modes, self.quick, self.scale = options, modes, quick, scale


# With inline data, Linux 6.18 in its ordered mode can wait in the journal's commit for that same
# commit when a file grows out of its inode: then sync(2) never returns on that machine.
WRITEBACK = "data=writeback"
CASES = [
    Case("ext4-default", "", quick=True, modes=("clean", "crash", "live")),
    Case("ext4-1k-inode128-nocsum", "-b 1024 -I 128 -O ^metadata_csum,^64bit", quick=True),
    Case("ext2-1k", "-b 1024", program="mkfs.ext2", modes=("clean",), quick=True),
    Case("ext3-journal-data", "-b 1024", program="mkfs.ext3", options="data=journal", quick=True),
    Case("ext4-inline-ea-inode", "-O inline_data,ea_inode,orphan_file,metadata_csum_seed", options=WRITEBACK,
         quick=True),
    Case("ext4-bigalloc", "-O bigalloc -C 65536", quick=True),
    Case("ext4-fast-commit", "-O fast_commit", modes=("clean", "crash", "fast"), quick=True),
    Case("ext4-2k", "-b 2048"),
    Case("ext4-inode1024", "-I 1024 -O inline_data", options=WRITEBACK),
    Case("ext4-1k-inline-inode256", "-b 1024 -O inline_data,large_dir,^flex_bg", options=WRITEBACK),
    Case("ext4-no-extents", "-O ^extent,^64bit"),
    Case("ext4-1k-no-extents", "-b 1024 -O ^extent,^64bit,^flex_bg"),
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
    Case("ext4-fast-commit-1k-inline", "-b 1024 -O fast_commit,inline_data", options=WRITEBACK,
         modes=("crash", "fast")),
    Case("ext4-bigalloc-1k-inline", "-b 1024 -O bigalloc,inline_data -C 16384", options=WRITEBACK,
         modes=("clean", "crash")),
    Case("ext4-1k-deep", "-b 1024 -N 160000", size="900M", scale="huge", modes=("clean",)),
    Case("ext4-huge", "-N 160000", size="1G", scale="huge", modes=("crash",)),
]
# What this kernel may not mount: made by mke2fs from a folder instead.
FOLDER_CASES = [
    Case("folder-64k", "-b 65536", size="2G"), Case("folder-32k-inline", "-b 32768 -O inline_data", size="2G"),
    Case("folder-8k", "-b 8192", size="1G"), Case("folder-casefold", "-O casefold", size="1G", quick=True),
    Case("folder-64k-no-extents", "-b 65536 -O ^extent,^64bit", size="2G"),
    Case("folder-casefold-encrypt", "-O casefold,encrypt", size="1G"),
]


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def run(*command, **keywords):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)


def unmount(target):
    for _ in range(600):
        if subprocess.run(("umount", target), stderr=subprocess.DEVNULL).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError("cannot unmount %s" % target)


def sync_filesystem(mount_point):
    """Not sync(2), which would wait for every filesystem of the machine."""
    fd = os.open(mount_point, os.O_RDONLY)
    try:
        if kernel_view.LIBC.syncfs(fd) != 0:
            raise OSError("syncfs")
    finally:
        os.close(fd)


def fsync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def clone(source, target):
    """An atomic copy, as an EBS snapshot is: both lie on one reflink filesystem."""
    with open(source, "rb") as old, open(target, "wb") as new:
        fcntl.ioctl(new.fileno(), FICLONE, old.fileno())


def nanoseconds(text):
    if text is None:
        return None
    whole, fraction = text.rstrip("Z").split(".")
    sign = whole.startswith("-")
    year = int(whole.lstrip("-").split("-")[0])
    if sign or year > 9999:
        raise ValueError(text)
    moment = datetime.datetime.fromisoformat(whole) - datetime.datetime(1970, 1, 1)
    return (moment.days * 86400 + moment.seconds) * 10**9 + int(fraction)


def hexed(row, key):
    """A name as the hex of its bytes: names that are not UTF-8 come with a member of their own."""
    if row.get(key + "_hex") is not None:
        return row[key + "_hex"]
    return None if row.get(key) is None else row[key].encode().hex()


def our_view(program, image, *options):
    """Rows of ekshume by path, and its diagnostics."""
    done = subprocess.run((program, "fs", "find", image, "/", "--format", "jsonl", *options),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    rows = {}
    for line in done.stdout.decode().splitlines():
        row = json.loads(line)
        if "--deleted" in options:
            rows[row["inode"]] = row
            continue
        row["path"], row["target"] = hexed(row, "path"), hexed(row, "target")
        for key in ("mtime", "ctime", "atime", "crtime"):
            row[key] = nanoseconds(row[key])
        row["xattrs"] = {x["name"]: x["value_hex"] if "value_hex" in x else x["value"].encode().hex()
                         for x in row.get("xattrs") or []}
        rows[row["path"]] = row
    return rows, done.returncode, done.stderr.decode(errors="replace")


def kernel_rows(root):
    out = io.StringIO()
    kernel_view.dump(root, out)
    return {row["path"]: row for row in map(json.loads, out.getvalue().splitlines())}


def compare(label, ours, theirs, fields=ALL_FIELDS, ignore=lambda path, row, field: False):
    problems = []
    for path in sorted(set(ours) | set(theirs)):
        name = os.fsdecode(bytes.fromhex(path))
        if path not in ours or path not in theirs:
            problems.append("%s: %r is %s" % (label, name, "missing" if path not in ours else "too much"))
            continue
        for field in fields:
            if ours[path].get(field) != theirs[path].get(field) and not ignore(path, theirs[path], field):
                problems.append("%s: %r has %s %s, the kernel shows %s" % (
                    label, name, field, str(ours[path].get(field))[:200], str(theirs[path].get(field))[:200]))
    return problems


class Bench:
    """Where images lie, and how one is made, filled and compared."""

    def __init__(self, program, work, quick):
        self.program, self.work, self.quick = program, work, quick
        self.images = os.path.join(work, "images")
        self.mount_point = os.path.join(work, "mount")
        self.view_point = os.path.join(work, "view")
        self.problems, self.compared = [], 0

    def __enter__(self):
        for folder in (self.images, self.mount_point, self.view_point):
            os.makedirs(folder, exist_ok=True)
        store = os.path.join(self.work, "store.img")
        with open(store, "wb") as file:
            file.truncate(24 << 30)
        try:
            run("mkfs.xfs", "-q", "-m", "reflink=1", store)
            run("mount", "-o", "loop", store, self.images)
        except (OSError, subprocess.CalledProcessError) as error:
            skip("no XFS with reflink for atomic copies: %s" % error)
        return self

    def __exit__(self, *_):
        for target in (self.mount_point, self.view_point, self.images):
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
        device = run("losetup", "--find", "--show", image).stdout.decode().strip()
        try:
            run("mount", *(("-o", options) if options else ()), device, target)
        finally:
            run("losetup", "--detach", device)  # when the mount ends

    def check(self, label, image, ours=None, ignore=lambda path, row, field: False, fields=ALL_FIELDS,
              options="ro,noatime"):
        """`image` as ekshume reads it against the kernel's mount of a copy."""
        copy = self.path("view.img")
        clone(image, copy)
        code = 0
        if ours is None:
            ours, code, errors = our_view(self.program, image, "--sha256", "--xattrs")
        if code != 0:
            self.problems.append("%s: exit code %d: %s" % (label, code, errors[:2000]))
        self.mount(copy, self.view_point, options)
        theirs = kernel_rows(self.view_point)
        unmount(self.view_point)
        self.problems += compare(label, ours, theirs, fields, ignore)
        self.compared += len(theirs)
        os.unlink(copy)
        return ours

    def check_deleted(self, label, image, held):
        rows, code, errors = our_view(self.program, image, "--deleted")
        if code != 0:
            self.problems.append("%s: --deleted: exit code %d: %s" % (label, code, errors[:500]))
        for one in held:
            row = rows.get(one["inode"])
            if row is None or row["size"] != one["size"] or row["sha256"] != one["sha256"]:
                self.problems.append("%s: deleted inode %d is %s" % (label, one["inode"], row))

    def expect(self, process, word):
        if process.stdout.readline().strip() != word:
            raise RuntimeError("fill.py failed")

    def filler(self, scale):
        held = os.path.join(self.work, "held.json")
        process = subprocess.Popen((sys.executable, os.path.join(HERE, "fill.py"), self.mount_point, scale, held),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return process, held


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


def shut_down(mount_point, how):
    fd = os.open(mount_point, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", how))
    finally:
        os.close(fd)


def check_clean(bench, case, scale):
    image = bench.make(case)
    bench.mount(image, bench.mount_point, case.options)
    process, _ = bench.filler(scale)
    bench.expect(process, "filled")
    more_of_ext4(bench.mount_point)
    process.communicate()
    unmount(bench.mount_point)
    bench.check("%s clean" % case.label, image)


def check_crash(bench, case, scale):
    """The plug is pulled (a copy while mounted), and the two ways to shut down."""
    for how, name in ((None, "cut"), (NOLOGFLUSH, "log not flushed"), (LOGFLUSH, "log flushed")):
        if bench.quick and how is not None:
            continue
        label = "%s crash, %s" % (case.label, name)
        image = bench.make(case)
        bench.mount(image, bench.mount_point, case.options)
        process, held_path = bench.filler(scale)
        bench.expect(process, "filled")
        more_of_ext4(bench.mount_point)
        sync_filesystem(bench.mount_point)
        process.stdin.write("\n")
        process.stdin.flush()
        bench.expect(process, "changed")
        if how is None:
            fsync(bench.mount_point)
            clone(image, bench.path("taken.img"))
        else:
            shut_down(bench.mount_point, how)
        process.communicate()
        unmount(bench.mount_point)
        taken = bench.path("taken.img") if how is None else image
        with open(held_path) as file:
            bench.check_deleted(label, taken, json.load(file))
        bench.check(label, taken)


def check_live(bench, case, scale):
    """Copies of the image while the workload runs: a snapshot of a live node."""
    image = bench.make(case)
    bench.mount(image, bench.mount_point, case.options)
    process, _ = bench.filler(scale)
    copies = []
    source = random.Random(case.label)
    done = threading.Event()

    def syncer():
        while not done.wait(source.uniform(0.05, 0.4)):
            subprocess.run(("sync", "-f", bench.mount_point))
    thread = threading.Thread(target=syncer)
    thread.start()
    for index in range(3 if bench.quick else 8):
        time.sleep(source.uniform(0.1, 1.0))
        copy = bench.path("copy-%d.img" % index)
        clone(image, copy)
        copies.append(copy)
    try:
        process.stdin.write("\n")
        process.stdin.flush()
    except BrokenPipeError:
        raise RuntimeError("fill.py failed") from None
    for index in range(len(copies), len(copies) + 2):
        time.sleep(source.uniform(0.05, 0.3))
        copy = bench.path("copy-%d.img" % index)
        clone(image, copy)
        copies.append(copy)
    process.communicate()
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


def check_fast(bench, case, scale):
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
        ours, code, errors = our_view(bench.program, image, "--sha256", "--xattrs")
        if code != 0:
            bench.problems.append("%s: exit code %d: %s" % (label, code, errors[:2000]))
        # Fast commits do not hold a directory's times and size; the kernel sets them anew.
        def ignore(path, row, field):
            return row["type"] == "d" and field in ("mtime", "ctime", "size")
        # For a read-only mount the kernel does not replay them. It miscounts the links of directories.
        bench.check(label, image, ours, lambda path, row, field: ignore(path, row, field) or
                    (row["type"] == "d" and field == "links"), FAST_FIELDS, "noatime")
        bench.problems += compare(label + " (before)", ours, before, FAST_FIELDS, ignore)


def check_folder(bench, case):
    """mke2fs writes the filesystem from a folder, and that folder is the truth."""
    source = os.path.join(bench.work, "folder")
    if not os.path.isdir(source):
        host = bench.make(Case("folder", ""))
        bench.mount(host, bench.mount_point)
        process, _ = bench.filler("quick")
        bench.expect(process, "filled")
        more_of_ext4(bench.mount_point)
        process.communicate()
        shutil.rmtree(os.path.join(bench.mount_point, "lost+found"))
        # mke2fs 1.47 cuts a file that ends in a hole of an unwritten extent.
        os.unlink(os.path.join(bench.mount_point, "contents", "only-unwritten"))
        subprocess.run(("cp", "-a", bench.mount_point, source), check=True)
        unmount(bench.mount_point)
    image = bench.make(case, "-d", source)
    ours, code, errors = our_view(bench.program, image, "--sha256", "--xattrs")
    label = case.label
    if code != 0:
        bench.problems.append("%s: exit code %d: %s" % (label, code, errors[:2000]))
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
    bench.problems += compare(label, ours, theirs,
                              ("type", "mode", "uid", "gid", "size", "mtime", "links", "target", "device", "sha256"),
                              ignore)
    bench.compared += len(theirs)


def check_case(bench, case, scale):
    for mode in case.modes:
        if bench.quick and mode == "live" and not case.quick:
            continue
        {"clean": check_clean, "crash": check_crash, "live": check_live, "fast": check_fast}[mode](bench, case, scale)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="less than a minute")
    parser.add_argument("--only", default="", help="cases whose label contains this")
    parser.add_argument("--scale", help="how much to fill in: quick, full or huge; each case has its own")
    parser.add_argument("--keep", help="work in this folder and keep the last image")
    options = parser.parse_args()
    program = os.environ.get("EKSHUME")
    if not program:
        skip("EKSHUME does not name the program")
    if os.geteuid() != 0:
        skip("needs root for loop mounts")
    for tool in ("mkfs.ext4", "mkfs.xfs", "mount"):
        if shutil.which(tool) is None:
            skip("%s is not there" % tool)
    if "ext4" not in open("/proc/filesystems").read():
        skip("the kernel has no ext4")
    work = options.keep or tempfile.mkdtemp(prefix="ext4-sweep-")
    os.makedirs(work, exist_ok=True)
    ran = 0
    try:
        with Bench(program, work, options.quick) as bench:
            for cases, check in ((CASES, check_case), (FOLDER_CASES, None)):
                for case in cases:
                    if options.only not in case.label or (options.quick and not case.quick):
                        continue
                    start, before = time.time(), len(bench.problems)
                    try:
                        if check:
                            check(bench, case, options.scale or case.scale or ("quick" if options.quick else "full"))
                        else:
                            check_folder(bench, case)
                    except subprocess.CalledProcessError as error:
                        # This kernel or mkfs has not this feature.
                        print("%-32s not run: %s" % (case.label, error.stderr.decode().strip().splitlines()[:1]))
                        for target in (bench.mount_point, bench.view_point):
                            if os.path.ismount(target):
                                unmount(target)
                        continue
                    ran += 1
                    print("%-32s %s (%.1f s)" % (case.label, "ok" if len(bench.problems) == before else "DIFFERS",
                                                time.time() - start), flush=True)
            problems = bench.problems
            for problem in problems[:60]:
                print(problem)
            print("%d cases, %d names compared, %d differences" % (ran, bench.compared, len(problems)))
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    if ran == 0:
        skip("no case could run")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
