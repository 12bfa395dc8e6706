#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes XFS images in many geometries, fills them, and compares what ekshume reads from each image
with what the kernel shows after it has mounted a copy: every name with all its metadata, extended
attributes and SHA-256; files deleted while open; the view after a crash.

Usage: EKSHUME=path/to/ekshume xfs_sweep.py [--quick] [--part K/N] [--list] [--case NAME]... [--keep DIR]

Needs root, mkfs.xfs, loop devices and a kernel with XFS; exits 77 with the reason where they are
missing. Version 4 needs a kernel that still mounts it: the running one, or that of the package
user-mode-linux; cases that neither can mount are named and skipped.
"""
import argparse
import ctypes
import fcntl
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import ekshume_view
import kernel_view
from ground import LIBC, CloningFolder, clone, need, share_of, skip, unmount

HERE = os.path.dirname(os.path.abspath(__file__))
FIFREEZE, FITHAW, GOINGDOWN = 0xC0045877, 0xC0045878, 0x8004587D
LOG_FLUSH = 1
MS_RDONLY = 1
UML = "/usr/bin/linux.uml"


class Case:
    """One geometry: options of mkfs.xfs, what to fill in, superblock bits to set by hand, images to compare."""

    def __init__(self, name, options, scale="full", quick=False, size="600m", incompat=0, uml=False,
                 images=("quiet", "crash")):
        self.name, self.options, self.scale, self.quick = name, options.split(), scale, quick
        self.size, self.incompat, self.uml, self.images = size, incompat, uml, images


EXCHANGE, PARENT = 0x40, 0x80
CASES = [
    Case("v5-default", "", quick=True),
    Case("v5-small-blocks", "-b size=1024 -i size=512 -n size=4096 -m rmapbt=1", scale="deep", quick=True),
    Case("v5-64k-directory-blocks", "-b size=1024 -n size=65536", scale="deep"),
    Case("v5-2k-blocks-1k-inodes", "-b size=2048 -i size=1024 -n size=8192"),
    Case("v5-2k-inodes", "-i size=2048 -n size=16384"),
    Case("v5-no-options", "-m finobt=0,reflink=0,bigtime=0,inobtcount=0 -i sparse=0"),
    Case("v5-nrext64-rmapbt", "-i nrext64=1 -m rmapbt=1 -n size=65536"),
    Case("v5-nrext64-small-blocks", "-b size=1024 -i nrext64=1,size=512"),
    Case("v5-4k-sectors", "-s size=4096"),
    Case("v5-many-groups", "-d agcount=11 -b size=1024", size="1200m"),
    Case("v5-8k-blocks", "-b size=8192"),
    Case("v5-16k-blocks", "-b size=16384 -i size=2048"),
    Case("v5-32k-blocks", "-b size=32768 -m rmapbt=1"),
    Case("v5-64k-blocks", "-b size=65536 -i nrext64=1", size="1500m"),
    Case("v5-log-stripe", "-l su=32768,size=64m -d su=32768,sw=2"),
    Case("v5-exchange-parent", "-i nrext64=1 -m rmapbt=1 -l size=128m", incompat=EXCHANGE | PARENT),
    Case("v5-parent-small-blocks", "-b size=1024 -l size=128m", incompat=PARENT),
    Case("v5-huge", "", scale="huge", size="3g", images=("crash",)),
    Case("v5-huge-small-blocks", "-b size=1024 -m rmapbt=1", scale="huge", size="2g", images=("quiet",)),
    Case("v4-default", "-m crc=0", scale="quick", uml=True),
    Case("v4-512-blocks", "-m crc=0 -b size=512 -i size=256", scale="quick", uml=True),
    Case("v4-512-blocks-64k-directories", "-m crc=0 -b size=512 -n size=65536", scale="quick", uml=True),
    Case("v4-no-ftype", "-m crc=0 -n ftype=0 -b size=1024 -i size=512", scale="quick", uml=True),
    Case("v4-attr1", "-m crc=0 -i attr=1,projid32bit=0 -l lazy-count=0", scale="quick", uml=True),
    Case("v4-2k-inodes", "-m crc=0 -i size=2048 -n size=16384,ftype=1", scale="quick", uml=True),
    Case("v4-ascii-ci", "-m crc=0 -n version=ci", scale="quick", uml=True),
    Case("v5-ascii-ci", "-n version=ci", scale="quick", uml=True),
]


def run(*command, **keywords):
    result = subprocess.run(command, capture_output=True, **keywords)
    if result.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(command), result.stderr[:400]))
    return result


def mount(device, where, flags=0, options=""):
    if LIBC.mount(os.fsencode(device), os.fsencode(where), b"xfs", flags, options.encode()) != 0:
        code = ctypes.get_errno()
        raise OSError(code, "mount %s: %s" % (device, os.strerror(code)))


def copy(source, target):
    """In one step where both lie on a filesystem with reflink; user-mode Linux does not see it as one."""
    try:
        clone(source, target)
    except OSError:
        run("cp", "--sparse=always", source, target)


def fill(device, where, image, work, scale):
    """Mounts, fills, takes "quiet.img" (frozen, with deleted files held open) and "crash.img" (more
    changes, then the power goes off)."""
    mount(device, where)
    filler = subprocess.Popen([sys.executable, os.path.join(HERE, "fill.py"), where, scale,
                               os.path.join(work, "held.json")],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if filler.stdout.readline() != "filled\n":
            raise RuntimeError("fill.py failed")
        root = os.open(where, os.O_RDONLY)
        fcntl.ioctl(root, FIFREEZE, 0)
        copy(image, os.path.join(work, "quiet.img"))
        fcntl.ioctl(root, FITHAW, 0)
        filler.stdin.write("change\n")
        filler.stdin.flush()
        if filler.stdout.readline() != "changed\n":
            raise RuntimeError("fill.py failed to change")
        fcntl.ioctl(root, GOINGDOWN, struct.pack("=I", LOG_FLUSH))
        copy(image, os.path.join(work, "crash.img"))
        os.close(root)
    finally:
        filler.stdin.close()
        filler.wait()
        unmount(where)


def view(device, where, out_path):
    """What the kernel shows after its own recovery, and leaves a clean filesystem behind."""
    mount(device, where, MS_RDONLY, "nouuid")
    try:
        with open(out_path, "w") as out:
            kernel_view.dump(where, out)
    finally:
        unmount(where)


class RunningKernel:
    """Does the jobs here, through loop devices."""

    def __init__(self, work):
        self.where = os.path.join(work, "mount")
        os.makedirs(self.where, exist_ok=True)

    def do(self, image, function, *arguments):
        device = run("losetup", "-f", "--show", image, text=True).stdout.strip()
        kept = os.open(device, os.O_RDONLY)
        try:
            # It goes when nobody has it open any more, also when we are killed.
            run("losetup", "-d", device)
            function(device, self.where, *arguments)
        finally:
            os.close(kept)


class UserModeLinux:
    """Does the jobs inside user-mode Linux, whose kernel still mounts version 4: this script is its
    first process, on the host's own files."""

    def __init__(self, work, script=__file__):
        self.work, self.script = work, os.path.abspath(script)

    def do(self, image, function, *arguments):
        job = os.path.join(self.work, "job.json")
        init = os.path.join(self.work, "init")
        done = os.path.join(self.work, "done")
        with open(job, "w") as out:
            json.dump({"function": function.__name__, "arguments": arguments, "work": self.work}, out)
        with open(init, "w") as out:
            out.write("#!/bin/sh\nexec %s %s --inside %s\n" % (sys.executable, self.script, job))
        os.chmod(init, 0o755)
        if os.path.exists(done):
            os.unlink(done)
        log = os.path.join(self.work, "uml.log")
        with open(log, "w") as out:
            subprocess.run([UML, "mem=512M", "ubd0=" + image, "root=none", "rootfstype=hostfs",
                            "rootflags=/", "rw", "init=" + init, "con=null", "con0=null,fd:1", "quiet"],
                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=3600,
                           env={"HOME": self.work, "PATH": os.environ["PATH"]})
        if not os.path.exists(done):
            with open(log, errors="replace") as lines:
                tail = lines.read()[-1500:]
            raise OSError("user-mode Linux failed: " + tail)


