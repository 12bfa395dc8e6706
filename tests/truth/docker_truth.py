# SPDX-License-Identifier: Apache-2.0
"""Compares a container's files with what `docker export` wrote: the listing of its tar and the hashes of its members."""
import re

import ekshume
import host_truth

TAR_TYPES = {"-": "f", "d": "d", "l": "l", "c": "c", "b": "b", "p": "p", "h": "f"}


def mode_of(letters):
    """tar's "rwsr-xr-x" as octal digits."""
    bits = 0
    for i, letter in enumerate(letters):
        if letter != "-" and letter not in "ST":
            bits |= 1 << (8 - i)
    for position, flag in ((2, 0o4000), (5, 0o2000), (8, 0o1000)):
        if letters[position] in "sStT":
            bits |= flag
    return f"{bits:o}"


def export_truth(path):
    """docker export's listing (tar -tv, numeric owners) as {path: (type, mode, uid, gid, size or None, target)}."""
    pattern = re.compile(r"^(.)([rwxsStT-]{9}) (\d+)/(\d+)\s+(\d+|\d+,\d+) \S+ \S+ (.*)$")
    names = {}
    for line in path.read_text(errors="surrogateescape").splitlines():
        kind, mode, uid, gid, size, name = pattern.match(line).groups()
        target = ""
        if kind == "l":
            name, target = name.split(" -> ", 1)
        if kind == "h":
            name = name.split(" link to ", 1)[0]
        # tar shows 0 for a hard link's size: the link's own bytes.
        known_size = int(size) if kind == "-" else None
        names["/" + name.rstrip("/")] = (TAR_TYPES[kind], mode_of(mode), int(uid), int(gid), known_size, target)
    return names


def names(path, rows, written_later=()):
    """(expected, found) of export-<id>.lst: {path: (type, mode, uid, gid, size, target)}."""
    found = {}
    links = {}
    for row in rows:
        name = ekshume.path_of(row)
        links[name] = row["links"]
        found[name] = (row["type"], row["mode"], row["uid"], row["gid"], None if row["type"] != "f" else row["size"], ekshume.target_of(row) or "")
    for name in ("/", *written_later):
        found.pop(name, None)
    expected = export_truth(path)
    # A tar has the bytes of the first of several hard links only; of the others it tells no size.
    for name, value in expected.items():
        if name in found and value[0] == "f" and value[4] is None and links[name] > 1:
            expected[name] = (*value[:4], found[name][4], value[5])
    return expected, {name: value for name, value in found.items() if value[0] != "s"}


def hashes(path, rows, written_later=()):
    """(expected, found) of export-<id>.sha256: {path: digest}."""
    found = {ekshume.path_of(row): row["sha256"] for row in rows}
    for name in written_later:
        del found[name]
    expected = host_truth.expected_hashes(path)
    # Further hard links have no bytes in the tar: they have those of their first name.
    listing = path.with_suffix(".lst").read_text(errors="surrogateescape").splitlines()
    for link in (line for line in listing if line.startswith("h")):
        name, first = re.search(r"\d\d:\d\d:\d\d (.*) link to (.*)$", link).groups()
        expected["/" + name] = expected["/" + first]
    return expected, found
