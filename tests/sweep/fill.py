#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fills a mounted filesystem with everything that is hard to read.

Usage: fill.py MOUNT_POINT SCALE HELD.json
SCALE is quick, full, deep or huge; again, for one that was filled before; or small: the sample images
of tests/data/xfs. Files that are deleted while open are kept open until standard input ends; what
they held is written to HELD.json first. What the filesystem refuses (no reflink, no room for an
attribute) is left out, so the kernel's view afterwards is the only truth.
"""
import ctypes
import errno
import fcntl
import hashlib
import json
import os
import random
import socket
import stat
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
KEEP_SIZE, PUNCH_HOLE, COLLAPSE, ZERO, INSERT = 0x01, 0x02, 0x08, 0x10, 0x20
FICLONE = 0x40049409
REFUSED = {errno.EOPNOTSUPP, errno.ENOSPC, errno.E2BIG, errno.EINVAL, errno.ENAMETOOLONG,
           errno.ENOTTY, errno.ERANGE, errno.EPERM, errno.ENODATA, errno.EFBIG}
# By scale: names of the largest directory, extents of one file, attributes of one file, step of the
# lengths of links, end of a sparse file. At "deep" the trees of 1 KiB blocks have three levels.
SCALES = {"small": (0, 0, 0, 0, 0), "again": (0, 0, 0, 0, 0), "quick": (1500, 600, 60, 97, 1 << 24),
          "full": (4000, 5000, 400, 31, 1 << 28), "deep": (12000, 20000, 1500, 7, 1 << 28),
          "huge": (100000, 40000, 2000, 1, 1 << 33)}


def attempt(function, *arguments, **keywords):
    """Calls it; False when this filesystem cannot do that."""
    try:
        function(*arguments, **keywords)
        return True
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        return False


def fallocate(fd, mode, offset, length):
    result = LIBC.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length))
    if result != 0:
        raise OSError(ctypes.get_errno(), "fallocate")


class Filler:
    def __init__(self, root, scale):
        self.root = root
        self.names, self.extents, self.attributes, self.step, self.far = SCALES[scale]
        self.random = random.Random(20261124)
        space = os.statvfs(root)
        self.block = space.f_bsize
        # Large blocks are few: leave room for the rest.
        self.extents = min(self.extents, space.f_bfree // 8)
        self.files = min(self.names, 12000, space.f_bfree // 8)
        self.held = []

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def bytes(self, count):
        return self.random.randbytes(count)

    def write(self, path, data):
        with open(path, "wb") as file:
            file.write(data)

    def directories(self):
        for count in (0, 1, 2, 3, 8, 20, 45, 120, 400, self.names):
            directory = self.path("names-%d" % count)
            os.mkdir(directory)
            for i in range(count):
                os.mknod(os.path.join(directory, "%d-%s" % (i, "n" * (i * 7 % 60))), 0o600 | stat.S_IFREG)
        # Holes in directory blocks, whole blocks freed, and short again.
        for count, keep in ((300, 3), (self.names // 2, 7), (self.names // 2, self.names)):
            directory = self.path("holes-%d-%d" % (count, keep))
            os.mkdir(directory)
            for i in range(count):
                os.mknod(os.path.join(directory, "entry-%d" % i), 0o640 | stat.S_IFREG)
            for i in range(count):
                if i % keep:
                    os.unlink(os.path.join(directory, "entry-%d" % i))
        directory = self.path("shrunk")
        os.mkdir(directory)
        for i in range(self.names // 3):
            os.mknod(os.path.join(directory, "gone-%d" % i), 0o600 | stat.S_IFREG)
        for i in range(self.names // 3 - 2):
            os.unlink(os.path.join(directory, "gone-%d" % i))
        deep = self.path("deep")
        for i in range(30):
            deep = os.path.join(deep, "d%d" % i)
        os.makedirs(deep)
        odd = os.fsencode(self.path("odd"))
        os.mkdir(odd)
        for name in (b"a" * 255, b"\xff\xfe", b"new\nline", b"tab\t", b"\x1b[31m", "ä€𝄞".encode(), b" ",
                     b"-rf", b"back\\slash", b'"', b"...", b".hidden"):
            self.write(odd + b"/" + name, name)

    def contents(self):
        os.mkdir(self.path("contents"))
        for size in (0, 1, 100, 511, 512, self.block - 1, self.block, self.block + 1, 65536, 1048589):
            self.write(self.path("contents", "size-%d" % size), self.bytes(size))
        block = self.block
        with open(self.path("contents", "sparse"), "wb") as file:
            for offset in (0, 5 * block + 3, 1 << 23, self.far + 7):
                file.seek(offset)
                file.write(b"island %d" % offset)
            file.truncate(self.far + 5 * block)
        with open(self.path("contents", "only-hole"), "wb") as file:
            file.truncate(1 << 22)
        with open(self.path("contents", "fragmented"), "wb") as file:
            for i in range(self.extents):
                file.seek(2 * i * block)
                file.write(self.bytes(64))
                if i % 16 == 0:
                    file.flush()
        for name, changes in {
                "unwritten": ((0, 2, 10),), "prealloc": ((KEEP_SIZE, 40, 64),),
                "punched": ((PUNCH_HOLE | KEEP_SIZE, 3, 5), (PUNCH_HOLE | KEEP_SIZE, 20, 1)),
                "inserted": ((INSERT, 4, 8), (INSERT, 20, 2)), "collapsed": ((COLLAPSE, 2, 6),),
                "zeroed": ((ZERO, 7, 9),)}.items():
            with open(self.path("contents", name), "wb") as file:
                file.write(self.bytes(32 * block))
                file.flush()
                os.fsync(file.fileno())
                for mode, start, count in changes:
                    attempt(fallocate, file.fileno(), mode, start * block, count * block)
        with open(self.path("contents", "only-unwritten"), "wb") as file:
            attempt(fallocate, file.fileno(), 0, 0, 100 * block + 1)
            file.seek(50 * block)
            file.write(b"one written block between unwritten ones")
        self.reflinks()

    def reflinks(self):
        source = self.path("contents", "size-1048589")
        for i in range(3):
            with open(source, "rb") as original, open(self.path("contents", "clone-%d" % i), "w+b") as clone:
                if not attempt(fcntl.ioctl, clone.fileno(), FICLONE, original.fileno()):
                    continue
                clone.seek(i * 100000)
                clone.write(self.bytes(5000))

    def attributes_of_all_sizes(self):
        os.mkdir(self.path("attributes"))
        namespaces = ("user", "trusted", "security")
        for size in (0, 1, 10, 50, 100, 255, 256, 500, 1000, 2000, 3000, 4000, 10000, 40000, 65536):
            path = self.path("attributes", "value-%d" % size)
            self.write(path, b"x")
            for namespace in namespaces:
                attempt(os.setxattr, path, "%s.value" % namespace, self.bytes(size))
        for count in (1, 2, 5, 20, self.attributes):
            path = self.path("attributes", "count-%d" % count)
            os.mkdir(path)
            for i in range(count):
                name = "%s.%s%d" % (namespaces[i % 3], "n" * (i * 13 % (200 if count < 100 else 30)), i)
                attempt(os.setxattr, path, name, self.bytes(i * 31 % 400))
            for i in range(0, count, 4):
                name = "%s.%s%d" % (namespaces[i % 3], "n" * (i * 13 % (200 if count < 100 else 30)), i)
                attempt(os.removexattr, path, name)
        def acl(*entries):
            return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
        undefined = 0xFFFFFFFF
        value = acl((1, 6, undefined), (2, 4, 1000), (2, 7, 1001), (4, 4, undefined), (8, 5, 2000),
                    (16, 7, undefined), (32, 0, undefined))
        directory = self.path("attributes", "acl-directory")
        os.mkdir(directory)
        attempt(os.setxattr, directory, "system.posix_acl_default", value)
        attempt(os.setxattr, directory, "system.posix_acl_access", value)
        self.write(os.path.join(directory, "inherits"), b"acl")
        link = self.path("attributes", "link")
        os.symlink("t" * 40, link)
        attempt(os.setxattr, link, "trusted.on_link", b"value", follow_symlinks=False)

    def links_and_special_files(self):
        os.mkdir(self.path("links"))
        for length in {*range(1, 1024, self.step), 59, 60, 61, 155, 156, 335, 336, 337, 1020, 1021, 1022, 1023}:
            attempt(os.symlink, ("t%d/" % length * length)[:length], self.path("links", "s%d" % length))
        self.write(self.path("links", "hard-0"), b"many names")
        for i in range(1, 50):
            os.link(self.path("links", "hard-0"), self.path("links", "hard-%d" % i))
        os.mkdir(self.path("special"))
        os.mkfifo(self.path("special", "fifo"))
        for kind, letter in ((stat.S_IFCHR, "c"), (stat.S_IFBLK, "b")):
            for major, minor in ((0, 0), (1, 3), (8, 1), (255, 255), (511, 262143)):
                attempt(os.mknod, self.path("special", "%s-%d-%d" % (letter, major, minor)), 0o600 | kind,
                        os.makedev(major, minor))
        here = os.getcwd()
        os.chdir(self.path("special"))
        server = socket.socket(socket.AF_UNIX)
        server.bind("socket")
        os.chdir(here)
        for i, mode in enumerate((0o0, 0o7777, 0o4755, 0o2711, 0o1777)):
            path = self.path("special", "mode-%d" % i)
            self.write(path, b"")
            os.chown(path, i * 1000003, 0xFFFFFFF0 - i)
            os.chmod(path, mode)

    def times(self):
        os.mkdir(self.path("times"))
        for seconds in (-(2**31), -(2**31) + 1, -1, 0, 1, 2**31 - 1, 2**31, 2**32, 2**33, 15032385535, 16299260424):
            for nanoseconds in (0, 1, 999999999):
                path = self.path("times", "t%d-%d" % (seconds, nanoseconds))
                self.write(path, b"")
                moment = seconds * 10**9 + nanoseconds
                attempt(os.utime, path, ns=(moment + 5 if seconds >= 0 else moment, moment))

    def free_inodes(self):
        os.mkdir(self.path("freed"))
        for i in range(self.files):
            self.write(self.path("freed", "f%d" % i), b"f" * (i % 90))
        for i in range(self.files):
            if i % 64 != 5:
                os.unlink(self.path("freed", "f%d" % i))

    def delete_while_open(self, count=200):
        for i in range(count):
            path = self.path("deleted-%d" % i)
            data = self.bytes(i * 997 % 30000)
            fd = os.open(path, os.O_RDWR | os.O_CREAT)
            os.write(fd, data)
            os.fsync(fd)
            self.held.append({"inode": os.fstat(fd).st_ino, "size": len(data),
                              "sha256": hashlib.sha256(data).hexdigest()})
            os.unlink(path)  # `fd` stays open

    def change_after(self):
        """Changes that only the log knows when the image is taken without a sync; each time others."""
        turn = sum(name.startswith("late") for name in os.listdir(self.root))
        late = self.path("late-%d" % turn)
        os.mkdir(late)
        for i in range(300):
            self.write(os.path.join(late, "file-%d" % i), self.bytes(i * 37))
            attempt(os.setxattr, os.path.join(late, "file-%d" % i), "user.late", b"%d" % i)
        for i in range(0, 300, 3):
            os.rename(os.path.join(late, "file-%d" % i), os.path.join(late, "renamed-%d" % i))
        for i in range(1, 300, 3):
            os.unlink(os.path.join(late, "file-%d" % i))
        if turn == 0:
            os.unlink(self.path("contents", "size-65536"))
        else:
            os.truncate(self.path("contents", "size-1048589"), 900001 - turn * 65000)
        for i in range(turn, 400, 2 + turn):
            name = self.path("names-400", "%d-%s" % (i, "n" * (i * 7 % 60)))
            if os.path.exists(name):
                os.unlink(name)

    def fill(self):
        self.directories()
        self.contents()
        self.attributes_of_all_sizes()
        self.links_and_special_files()
        self.times()
        self.free_inodes()
        self.delete_while_open()


class AgainFiller(Filler):
    """Goes on where a Filler ended: files to delete while they are open, and changes."""

    def fill(self):
        self.delete_while_open(40)


def main():
    root, scale, held_path = sys.argv[1:4]
    kind = AgainFiller if scale == "again" else Filler
    if scale == "small":
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "xfs"))
        from make_samples import SmallFiller as kind
    filler = kind(root, scale)
    filler.fill()
    with open(held_path, "w") as out:
        json.dump(filler.held, out)
    print("filled", flush=True)
    for _ in sys.stdin:  # a line asks for more changes; the end of input releases the files
        filler.change_after()
        print("changed", flush=True)


if __name__ == "__main__":
    main()
