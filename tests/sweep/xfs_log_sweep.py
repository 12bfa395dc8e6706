#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Interrupts XFS filesystems of many geometries at many points of a storm of changes, and compares
what ekshume reads from each dirty image, replaying its log in memory, with what the kernel shows
after it has mounted a copy: every name with all its metadata, extended attributes and SHA-256.

Usage: EKSHUME=path/to/ekshume xfs_log_sweep.py [--quick] [--part K/N] [--list] [--case NAME]... [--rounds N]
       [--seed N]

An image is taken while the storm goes on (a reflink copy of the loop device's file, which is
atomic), after a shutdown that flushes the log, and after one that does not. Needs root, mkfs.xfs,
loop devices and a kernel with XFS; exits 77 with the reason where they are missing. Version 4 is
interrupted inside user-mode Linux where the running kernel does not mount it (by shutdowns only).
Images that differ are copied to the folder that XFS_LOG_SWEEP_KEEP names.
"""
import argparse
import fcntl
import os
import random
import struct
import sys
import time

import xfs_sweep
from ground import Storm, clone, need, share_of, unmount
from xfs_sweep import Case, mount

LOG_FLUSH, NO_LOG_FLUSH = 1, 2
LIVE_COPIES = 2  # in each round
# Lets mkfs.xfs make the small filesystems (and logs) that it otherwise refuses.
SMALL = {"TEST_DIR": "1", "TEST_DEV": "1", "QA_CHECK_FS": "1"}


class LogCase(Case):
    """A geometry, and the options to mount it with."""

    def __init__(self, name, options, mount_options="", **keywords):
        super().__init__(name, options, size=keywords.pop("size", "300m"), **keywords)
        self.mount_options = mount_options


CASES = [
    LogCase("default", "", quick=True),
    LogCase("small-log", "-b size=1024 -l size=10m", "logbsize=32k", size="200m", quick=True),
    LogCase("large-records", "-l size=80m", "logbsize=256k", size="600m"),
    LogCase("small-records", "-l size=16m", "logbsize=16k"),
    LogCase("stripe-32k", "-l su=32k,size=32m", "logbsize=64k"),
    LogCase("stripe-256k", "-l su=256k,size=64m", "logbsize=256k"),
    LogCase("4k-log-sectors", "-s size=4096 -l size=16m"),
    LogCase("4k-log-sectors-1k-blocks", "-b size=1024 -i size=512 -l size=16m,su=4096", "logbsize=128k"),
    LogCase("large-directory-blocks", "-n size=65536 -l size=20m"),
    LogCase("small-blocks-large-directory-blocks", "-b size=1024 -n size=16384 -l size=20m"),
    LogCase("inodes-1k", "-i size=1024 -l size=16m"),
    LogCase("inodes-2k", "-i size=2048 -n size=8192 -l size=16m"),
    LogCase("not-sparse", "-i sparse=0 -l size=16m"),
    LogCase("rmapbt", "-m rmapbt=1 -l size=20m"),
    LogCase("rmapbt-small-blocks", "-b size=1024 -m rmapbt=1 -i size=512 -l size=20m", "logbsize=256k"),
    LogCase("nrext64", "-i nrext64=1 -m rmapbt=1 -l size=20m"),
    LogCase("exchange", "-i nrext64=1 -m rmapbt=1 -l size=64m", incompat=xfs_sweep.EXCHANGE),
    LogCase("exchange-parent", "-i nrext64=1 -l size=128m", incompat=xfs_sweep.EXCHANGE | xfs_sweep.PARENT, size="600m"),
    LogCase("plain", "-m reflink=0,bigtime=0,finobt=0,inobtcount=0 -i sparse=0 -l size=10m", size="200m"),
    LogCase("no-bigtime", "-m bigtime=0 -l size=16m"),
    LogCase("many-groups", "-d agcount=17 -l size=10m"),
    LogCase("block-16k", "-b size=16384 -l size=32m"),
    LogCase("block-64k", "-b size=65536 -l size=64m", size="600m"),
    LogCase("wsync", "-l size=10m", "wsync", size="200m"),
    LogCase("v4", "-m crc=0 -l size=10m", uml=True),
    LogCase("v4-log-v1", "-m crc=0 -l version=1,size=10m -b size=1024", uml=True),
    LogCase("v4-large-records", "-m crc=0 -n ftype=1 -l size=20m,su=32k", "logbsize=256k", uml=True),
    LogCase("v4-small-blocks", "-m crc=0 -b size=512 -i size=256 -l size=10m -n size=8192", uml=True),
]


def interrupt(device, where, image, work, options, seed, live_copies):
    """Mounts the image, lets two storms loose on it and ends them with a shutdown. Takes live-N.img
    (where the file can be cloned) and end.img."""
    choose = random.Random(seed)
    mount(device, where, 0, options)
    storms = []
    try:
        storms = [Storm(where, seed * 10 + i) for i in range(2)]
        for storm in storms:
            storm.wait(1)
        for number in range(live_copies):
            storms[0].wait(choose.randrange(2, 50))
            clone(image, os.path.join(work, "live-%d.img" % number))
        storms[0].wait(choose.randrange(2, 50))
        root = os.open(where, os.O_RDONLY)
        how = choose.choice((LOG_FLUSH, NO_LOG_FLUSH))
        fcntl.ioctl(root, xfs_sweep.GOINGDOWN, struct.pack("=I", how))
        os.close(root)
        xfs_sweep.copy(image, os.path.join(work, "end.img"))
    finally:
        for storm in storms:
            storm.end()
        unmount(where)


def make_image(case, path):
    os.environ.update(SMALL)
    xfs_sweep.make_image(case, path)


def run_case(case, work, rounds, seed):
    """The number of differences. xfs_sweep.CannotRun where no kernel here mounts the geometry."""
    image = os.path.join(work, "fs.img")
    make_image(case, image)
    kernel = xfs_sweep.kernel_for(case, image, work, __file__)
    live = LIVE_COPIES if isinstance(kernel, xfs_sweep.RunningKernel) else 0
    count = 0
    for number in range(rounds):
        kernel.do(image, interrupt, image, work, case.mount_options, seed + number, live)
        for name in ["live-%d" % i for i in range(live)] + ["end"]:
            taken, shown = os.path.join(work, name + ".img"), os.path.join(work, "shown.jsonl")
            # Not the image itself: writes that were under way at the shutdown still reached it after
            # the copy was taken.
            recovered = os.path.join(work, "recovered.img")
            began = time.time_ns()
            xfs_sweep.copy(taken, recovered)
            kernel.do(recovered, xfs_sweep.view, shown)
            # Where recovery finishes an operation that was under way on an inode, it stamps it with its
            # own time: that is no difference.
            differences = xfs_sweep.compare(name, taken, shown, lambda path, row, field, began=began: (
                field == "ctime" and row["ctime"] > began))
            if differences and os.environ.get("XFS_LOG_SWEEP_KEEP"):
                xfs_sweep.copy(taken, os.path.join(os.environ["XFS_LOG_SWEEP_KEEP"],
                                                   "%s-%d-%s.img" % (case.name, seed + number, name)))
            count += differences
        # The next round begins where this one ended, with the log as recovery leaves it.
        os.replace(recovered, image)
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="two geometries, one round")
    parser.add_argument("--part", default="1/1", help="K/N: the Kth of N parts, to be run side by side")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--case", action="append")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return xfs_sweep.inside(options.inside, {"interrupt": interrupt, "view": xfs_sweep.view})
    if options.list:
        print("\n".join(case.name for case in CASES))
        return 0
    need(("mkfs.xfs", "xfs_db", "losetup"), ("xfs",))
    chosen = share_of([case for case in CASES if (not options.case or case.name in options.case)
                       and (case.quick or not options.quick)], options.part)
    return xfs_sweep.run_cases(chosen, None, lambda case, work: run_case(
        case, work, options.rounds or (1 if options.quick else 2), options.seed))


if __name__ == "__main__":
    sys.exit(main())
