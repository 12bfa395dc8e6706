# SPDX-License-Identifier: Apache-2.0
"""What ekshume shows of an image, in the form of kernel_view.py, and how the two differ."""
import datetime
import functools
import json
import os
import subprocess

EPOCH = datetime.datetime(1970, 1, 1)
PLAIN = ("type", "mode", "uid", "gid", "size", "inode", "links", "device", "sha256")
TIMES = ("mtime", "ctime", "atime", "crtime")


@functools.lru_cache(maxsize=1 << 16)
def seconds(text):
    moment = datetime.datetime.fromisoformat(text) - EPOCH
    return moment.days * 86400 + moment.seconds


def nanoseconds(text):
    """RFC 3339 with nanoseconds, as ekshume prints it, to an integer."""
    if text is None:
        return None
    whole, fraction = text.rstrip("Z").split(".")
    return seconds(whole) * 10**9 + int(fraction)


def hexed(row, key):
    """A text as the hex of its bytes: one that is not UTF-8 comes with a member of its own."""
    if row.get(key + "_hex") is not None:
        return row[key + "_hex"]
    return None if row.get(key) is None else row[key].encode().hex()


def find(image, *options):
    """The rows of `fs find`, its exit code and its messages. Codes 0 and 1 are both answers."""
    done = subprocess.run((os.environ["EKSHUME"], "fs", "find", image, "/", "--format", "jsonl", *options),
                          capture_output=True)
    messages = done.stderr.decode(errors="replace")
    if done.returncode not in (0, 1):
        raise RuntimeError("ekshume fs find %s: exit code %d: %s" % (image, done.returncode, messages[:2000]))
    return map(json.loads, done.stdout.splitlines()), done.returncode, messages


def rows(image):
    """All names by path (in hex), as kernel_view.rows() has them, the exit code and the messages."""
    found, code, messages = find(image, "--sha256", "--xattrs")
    shown = {}
    for row in found:
        path = hexed(row, "path")
        shown[path] = {
            "path": path, "target": hexed(row, "target"),
            **{key: row[key] for key in PLAIN}, **{key: nanoseconds(row[key]) for key in TIMES},
            "xattrs": {x["name"]: x["value_hex"] if "value_hex" in x else x["value"].encode().hex()
                       for x in row["xattrs"] or ()}}
    return shown, code, messages


def deleted(image):
    """Inode, size and SHA-256 of the files that were deleted while open; exit code; messages."""
    found, code, messages = find(image, "--deleted")
    return {(row["inode"], row["size"], row["sha256"]) for row in found}, code, messages


def differences(ours, theirs, fields=None, ignore=lambda path, row, field: False):
    """A sentence for each name that one side lacks and each field that differs from the kernel's."""
    problems = []
    for path in sorted(ours.keys() | theirs.keys()):
        name = bytes.fromhex(path)
        if path not in ours or path not in theirs:
            problems.append("%r %s" % (name, "is missing" if path not in ours else "does not exist"))
        elif ours[path] != theirs[path]:
            problems += ["%r: %s is %.200s, the kernel shows %.200s" % (name, field, ours[path][field], value)
                         for field, value in theirs[path].items()
                         if ours[path][field] != value and (fields is None or field in fields)
                         and not ignore(path, theirs[path], field)]
    return problems
