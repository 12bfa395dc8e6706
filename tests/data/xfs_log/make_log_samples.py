#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the small XFS images with dirty logs of this folder and what the kernel shows of them.

Usage: make_log_samples.py [NAME]...    (root; mkfs.xfs 6.1; user-mode-linux for version 4)

For each sample: NAME.img.zst, a filesystem that was shut down amid changes, its log wrapped;
NAME.tsv.zst, one line per name of what the kernel shows after it has recovered a copy, as
tests/data/xfs/make_samples.py describes it.
"""
import fcntl
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "xfs"), os.path.join(HERE, "..", "..", "sweep")]
import make_samples  # noqa: E402
import storm  # noqa: E402
import xfs_sweep as sweep  # noqa: E402

# Options of mkfs.xfs and of mount, whether it needs user-mode Linux, how many changes.
SAMPLES = {
    "v5": ("-d size=32m,agcount=2 -b size=1024 -i size=512 -n size=4096", "logbsize=32k", False, 7000),
    "v5-256k": ("-d size=40m,agcount=2 -m rmapbt=1 -i nrext64=1", "logbsize=256k", False, 3000),
    "v4": ("-d size=32m,agcount=2 -m crc=0 -b size=512 -i size=256 -n size=4096 -l version=1", "", True, 7000),
}


def interrupt(device, where, image, work, options, count):
    """Lets a storm loose and shuts the filesystem down right after it, with files held open."""
    sweep.mount(device, where, 0, options)
    changes = storm.Storm(where, 20261124, count)
    changes.run()
    root = os.open(where, os.O_RDONLY)
    fcntl.ioctl(root, sweep.GOINGDOWN, struct.pack("=I", sweep.LOG_FLUSH))
    os.close(root)
    sweep.copy(image, os.path.join(work, "end.img"))
    for held in changes.held:
        os.close(held)
    sweep.unmount(where)


def make(name, work):
    options, mount_options, old, count = SAMPLES[name]
    image = os.path.join(work, "fs.img")
    with open(image, "wb") as out:
        out.truncate(int(options.split("size=")[1].split("m")[0]) << 20)
    tests = {**os.environ, "TEST_DIR": "1", "TEST_DEV": "1", "QA_CHECK_FS": "1"}
    sweep.run("mkfs.xfs", "--unsupported", "-q", "-f", *options.split(), image, env=tests)
    kernel = sweep.UserModeLinux(work, __file__) if old else sweep.RunningKernel(work)
    kernel.do(image, interrupt, image, work, mount_options, count)
    taken, recovered = os.path.join(work, "end.img"), os.path.join(work, "recovered.img")
    sweep.copy(taken, recovered)
    kernel.do(recovered, sweep.view, os.path.join(work, "view.jsonl"))
    make_samples.table(os.path.join(work, "view.jsonl"), os.path.join(work, name + ".tsv"))
    for source, target in ((taken, name + ".img.zst"), (os.path.join(work, name + ".tsv"), name + ".tsv.zst")):
        subprocess.run(["zstd", "-q", "-19", "-f", source, "-o", os.path.join(HERE, target)], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        sys.exit(sweep.inside(sys.argv[2], {"interrupt": interrupt, "view": sweep.view}))
    for sample in sys.argv[1:] or SAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            make(sample, folder)