def inside(job_path, functions):
    """The first process of user-mode Linux: runs the one of `functions` that the job names."""
    with open(job_path) as job_file:
        job = json.load(job_file)
    work = job["work"]
    try:
        os.environ.setdefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        if not os.path.exists("/dev/ubda") and LIBC.mount(b"none", b"/dev", b"devtmpfs", 0, None) != 0:
            raise OSError(ctypes.get_errno(), "devtmpfs")
        if LIBC.mount(b"none", b"/mnt", b"tmpfs", 0, None) != 0:
            raise OSError(ctypes.get_errno(), "tmpfs")
        os.mkdir("/mnt/fs")
        functions[job["function"]]("/dev/ubda", "/mnt/fs", *job["arguments"])
        with open(os.path.join(work, "done"), "w") as out:
            out.write("done")
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        LIBC.sync()
        LIBC.reboot(0x4321FEDC)


def compare(label, image, view_path, ignore=lambda path, row, field: False):
    """Prints the first differences but those to ignore; returns how many there are."""
    ours, _, messages = ekshume_view.rows(image)
    for row in ours.values():
        if row["type"] != "l":
            row["target"] = None
    with open(view_path) as lines:
        theirs = {row["path"]: row for row in map(json.loads, lines)}
    differences = ekshume_view.differences(ours, theirs, ignore=ignore)
    differences += ["diagnostic: " + line for line in messages.splitlines() if line.startswith("ekshume: data_loss:")][:3]
    print("  %-6s %6d names, %d differences" % (label, len(theirs), len(differences)))
    for line in differences[:8]:
        print("      " + line)
    return len(differences)


