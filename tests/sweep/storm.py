#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes a mounted filesystem in every way, at random, until standard input ends or the filesystem
is shut down: what a crash is to interrupt.

Usage: storm.py MOUNT_POINT SEED

Prints a line after each hundred changes: by them, not by the clock, is told how far a storm is on a
busy machine. With a count, Storm ends after about so many changes, which are small ones (for the samples of
tests/data/xfs_log). Names come from a small set, so that inodes and blocks are freed and used again
all the time. What the filesystem refuses is left out.
"""
import ctypes
import errno
import fcntl
import os
import random
import select
import stat
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
KEEP_SIZE, PUNCH_HOLE, COLLAPSE, ZERO, INSERT = 0x01, 0x02, 0x08, 0x10, 0x20
FICLONE, FICLONERANGE = 0x40049409, 0x4020940D
EXCHANGE_RANGE, TO_EOF = 0x40285881, 1
RENAME_EXCHANGE, RENAME_WHITEOUT = 2, 4
AT_FDCWD = -100


class Storm:
    def __init__(self, root, seed, count=None):
        self.root, self.count = root, count
        self.names, self.directories, self.crowded, self.most = (60, 6, 200, 900) if count else (400, 24, 6000, 70000)
        self.random = random.Random(seed)
        self.held = []
        os.makedirs(os.path.join(root, "big"), exist_ok=True)
        self.report = (lambda: None) if count else lambda: print("100 more", flush=True)
        self.operations = [(getattr(self, name), weight) for name, weight in (
            ("write", 30), ("append", 12), ("fragment", 2), ("truncate", 6), ("fallocate", 6),
            ("clone", 5), ("clone_range", 4), ("exchange_range", 2), ("rename", 14),
            ("rename_flags", 4), ("unlink", 14), ("mkdir", 8), ("rmdir", 6), ("symlink", 6),
            ("link", 6), ("mknod", 2), ("set_xattr", 12), ("remove_xattr", 6), ("owner", 5),
            ("times", 5), ("fsync", 4), ("sync", 1), ("hold", 4), ("release", 3), ("crowd", 6),
            ("thin_out", 3), ("temporary", 2))]

    def directory(self):
        depth = self.random.choice((0, 1, 1, 1, 2))
        return os.path.join(self.root, *("d%d" % self.random.randrange(self.directories) for _ in range(depth)))

    def path(self):
        number = self.random.randrange(self.names)
        return os.path.join(self.directory(), "f%d%s" % (number, "-long" * (number % 9)))

    def data(self, most=None):
        length = int(min(most or self.most, self.most) ** self.random.random())
        return (b"%016x" % self.random.getrandbits(64)) * (length // 16 + 1)

    def open(self, flags=os.O_RDWR, path=None):
        return os.open(path or self.path(), flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)

    def write(self):
        fd = self.open(os.O_RDWR | os.O_CREAT | self.random.choice((0, os.O_TRUNC, os.O_EXCL)))
        try:
            os.pwrite(fd, self.data(), self.random.choice((0, 0, self.random.randrange(200000))))
            if self.random.random() < 0.1:
                os.fsync(fd)
        finally:
            os.close(fd)

    def append(self):
        fd = self.open(os.O_WRONLY | os.O_APPEND)
        try:
            os.write(fd, self.data())
        finally:
            os.close(fd)

    def fragment(self):
        """Many extents, so that they need a tree; or holes in one."""
        fd = self.open(os.O_RDWR | os.O_CREAT)
        try:
            step = self.random.choice((8192, 16384))
            for i in range(self.random.randrange(10, 150)):
                if self.random.random() < 0.5:
                    os.pwrite(fd, b"fragment" * 64, i * step)
                else:
                    self.allocate(fd, PUNCH_HOLE | KEEP_SIZE, i * step, 4096)
            os.fsync(fd)
        finally:
            os.close(fd)

    def truncate(self):
        os.truncate(self.path(), self.random.choice((0, self.random.randrange(5000), self.random.randrange(300000))))

    def allocate(self, fd, mode, offset, length):
        if LIBC.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)) != 0:
            raise OSError(ctypes.get_errno(), "fallocate")

    def fallocate(self):
        fd = self.open()
        try:
            mode = self.random.choice((0, KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, ZERO, ZERO | KEEP_SIZE, COLLAPSE, INSERT))
            block = 65536 if mode in (COLLAPSE, INSERT) else 1000
            self.allocate(fd, mode, self.random.randrange(8) * block, self.random.randrange(1, 8) * block)
        finally:
            os.close(fd)

    def two_files(self, function):
        source = self.open()
        try:
            target = self.open(os.O_RDWR | os.O_CREAT)
            try:
                function(source, target)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def clone(self):
        self.two_files(lambda source, target: fcntl.ioctl(target, FICLONE, source))

    def clone_range(self):
        block = 65536
        request = lambda source: struct.pack("=qQQQ", source, self.random.randrange(3) * block,
                                             self.random.choice((block, 2 * block)), self.random.randrange(3) * block)
        self.two_files(lambda source, target: fcntl.ioctl(target, FICLONERANGE, request(source)))

    def exchange_range(self):
        self.two_files(lambda source, target: fcntl.ioctl(
            target, EXCHANGE_RANGE, struct.pack("=iiQQQQ", source, 0, 0, 0, 0, TO_EOF)))

    def rename(self):
        source = self.directory() if self.random.random() < 0.1 else self.path()
        os.rename(source, self.path())

    def rename_flags(self):
        flags = self.random.choice((RENAME_EXCHANGE, RENAME_WHITEOUT))
        if LIBC.renameat2(AT_FDCWD, os.fsencode(self.path()), AT_FDCWD, os.fsencode(self.path()), flags) != 0:
            raise OSError(ctypes.get_errno(), "renameat2")

    def unlink(self):
        os.unlink(self.path())

    def mkdir(self):
        os.mkdir(self.directory() if self.random.random() < 0.8 else self.path())

    def rmdir(self):
        os.rmdir(self.directory() if self.random.random() < 0.5 else self.path())

    def symlink(self):
        os.symlink("target/" * self.random.choice((1, 5, 40, 140)), self.path())

    def link(self):
        os.link(self.path(), self.path())

    def mknod(self):
        kind = self.random.choice((stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK))
        os.mknod(self.path(), kind | 0o600, os.makedev(self.random.randrange(4), self.random.randrange(300)))

    def set_xattr(self):
        value = self.data(self.random.choice((100, 100, 3000, 60000)))[:65536]
        os.setxattr(self.path(), "user.a%d" % self.random.randrange(20), value, follow_symlinks=False)

    def remove_xattr(self):
        os.removexattr(self.path(), "user.a%d" % self.random.randrange(20), follow_symlinks=False)

    def owner(self):
        path = self.path()
        os.chmod(path, self.random.randrange(0o10000))
        os.lchown(path, self.random.randrange(70000), self.random.randrange(70000))

    def times(self):
        moment = lambda: self.random.randrange(-2**31, 2**33) * 10**9 + self.random.randrange(10**9)
        os.utime(self.path(), ns=(moment(), moment()), follow_symlinks=False)

    def fsync(self):
        fd = self.open(os.O_RDONLY, self.random.choice((None, self.directory())))
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def sync(self):
        """This filesystem only: others may be in trouble, and need not be slowed down."""
        if self.random.random() < 0.2:
            fd = os.open(self.root, os.O_RDONLY)
            LIBC.syncfs(fd)
            os.close(fd)

    def hold(self):
        """Deletes a file and keeps it open."""
        path = self.path()
        fd = self.open(os.O_RDWR, path)
        os.unlink(path)
        self.held.append(fd)

    def release(self):
        if self.held:
            os.close(self.held.pop(self.random.randrange(len(self.held))))

    def temporary(self):
        fd = os.open(self.root, os.O_TMPFILE | os.O_RDWR, 0o600)
        os.write(fd, self.data())
        if self.random.random() < 0.5:
            self.held.append(fd)
            return
        try:
            os.link("/proc/self/fd/%d" % fd, self.path(), follow_symlinks=True)
        finally:
            os.close(fd)

    def crowd_name(self):
        number = self.random.randrange(self.crowded)
        return os.path.join(self.root, "big", "%d-%s" % (number, "x" * (number * 37 % 180)))

    def crowd(self):
        for _ in range(self.random.randrange(60)):
            os.close(os.open(self.crowd_name(), os.O_WRONLY | os.O_CREAT, 0o600))

    def thin_out(self):
        for _ in range(self.random.randrange(90)):
            try:
                os.unlink(self.crowd_name())
            except FileNotFoundError:
                pass

    def run(self):
        functions, weights = zip(*self.operations)
        while self.count is None or self.count > 0:
            if self.count is not None:
                self.count -= 100
            elif select.select([sys.stdin], [], [], 0)[0]:
                return
            for function in self.random.choices(functions, weights, k=100):
                try:
                    function()
                except OSError as error:
                    if error.errno in (errno.EIO, errno.EUCLEAN):
                        return
                if len(self.held) > 100:
                    self.release()
            self.report()


if __name__ == "__main__":
    Storm(sys.argv[1], int(sys.argv[2])).run()
