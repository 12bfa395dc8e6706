#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts XFS logs where operations of several transactions were under way, and compares what ekshume
reads, finishing them in memory, with what the kernel shows after it has recovered a copy.

Usage: EKSHUME=path/to/ekshume xfs_intent_sweep.py [--quick] [--part K/N] [--list] [--case NAME]... [--cuts N]
       [--seed N]

Mappings and exchanges of ranges come from the running kernel: files with many extents are cloned,
overwritten and exchanged while other threads force the log, the filesystem is shut down, and the log
of a copy is ended behind one record or another, as if the image had been taken then. (Not quite: a
block that was freed later may hold data by then, and the kernel refuses the image.) Changes of
attributes are logged only by kernels with a debugging knob, so that log is written here, record and
all; the kernel recovers it like any other. Kernels before "xfs: actually recover intended file sizes in
xfs_xmi_item_recover_intent" (2026) give each file of an exchange the size that the other one has so far, not
the one that the log says, and the one that grows may have grown by then: there the kernel's file is cut to the
log's size before it is compared. Needs root, mkfs.xfs, loop devices and a kernel with XFS; exits 77 with the
reason where they are missing. Images that differ are copied to the folder that XFS_LOG_SWEEP_KEEP names.
"""
import argparse
import fcntl
import json
import os
import random
import re
import struct
import sys
import threading
import time

import ekshume_view
import storm
import xfs_log_sweep
import xfs_sweep
from ground import LIBC, need, share_of, unmount
from xfs_log_sweep import LogCase
from xfs_sweep import EXCHANGE, PARENT, crc32c, mount, run

BASIC_BLOCK, RECORD_MAGIC, HEADER_CYCLES = 512, 0xFEEDBABE, 64
# The kernel writes metadata back when the log has been idle for half a minute; what is newer on disk than
# the log's end would not be what such an image shows.
MOST_SECONDS = 20
MOST_OF_LOG = 0.75  # the log must not wrap: it ends where it is cut
FILE1_WRITTEN = 8
ATTRI, SET, REMOVE, REPLACE = 0x1246, 1, 2, 3
INTENTS = range(0x1244, 0x124A)  # BUI, BUD, ATTRI, ATTRD, XMI, XMD
XMI, SET_SIZES = 0x1248, 2
XMI_FORMAT = "<HHIQQQIIQQQQQQ"  # struct xfs_xmi_log_format
USER, ROOT, SECURE, INCOMPLETE = 0, 2, 4, 0x80
UNDER_WAY = re.compile(r"the (file mapping|range exchange|extended attribute) intent")
EXCHANGED = re.compile(r"the range exchange intent at LSN \S+ of inodes (\d+) and (\d+) ")

CASES = [
    LogCase("exchange", "-b size=1024 -i nrext64=1 -l size=64m", incompat=EXCHANGE, quick=True),
    LogCase("exchange-rmapbt", "-m rmapbt=1 -l size=64m", incompat=EXCHANGE),
    LogCase("parent", "-b size=1024 -l size=64m", "wsync", incompat=EXCHANGE | PARENT, size="400m"),
    LogCase("mappings", "-b size=1024 -i size=512 -l size=64m"),
    LogCase("attributes", "-l size=10m", size="100m", quick=True),
    LogCase("attributes-small-blocks", "-b size=1024 -i size=512 -l size=10m", size="100m"),
]


def fragmented(path, choose, blocks, block):
    """A file of about as many extents as half its blocks: every other one is a hole or an extent of its own."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    os.write(fd, b"".join(struct.pack(">Q", choose.getrandbits(64)) * (block // 8) for _ in range(blocks)))
    os.fsync(fd)
    for at in range(0, blocks - 1, 2):
        if choose.random() < 0.9:
            LIBC.fallocate(fd, storm.KEEP_SIZE | storm.PUNCH_HOLE, storm_offset(at * block), storm_offset(block))
        if choose.random() < 0.2:
            LIBC.fallocate(fd, storm.KEEP_SIZE, storm_offset(at * block), storm_offset(block))
    os.truncate(fd, blocks * block - choose.randrange(block))
    os.close(fd)