def compare_deleted(image, work):
    ours, _, _ = ekshume_view.deleted(image)
    with open(os.path.join(work, "held.json")) as file:
        held = {(row["inode"], row["size"], row["sha256"]) for row in json.load(file)}
    print("  open   %6d deleted files, %d not found, %d besides" % (len(held), len(held - ours), len(ours - held)))
    return len(held - ours)


def make_image(case, path):
    with open(path, "wb") as out:
        units = {"m": 20, "g": 30}
        out.truncate(int(case.size[:-1]) << units[case.size[-1]])
    try:
        run("mkfs.xfs", "-q", "-f", *case.options, path)
    except RuntimeError as error:
        raise CannotRun(error) from error
    if case.incompat:
        groups = int(run("xfs_db", "-r", "-c", "sb 0", "-c", "p agcount", path, text=True).stdout.split()[-1])
        for group in range(groups):
            old = int(run("xfs_db", "-r", "-c", "sb %d" % group, "-c", "p features_incompat", path,
                          text=True).stdout.split()[-1], 16)
            set_incompat(path, group, old | case.incompat)


def set_incompat(path, group, value):
    """Sets feature bits that this mkfs.xfs does not know, as a newer one would."""
    with open(path, "r+b") as image:
        image.seek(0)
        primary = image.read(512)
        block, blocks, sector = (struct.unpack_from(form, primary, at)[0] for form, at in ((">I", 4), (">I", 84), (">H", 102)))
        image.seek(group * blocks * block)
        copy_of = bytearray(image.read(sector))
        struct.pack_into(">I", copy_of, 216, value)
        struct.pack_into("<I", copy_of, 224, 0)
        struct.pack_into("<I", copy_of, 224, crc32c(copy_of))
        image.seek(group * blocks * block)
        image.write(copy_of)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class CannotRun(Exception):
    """A geometry that this mkfs.xfs does not make or no kernel here mounts."""


def kernel_for(case, image, work, script=__file__):
    kernel = RunningKernel(work)
    try:
        kernel.do(image, lambda device, where: (mount(device, where), unmount(where)))
    except OSError as error:
        if not (case.uml and os.path.exists(UML)):
            raise CannotRun(error) from error
        return UserModeLinux(work, script)
    return kernel


def run_case(case, work, scale):
    """The number of differences. CannotRun where mkfs.xfs or the kernels do not know the geometry."""
    image = os.path.join(work, "fs.img")
    make_image(case, image)
    kernel = kernel_for(case, image, work)
    kernel.do(image, fill, image, work, scale)
    count = 0
    for label in case.images:
        taken = os.path.join(work, label + ".img")
        recovered = os.path.join(work, "recovered.img")
        shown = os.path.join(work, label + ".jsonl")
        copy(taken, recovered)
        kernel.do(recovered, view, shown)
        count += compare(label, taken, shown)
        if label == "quiet":
            count += compare_deleted(taken, work)
        count += compare("clean", recovered, shown)
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a few geometries, less in them")
    parser.add_argument("--part", default="1/1", help="K/N: the Kth of N parts, to be run side by side")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--case", action="append")
    parser.add_argument("--scale", choices=("quick", "full", "deep", "huge"))
    parser.add_argument("--keep", help="leave the images of the last case in this folder")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options.inside, {"fill": fill, "view": view})
    if options.list:
        print("\n".join(case.name for case in CASES))
        return 0
    need(("mkfs.xfs", "xfs_db", "losetup"), ("xfs",))
    chosen = share_of([case for case in CASES if (not options.case or case.name in options.case)
                       and (case.quick or not options.quick)], options.part)
    return run_cases(chosen, options.keep, lambda case, work: run_case(
        case, work, options.scale or ("quick" if options.quick else case.scale)))


def run_cases(cases, keep, function):
    """Runs `function(case, folder)` for each case, in a folder where images can be cloned; the exit code."""
    failed, ran = [], 0
    parent = tempfile.mkdtemp(prefix="xfs-sweep-")
    try:
        with CloningFolder(parent) as store:
            work = os.path.join(store.path, "case")
            for case in cases:
                start = time.time()
                print("%s: mkfs.xfs %s" % (case.name, " ".join(case.options)), flush=True)
                shutil.rmtree(work, ignore_errors=True)
                os.mkdir(work)
                try:
                    failed += [case.name] if function(case, work) else []
                    ran += 1
                except CannotRun as error:
                    print("skipped: %s: %s" % (case.name, str(error).splitlines()[0]))
                print("  %.1f s" % (time.time() - start), flush=True)
            if keep:
                shutil.copytree(work, keep, dirs_exist_ok=True)
    finally:
        shutil.rmtree(parent)
    if ran == 0:
        skip("no case could run")
    print("failed: " + ", ".join(failed) if failed else "all compared equal")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
