#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the kernel shows of a mounted filesystem, one JSON object per name: the oracle of the sweeps.

Usage: kernel_view.py MOUNT_POINT > view.jsonl
"""
import ctypes
import hashlib
import json
import os
import stat
import struct
import sys

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
STATX_ALL, HAS_BIRTH = 0xFFF, 0x800
STATX = struct.Struct("=I12xIIIH2xQQ16xqI4xqI4xqI4xqI4xII")
NOTHING = hashlib.sha256().hexdigest()
LIBC = ctypes.CDLL(None, use_errno=True)
TYPES = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFCHR: "c",
         stat.S_IFBLK: "b", stat.S_IFIFO: "p", stat.S_IFSOCK: "s"}


def statx(path, buffer=ctypes.create_string_buffer(256)):
    """The fields of struct statx that are compared; times in nanoseconds since the epoch."""
    if LIBC.statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_ALL, buffer) != 0:
        raise OSError(ctypes.get_errno(), os.fsdecode(path))
    (mask, links, uid, gid, mode, inode, size, accessed, accessed_ns, born, born_ns, changed, changed_ns,
     modified, modified_ns, major, minor) = STATX.unpack_from(buffer)
    return {"mode": mode, "links": links, "uid": uid, "gid": gid, "inode": inode, "size": size, "rdev": (major, minor),
            "mtime": modified * 10**9 + modified_ns, "ctime": changed * 10**9 + changed_ns,
            "atime": accessed * 10**9 + accessed_ns, "crtime": born * 10**9 + born_ns if mask & HAS_BIRTH else None}


def sha256(path, size):
    if size == 0:
        return NOTHING
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def xattrs(path):
    found = {}
    for name in os.listxattr(path, follow_symlinks=False):
        # The raw form of ACLs is shown to root beside system.posix_acl_*.
        if name.startswith("trusted.SGI_ACL_"):
            continue
        found[name] = os.getxattr(path, name, follow_symlinks=False).hex()
    return found


def record(path, shown):
    info = statx(path)
    kind = TYPES[stat.S_IFMT(info["mode"])]
    return {
        "path": shown.hex(), "type": kind, "mode": "%o" % (info["mode"] & 0o7777),
        **{key: info[key] for key in ("uid", "gid", "size", "mtime", "ctime", "atime", "crtime",
                                      "inode", "links")},
        "target": os.readlink(path).hex() if kind == "l" else None,
        "device": "%d:%d" % info["rdev"] if kind in "cb" else None,
        "sha256": sha256(path, info["size"]) if kind == "f" else None,
        "xattrs": xattrs(path),
    }


def rows(root):
    """One record for each name below `root` and for itself."""
    root = os.fsencode(root)
    pending = [b""]
    while pending:
        below = pending.pop()
        row = record(root + below, below or b"/")
        yield row
        if row["type"] == "d":
            pending.extend(below + b"/" + name for name in os.listdir(root + below))


def dump(root, out):
    for row in rows(root):
        out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    dump(sys.argv[1], sys.stdout)