def storm_offset(number):
    return storm.ctypes.c_long(number)


def prepare(device, where, seed, block):
    mount(device, where)
    choose = random.Random(seed)
    for number in range(6):
        fragmented(os.path.join(where, "many%d" % number), choose, 600, block)
        fragmented(os.path.join(where, "few%d" % number), choose, 12, block)
    for number in range(20):
        path = os.path.join(where, "file%d" % number)
        with open(path, "wb") as out:
            out.write(b"x" * choose.randrange(5000))
        for name in range(number):
            os.setxattr(path, "user.%d" % name, b"v" * choose.randrange(200))
    unmount(where)


def exchange(one, two, at_one, at_two, length, flags):
    fcntl.ioctl(two, storm.EXCHANGE_RANGE, struct.pack("=iIQQQQ", one, 0, at_one, at_two, length, flags))


def change(where, choose, block):
    """One operation of many transactions; what the kernel refuses is left out."""
    kind = choose.choice(("exchange", "exchange", "exchange_all", "clone", "clone_range", "overwrite", "name"))
    pools = choose.choice((("many",), ("many",), ("few",), ("many", "few")))
    one, two = choose.sample([os.path.join(where, "%s%d" % (pool, number)) for pool in pools for number in range(6)], 2)
    if kind == "name":
        old, new = (os.path.join(where, "file%d%s" % (choose.randrange(20), "-longer" * choose.randrange(9))) for _ in "ab")
        try:
            choose.choice((os.rename, os.link))(old, new)
        except OSError:
            pass
        return
    fds = [os.open(path, os.O_RDWR) for path in (one, two)]
    length = choose.randrange(1, 600) * block
    offsets = [choose.randrange(0, 300) * block for _ in fds]
    try:
        if kind == "exchange":
            exchange(*fds, *offsets, length, choose.choice((0, 0, FILE1_WRITTEN)))
        elif kind == "exchange_all":
            exchange(*fds, 0, 0, 0, storm.TO_EOF | choose.choice((0, FILE1_WRITTEN)))
        elif kind == "clone":
            fcntl.ioctl(fds[0], storm.FICLONE, fds[1])
        elif kind == "clone_range":
            fcntl.ioctl(fds[0], storm.FICLONERANGE, struct.pack("=qQQQ", fds[1], offsets[1], length, offsets[0]))
        else:
            for _ in range(8):
                os.pwrite(fds[0], b"%d" % choose.getrandbits(60), choose.randrange(600 * block))
            os.fsync(fds[0])
    except OSError:
        pass
    finally:
        for fd in fds:
            os.close(fd)


def interrupt(device, where, image, work, options, seed, block):
    """Changes files for a while, with the log forced all the time, and takes end.img after a shutdown."""
    most_of_log = Log(image).bytes * MOST_OF_LOG
    mount(device, where, 0, options)
    start = time.monotonic()
    stop = threading.Event()

    def force(number):
        fd = os.open(os.path.join(where, "force%d" % number), os.O_RDWR | os.O_CREAT)
        count = 0
        while not stop.is_set():
            try:
                os.pwrite(fd, b"%d" % count, 0)
                os.fchmod(fd, 0o600 + count % 2)
                os.fsync(fd)
            except OSError:
                break
            count += 1
        os.close(fd)

    forcers = [threading.Thread(target=force, args=(number,)) for number in range(3)]
    try:
        for thread in forcers:
            thread.start()
        choose = random.Random(seed)
        for _ in range(120):
            change(where, choose, block)
            if time.monotonic() - start > MOST_SECONDS / 2 or head_of_log(device) > most_of_log:
                break
        root = os.open(where, os.O_RDONLY)
        fcntl.ioctl(root, xfs_sweep.GOINGDOWN, struct.pack("=I", xfs_log_sweep.NO_LOG_FLUSH))
        os.close(root)
    finally:
        stop.set()
        for thread in forcers:
            thread.join()
        xfs_sweep.copy(image, os.path.join(work, "end.img"))
        unmount(where)
    if time.monotonic() - start > MOST_SECONDS:
        raise xfs_sweep.CannotRun("this machine is too busy: metadata may be newer than the log")


