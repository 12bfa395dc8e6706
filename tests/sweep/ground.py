# SPDX-License-Identifier: Apache-2.0
"""The ground that the sweeps stand on: what they need of a machine, mounts that nobody else sees, and
a folder whose files can be copied in one step, as an EBS snapshot is."""
import ctypes
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
FICLONE = 0x40049409
# Images lie in memory where this much is free: what is tested there is no disk.
MEMORY_WANTED, MEMORY_USED = 8 << 30, 4 << 30


def skip(reason):
    """Ends the program: the sentence is what `make test` prints of a sweep that could not run."""
    print("skipped: %s: %s" % (os.path.basename(sys.argv[0]), reason), flush=True)
    sys.exit(SKIPPED)


def need(tools=(), filesystems=(), program=None):
    """Skips, with the reason, where this machine cannot run a sweep; else gives it mounts of its own.
    `program` is what is tested, ekshume itself when it is not given."""
    if os.geteuid() != 0:
        skip("needs root to mount filesystems")
    if not os.access(program or os.environ.get("EKSHUME", ""), os.X_OK):
        skip("needs the program: EKSHUME=build/release/src/cli/ekshume")
    for tool in tools:
        if shutil.which(tool) is None:
            skip("needs %s, which is not installed" % tool)
    for name in filesystems:
        if not kernel_has(name):
            skip("needs a kernel with %s" % name)
    if "overlay" not in filesystems and not os.path.exists("/dev/loop-control"):
        skip("needs loop devices (/dev/loop-control)")
    own_mounts()


def kernel_has(filesystem):
    for load in (True, False):
        with open("/proc/filesystems") as lines:
            if any(line.split()[-1] == filesystem for line in lines):
                return True
        if load and shutil.which("modprobe"):
            subprocess.run(("modprobe", filesystem), stderr=subprocess.DEVNULL)
    return False


def own_mounts():
    """A copy of another program's mount namespace would keep our filesystems mounted after we unmount
    them, and then an image is not what it is taken for. For the same reason we let go of the images
    that others have mounted."""
    clone_newns, ms_rec, ms_slave, mnt_detach = 0x20000, 0x4000, 0x80000, 2
    if LIBC.unshare(clone_newns) != 0 or LIBC.mount(b"none", b"/", None, ms_rec | ms_slave, None) != 0:
        skip("needs the right to mount: %s" % os.strerror(ctypes.get_errno()))
    ours = [os.path.realpath(path) for path in (__file__, os.environ.get("EKSHUME", "/"), tempfile.gettempdir())]
    with open("/proc/self/mountinfo") as lines:
        mounts = [line.split() for line in lines]
    for fields in reversed(mounts):
        target, (kind, source) = fields[4], fields[fields.index("-") + 1:][:2]
        if (kind == "overlay" or source.startswith("/dev/loop")) and not any(path.startswith(target) for path in ours):
            LIBC.umount2(os.fsencode(target), mnt_detach)


def share_of(cases, part):
    """`part` is "K/N": every Nth case from the Kth on, so that N processes share the work."""
    number, count = map(int, part.split("/"))
    return cases[number - 1::count]


def run(*command, **keywords):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)


def unmount(target):
    for _ in range(600):
        if LIBC.umount2(os.fsencode(target), 0) == 0:
            return
        time.sleep(0.1)
    raise RuntimeError("cannot unmount %s: %s" % (target, os.strerror(ctypes.get_errno())))


def sync_filesystem(mount_point):
    """Not sync(2), which would wait for every filesystem of the machine."""
    fd = os.open(mount_point, os.O_RDONLY)
    try:
        if LIBC.syncfs(fd) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")
    finally:
        os.close(fd)


def clone(source, target):
    """An atomic copy, also of an image that is written to; both lie in one CloningFolder."""
    with open(source, "rb") as old, open(target, "wb") as new:
        fcntl.ioctl(new.fileno(), FICLONE, old.fileno())


class Storm:
    """storm.py at work on a mounted filesystem, until end() or a shutdown."""

    def __init__(self, mount_point, seed):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "storm.py")
        self.process = subprocess.Popen((sys.executable, program, mount_point, str(seed)),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def wait(self, hundreds):
        """Until it has made so many hundred changes more."""
        for _ in range(hundreds):
            if not self.process.stdout.readline():
                return

    def end(self):
        self.process.communicate()


class CloningFolder:
    """`path`, a folder below `work` on an XFS with reflink, itself inside a file: in memory when there
    is enough. Needs own_mounts()."""

    def __init__(self, work):
        self.memory, self.path = os.path.join(work, "store"), os.path.join(work, "images")
        self.mounted = []

    def __enter__(self):
        for folder in (self.memory, self.path):
            os.makedirs(folder, exist_ok=True)
        try:
            if memory_available() >= MEMORY_WANTED:
                run("mount", "-t", "tmpfs", "-o", "size=%d" % MEMORY_USED, "none", self.memory)
                self.mounted.append(self.memory)
            store = os.path.join(self.memory, "store.img")
            with open(store, "wb") as file:
                file.truncate(24 << 30)
            run("mkfs.xfs", "-q", "-m", "reflink=1", store)
            # nouuid: the image of a sweep may be a copy of this one's. discard: freed blocks are memory.
            run("mount", "-o", "loop,nouuid,discard", store, self.path)
            self.mounted.append(self.path)
        except (OSError, subprocess.CalledProcessError) as error:
            self.__exit__()
            skip("needs an XFS with reflink for atomic copies: %s %s" % (
                error, getattr(error, "stderr", None) or ""))
        return self

    def __exit__(self, *_):
        while self.mounted:
            unmount(self.mounted.pop())


def memory_available():
    with open("/proc/meminfo") as lines:
        return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), 0)
