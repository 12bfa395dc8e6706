# SPDX-License-Identifier: Apache-2.0
"""Compares `fs find` and `fs hash` with what the kernel showed of the same filesystem."""
import subprocess

import ekshume


def expected_names(tsv):
    """host-find.tsv as {path: (type, mode, uid, gid, size, mtime, ctime, inode, links, target)}."""
    names = {}
    for line in tsv.read_text(errors="surrogateescape").splitlines():
        path, kind, mode, uid, gid, size, mtime, ctime, _birth, inode, links, target = line.split("\t")
        names["/" + path] = (kind, mode, int(uid), int(gid), int(size), ekshume.find_time(mtime), ekshume.find_time(ctime),
                             int(inode), int(links), target)
    return names


def found_names(image):
    names = {}
    for row in ekshume.rows("fs", "find", image, "/"):
        names[ekshume.path_of(row)] = (
            row["type"], row["mode"], row["uid"], row["gid"], row["size"], ekshume.seconds_and_nanoseconds(row["mtime"]),
            ekshume.seconds_and_nanoseconds(row["ctime"]), row["inode"], row["links"], ekshume.target_of(row) or "")
    return names


def expected_hashes(path):
    return {"/" + name.removeprefix("./").removeprefix("/"): digest for name, digest in ekshume.sha256_list(path).items()}


def found_hashes(image):
    return {ekshume.path_of(row): row["sha256"] for row in ekshume.rows("fs", "hash", image, "/")}


class KernelMount:
    """The kernel's own view of one partition of a copy of an image, mounted read-only."""

    def __init__(self, image, offset, size, kind):
        # A copy has its original's UUID: XFS would refuse it while another copy is mounted.
        options = "ro,nouuid" if kind == "xfs" else "ro"
        self.copy = ekshume.work_folder() / "kernel-copy.img"
        self.mountpoint = ekshume.work_folder() / "kernel-mount"
        subprocess.run(["cp", "--sparse=always", "--no-preserve=mode", image, self.copy], check=True)
        self.mountpoint.mkdir(exist_ok=True)
        self.loop = subprocess.run(["losetup", "-f", "--show", "-o", str(offset), "--sizelimit", str(size), self.copy],
                                   check=True, capture_output=True, text=True).stdout.strip()
        try:
            subprocess.run(["mount", "-o", options, self.loop, self.mountpoint], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            subprocess.run(["losetup", "-d", self.loop], check=False)
            raise

    def __enter__(self):
        return self.mountpoint

    def __exit__(self, *_):
        subprocess.run(["umount", self.mountpoint], check=True)
        subprocess.run(["losetup", "-d", self.loop], check=True)
        self.copy.unlink()


def birth_times(mountpoint):
    """{path: (seconds, nanoseconds)} by statx(2), through stat(1)."""
    listing = subprocess.run(["find", ".", "-xdev", "-exec", "stat", "--printf", "%n\\t%w\\0", "{}", "+"], cwd=mountpoint,
                             check=True, capture_output=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}).stdout
    times = {}
    for item in listing.decode("utf-8", "surrogateescape").split("\0"):
        if not item:
            continue
        name, stamp = item.rsplit("\t", 1)
        day, clock, _zone = stamp.split(" ")
        times["/" + name.removeprefix(".").removeprefix("/")] = ekshume.seconds_and_nanoseconds(f"{day}T{clock}Z")
    return times