def head_of_log(device):
    """Where the mounted filesystem's log is being written, in bytes from its start."""
    with open("/sys/fs/xfs/%s/log/log_head_lsn" % os.path.basename(device)) as head:
        return int(head.read().split(":")[1]) * BASIC_BLOCK


class Log:
    """Where the log of an image lies, and its records."""

    def __init__(self, path):
        with open(path, "rb") as image:
            sb = image.read(BASIC_BLOCK)
            self.block, logstart, ag_blocks, log_blocks = (
                struct.unpack_from(form, sb, at)[0] for form, at in ((">I", 4), (">Q", 48), (">I", 84), (">I", 96)))
            ag_log = sb[124]
            self.uuid = sb[32:48]
            self.start = ((logstart >> ag_log) * ag_blocks + (logstart & (1 << ag_log) - 1)) * self.block
            self.bytes = log_blocks * self.block
            image.seek(self.start)
            log = image.read(self.bytes)
        self.records = []  # (LSN, first block, block after the end), of those that are where they say they are
        self.busy_ends = []  # where an operation seems to be under way
        self.pending = pending = {}  # the intents that nothing says are done: their first regions
        at = 0
        while at < self.bytes // BASIC_BLOCK:
            magic, cycle, _, length, lsn = struct.unpack_from(">IIIIQ", log, at * BASIC_BLOCK)
            # Records without data are those that mounting writes ahead of the log's end.
            if magic == RECORD_MAGIC and lsn == cycle << 32 | at and length > 0:
                size = struct.unpack_from(">I", log, at * BASIC_BLOCK + 320)[0]
                headers = max(1, -(-size // 32768))
                end = at + headers + -(-length // BASIC_BLOCK)
                self.records.append((lsn, at, end))
                self.follow(log[at * BASIC_BLOCK:end * BASIC_BLOCK], headers, length, pending)
                if pending:
                    self.busy_ends.append(end)
            at += 1
        self.records.sort()
        self.wrapped = len({lsn >> 32 for lsn, _, _ in self.records}) > 1

    @staticmethod
    def follow(record, headers, length, pending):
        """Notes which intents the record begins, and which it says are done."""
        data = bytearray(record[headers * BASIC_BLOCK:])
        for number in range(len(data) // BASIC_BLOCK):
            header, entry = divmod(number, HEADER_CYCLES)
            at = header * BASIC_BLOCK + (44 if header == 0 else 4) + entry * 4
            data[number * BASIC_BLOCK:number * BASIC_BLOCK + 4] = record[at:at + 4]
        at = 0
        while at + 12 <= length:
            size = struct.unpack_from(">I", data, at + 4)[0]
            kind = struct.unpack_from("<H", data, at + 12)[0] if size >= 16 and at + 28 <= length else 0
            if kind in INTENTS:
                key = (kind & ~1, struct.unpack_from("<Q", data, at + 20)[0])
                if kind == key[0]:
                    pending[key] = bytes(data[at + 12:at + 12 + size])
                else:
                    pending.pop(key, None)
            at += 12 + size

    def intended_sizes(self):
        """What exchanges of whole files that are under way make of them: {(inode, inode): their sizes}."""
        sizes = {}
        for (kind, _), region in self.pending.items():
            if kind == XMI and len(region) >= struct.calcsize(XMI_FORMAT):
                _, _, _, _, one, two, _, _, _, _, _, flags, size_one, size_two = struct.unpack_from(XMI_FORMAT, region)
                if flags & SET_SIZES:
                    sizes[one, two] = size_one, size_two
        return sizes

    def end_at(self, path, block):
        """As if nothing had been written from `block` on. The log must never have wrapped."""
        with open(path, "r+b") as image:
            if LIBC.fallocate(image.fileno(), storm.KEEP_SIZE | storm.PUNCH_HOLE,
                              storm_offset(self.start + block * BASIC_BLOCK),
                              storm_offset(self.bytes - block * BASIC_BLOCK)) != 0:
                raise OSError("cannot punch a hole into " + path)

    def append(self, path, items):
        """Writes one record behind the last one, with one transaction that has the items, each a list of regions."""
        last, before, at = self.records[-1]
        cycle = last >> 32
        header = struct.pack("<IIII", 0x5452414E, 40, 1, len(items))
        operations = [(1, b""), (0, header)] + [(0, region) for item in items for region in item] + [(2, b"")]
        data = bytearray()
        for flags, region in operations:
            data += struct.pack(">IIBBH", 0x1234567, len(region), 0x69, flags, 0) + region
        data += bytes(-len(data) % BASIC_BLOCK)
        buffer = max(32768, -(-len(data) // 32768) * 32768)
        cycles = []
        for offset in range(0, len(data), BASIC_BLOCK):
            cycles.append(bytes(data[offset:offset + 4]))
            struct.pack_into(">I", data, offset, cycle)
        head = bytearray(328)
        struct.pack_into(">IIIIQQIII", head, 0, RECORD_MAGIC, cycle, 2, len(data), cycle << 32 | at, cycle << 32 | at,
                         0, before, len(operations))
        head[44:44 + 4 * min(len(cycles), HEADER_CYCLES)] = b"".join(cycles[:HEADER_CYCLES])
        struct.pack_into(">I", head, 300, 1)
        head[304:320] = self.uuid
        struct.pack_into(">I", head, 320, buffer)
        extended = [bytearray(struct.pack(">I", cycle) + b"".join(cycles[first:first + HEADER_CYCLES]))
                    for first in range(HEADER_CYCLES, buffer // BASIC_BLOCK, HEADER_CYCLES)]
        for block in extended:
            block += bytes(BASIC_BLOCK - len(block))
        used = -(-len(data) // 32768) - 1
        struct.pack_into("<I", head, 32, crc32c(head + b"".join(bytes(block[:260]) for block in extended[:used]) + data))
        with open(path, "r+b") as image:
            image.seek(self.start + at * BASIC_BLOCK)
            image.write(head + bytes(BASIC_BLOCK - len(head)) + b"".join(extended) + data)


def attribute_intent(number, inode, operation, space, name, value):
    fixed = struct.pack("<HHIQQIIII", ATTRI, 3 if value else 2, 0, number, inode, operation, len(name), len(value), space)
    regions = [name, value] if value else [name]
    return [fixed] + [region + bytes(-len(region) % 4) for region in regions]


FORMS = {"short": (3, 10), "leaf": (6, 100), "node": (150, 120), "remote": (4, 9000)}


def fill_attributes(device, where):
    """A file for each form of attributes and each thing to do to it."""
    mount(device, where)
    for form, (count, length) in FORMS.items():
        for case in range(12):
            path = os.path.join(where, "%s-%d" % (form, case))
            with open(path, "w"):
                pass
            for name in range(count):
                os.setxattr(path, "user.a%d" % name, b"%d " % name * (length // 3))
            os.setxattr(path, "trusted.a0", b"other name space")
    unmount(where)


def attribute_intents(device, where):
    """What is to be under way: (inode, operation, name space, name, value)."""
    mount(device, where, xfs_sweep.MS_RDONLY)
    wanted = []
    for form in FORMS:
        inodes = [os.stat(os.path.join(where, "%s-%d" % (form, case))).st_ino for case in range(12)]
        wanted += [
            (inodes[0], SET, USER, b"new", b"small"), (inodes[1], SET, ROOT, b"new", b"v" * 3000),
            (inodes[2], SET, SECURE, b"new", b"R" * 20000), (inodes[3], REPLACE, USER, b"a1", b"replaced"),
            (inodes[4], REPLACE, USER, b"a0", b"L" * 30000), (inodes[5], REMOVE, USER, b"a2", b""),
            (inodes[6], REMOVE, USER, b"never there", b""), (inodes[7], REMOVE, ROOT, b"a0", b""),
            (inodes[8], SET, USER, b"empty", b""),
            (inodes[9], SET, ROOT, b"SGI_ACL_FILE",
             struct.pack(">I", 5) + b"".join(struct.pack(">IIHH", tag, ident, perm, 0) for tag, ident, perm in (
                 (1, 0xFFFFFFFF, 6), (2, 1000, 4), (4, 0xFFFFFFFF, 4), (0x10, 0xFFFFFFFF, 6))) +
             struct.pack(">IIHH", 0x20, 0xFFFFFFFF, 4, 0))]
    unmount(where)
    return wanted


def mark_incomplete(image, inode):
    """The first attribute of the inode's first leaf becomes one that was being written; its name space and name."""
    shown = run("xfs_db", "-r", "-c", "inode %d" % inode, "-c", "ablock 0", "-c", "p entries[0].root",
                "-c", "p nvlist[0].name", image, text=True).stdout
    name = re.search(r'name = "(.*?)"', shown).group(1).encode()
    run("xfs_db", "-x", "-c", "inode %d" % inode, "-c", "ablock 0", "-c", "write -d entries[0].incomplete 1", image)
    return ROOT if "root = 1" in shown else USER, name


def set_log_xattrs(path):
    """The feature that says that the log may have attribute intents; recovery clears it."""
    with open(path, "r+b") as image:
        sb = bytearray(image.read(BASIC_BLOCK))
        struct.pack_into(">I", sb, 220, 1)
        struct.pack_into("<I", sb, 224, 0)
        struct.pack_into("<I", sb, 224, crc32c(sb))
        image.seek(0)
        image.write(sb)


def craft_attributes(image, work):
    """Writes a log in which attributes are being changed."""
    kernel = xfs_sweep.RunningKernel(work)
    kernel.do(image, fill_attributes)
    found = []
    kernel.do(image, lambda device, where: found.extend(attribute_intents(device, where)))

    def inodes(device, where):
        mount(device, where, xfs_sweep.MS_RDONLY)
        for form in ("leaf", "remote"):
            for case, operation in ((10, REMOVE), (11, REPLACE)):
                half_written.append((os.stat(os.path.join(where, "%s-%d" % (form, case))).st_ino, operation))
        unmount(where)

    half_written = []
    kernel.do(image, inodes)
    for inode, operation in half_written:
        space, name = mark_incomplete(image, inode)
        found.append((inode, operation, space, name, b"new value" * 100 if operation == REPLACE else b""))
    Log(image).append(image, [attribute_intent(number + 1, *intent) for number, intent in enumerate(found)])
    set_log_xattrs(image)
    return len(found)


def compare_with_kernel(label, image, work):
    """The number of differences; None when the kernel does not mount the image. Where recovery sets an
    attribute inside an inode, it stamps the inode with the time of the recovery: that is no difference."""
    began = time.time_ns()
    recovered, shown = os.path.join(work, "recovered.img"), os.path.join(work, "shown.jsonl")
    xfs_sweep.copy(image, recovered)
    kernel = xfs_sweep.RunningKernel(work)
    try:
        kernel.do(recovered, xfs_sweep.view, shown)
    except OSError as error:
        print("  %s: %s" % (label, error))
        return None
    too_large = left_too_large(image, shown)
    if too_large:
        print("  %s: the kernel left %s too large" % (label, b", ".join(too_large).decode()))
        kernel.do(recovered, shorten, too_large)
        kernel.do(recovered, xfs_sweep.view, shown)
    differences = xfs_sweep.compare(label, image, shown, lambda path, row, field: (
        field == "ctime" and row["ctime"] > began))
    if differences and os.environ.get("XFS_LOG_SWEEP_KEEP"):
        xfs_sweep.copy(image, os.path.join(os.environ["XFS_LOG_SWEEP_KEEP"], label + ".img"))
    return differences


def left_too_large(image, shown):
    """The files whose exchange the kernel finished with a size above the intended one, with that: {path: size}."""
    rows, _, messages = ekshume_view.find(image, "--verbose")
    list(rows)
    finished = {tuple(map(int, pair)) for pair in EXCHANGED.findall(messages)}
    intended = {}
    for pair, sizes in Log(image).intended_sizes().items():
        if pair in finished:
            intended.update(zip(pair, sizes))
    with open(shown) as lines:
        return {bytes.fromhex(row["path"]): intended[row["inode"]] for row in map(json.loads, lines)
                if row["type"] == "f" and row["size"] > intended.get(row["inode"], row["size"])}


def shorten(device, where, sizes):
    mount(device, where, 0, "nouuid")
    try:
        for name, size in sizes.items():
            path = os.fsencode(where) + name
            times = os.stat(path)
            os.truncate(path, size)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    finally:
        unmount(where)


def under_way(image):
    """The kinds of intents that ekshume finds in the image."""
    rows, _, messages = ekshume_view.find(image, "--verbose")
    list(rows)
    return UNDER_WAY.findall(messages)


def run_case(case, work, cuts, seed):
    image, end, cut = (os.path.join(work, name) for name in ("fs.img", "end.img", "cut.img"))
    xfs_sweep.make_image(case, image)
    if case.name.startswith("attributes"):
        count = craft_attributes(image, work)
        found = len(under_way(image))
        print("  %d intents written, %d found" % (count, found))
        return compare_with_kernel(case.name, image, work) != 0 or found != count
    kernel = xfs_sweep.RunningKernel(work)
    block = Log(image).block
    kernel.do(image, prepare, seed, block)
    kernel.do(image, interrupt, image, work, case.mount_options, seed, block)
    log = Log(end)
    choose = random.Random(seed)
    if log.wrapped:
        raise xfs_sweep.CannotRun("the log wrapped")
    ends = log.busy_ends
    choose.shuffle(ends)
    kinds, compared, differences, refused = {}, 0, 0, 0
    # Some are under way in transactions that are not committed there, and so do not count.
    for block_number in ends[:cuts * 4]:
        if compared >= cuts:
            break
        xfs_sweep.copy(end, cut)
        log.end_at(cut, block_number)
        found = under_way(cut)
        if not found:
            continue
        for kind in found:
            kinds[kind] = kinds.get(kind, 0) + 1
        result = compare_with_kernel("%s-%d-%d" % (case.name, seed, block_number), cut, work)
        compared += result is not None
        refused += result is None
        differences += result or 0
    print("  %d of %d records, %d compared, %d refused by the kernel: %s" % (len(ends), len(log.records), compared, refused, kinds))
    if compared == 0:
        raise xfs_sweep.CannotRun("nothing was under way at any record that the kernel takes for the last one")
    return differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="two cases, fewer cuts")
    parser.add_argument("--part", default="1/1", help="K/N: the Kth of N parts, to be run side by side")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--case", action="append")
    parser.add_argument("--cuts", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.list:
        print("\n".join(case.name for case in CASES))
        return 0
    need(("mkfs.xfs", "xfs_db", "losetup"), ("xfs",))
    os.environ.update(xfs_log_sweep.SMALL)
    chosen = share_of([case for case in CASES if (not options.case or case.name in options.case)
                       and (case.quick or not options.quick)], options.part)
    return xfs_sweep.run_cases(chosen, None, lambda case, work: run_case(
        case, work, options.cuts or (8 if options.quick else 40), options.seed))


if __name__ == "__main__":
    sys.exit(main())
