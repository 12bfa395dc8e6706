#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares ekshume's union of layers with the kernel's, on stacks of layers that the kernel made.

Layers are made through real overlay mounts by random operations (and some marks by hand), then the
same folders are shown by overlay_view and by a mount: names, types, modes, owners, sizes, times,
link counts, targets, devices, attributes and contents must agree, and the changes must be those
that a comparison of two mounts finds. Needs root and overlayfs (exit code 77 without).

usage: overlay_sweep.py [--program OVERLAY_VIEW] [--quick] [--part K/N] [--seeds N] [--first SEED]

The program is found in the build folder that the environment variable EKSHUME points into.
"""
import argparse
import ctypes
import errno
import hashlib
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile

from ground import need, share_of, skip

SEEDS = 20
LIBC = ctypes.CDLL(None, use_errno=True)


def mount(target, options, failure_skips=False):
    if LIBC.mount(b"overlay", os.fsencode(target), b"overlay", 0, options.encode()) == 0:
        return
    reason = f"mount -o {options}: {os.strerror(ctypes.get_errno())}"
    if failure_skips:
        skip(reason)
    raise OSError(reason)


def unmount(target):
    if LIBC.umount2(os.fsencode(target), 0) != 0:
        raise OSError(f"umount {target}: {os.strerror(ctypes.get_errno())}")


# --- what the kernel shows ---------------------------------------------------------------------

def sha256(path):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        # EIO: a metacopy file without data; EPERM: the mount does not follow metacopy.
        return "unreadable"
    return digest.hexdigest()


def describe(path):
    info = os.lstat(path)
    kind = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFCHR: "c",
            stat.S_IFBLK: "b", stat.S_IFIFO: "p", stat.S_IFSOCK: "s"}[stat.S_IFMT(info.st_mode)]
    xattrs = {name.encode(): os.getxattr(path, name, follow_symlinks=False)
              for name in os.listxattr(path, follow_symlinks=False)}
    device = kind in "cb"
    return {
        "type": kind, "mode": stat.S_IMODE(info.st_mode), "uid": info.st_uid, "gid": info.st_gid,
        "size": info.st_size, "mtime": info.st_mtime_ns, "links": info.st_nlink,
        "target": os.readlink(path) if kind == "l" else b"",
        "device": (os.major(info.st_rdev), os.minor(info.st_rdev)) if device else (0, 0),
        "xattrs": xattrs, "sha256": sha256(path) if kind == "f" else "",
    }


def kernel_view(root):
    """Every name that lookup finds; readdir also lists some that lookup denies."""
    root = os.fsencode(root)
    names = {b"": describe(root)}
    stack = [b""]
    while stack:
        directory = stack.pop()
        for name in os.listdir(os.path.join(root, directory)):
            path = os.path.join(directory, name)
            try:
                names[path] = describe(os.path.join(root, path))
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                # A metacopy file without data: ekshume shows its metadata, and no content.
                names[path] = {"type": "f", "sha256": "unreadable"}
            if names[path]["type"] == "d":
                stack.append(path)
    return names


# --- what ekshume shows ------------------------------------------------------------------------

class View:
    def __init__(self, program, layers, upper, data=(), userxattr=False):
        self.command = [program] + (["--upper"] if upper else [])
        self.command += ["--userxattr"] if userxattr else []
        self.layers = list(layers) + (["--data", *data] if data else [])

    def run(self, *arguments):
        done = subprocess.run(self.command + list(arguments) + self.layers, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"{self.command}: {done.returncode} {done.stderr.decode()}")
        return done.stdout.decode().splitlines()

    def names(self):
        names = {}
        for line in self.run("view"):
            f = line.split("\t")
            seconds, nanoseconds = f[6].split(".")
            xattrs = {}
            for pair in filter(None, f[10].split(",")):
                name, value = pair.split("=")
                xattrs[bytes.fromhex(name)] = bytes.fromhex(value)
            names[bytes.fromhex(f[0])] = {
                "type": f[1], "mode": int(f[2], 8), "uid": int(f[3]), "gid": int(f[4]),
                "size": int(f[5]), "mtime": int(seconds) * 10**9 + int(nanoseconds),
                "links": int(f[7]), "target": bytes.fromhex(f[8]),
                "device": tuple(map(int, f[9].split(":"))), "xattrs": xattrs, "sha256": f[11],
            }
        return names

    def docker(self, boundary):
        return {bytes.fromhex(line) for line in self.run("docker", f"--boundary={boundary}")}

    def changes(self, boundary):
        entries = {}
        for line in self.run("diff", f"--boundary={boundary}"):
            f = line.split("\t")
            entries[bytes.fromhex(f[0])] = {
                "change": f[1], "differs": f[3], "flags": f[4],
                "renamed_from": bytes.fromhex(f[7]), "renamed_to": bytes.fromhex(f[8])}
        return entries


# --- expectations from two mounts --------------------------------------------------------------

def parents(path):
    while b"/" in path:
        path = path.rsplit(b"/", 1)[0]
        yield path


def expected_docker(now, before):
    """Docker's comparison of two trees, names as sets."""
    letters = {}
    for path, new in now.items():
        if not path:
            continue
        old = before.get(path)
        # Below something that was no directory before, everything is new.
        if old is not None and any(before[p]["type"] != "d" for p in parents(path)):
            old = None
        if old is None:
            letters[path] = "A"
            continue
        same = all(old[k] == new[k] for k in ("type", "mode", "uid", "gid", "device"))
        if new["type"] != "d":
            a, b = old["mtime"], new["mtime"]
            same_time = a // 10**9 == b // 10**9 and (
                a == b or a % 10**9 == 0 or b % 10**9 == 0)
            same = same and old["size"] == new["size"] and same_time
        if not same:
            letters[path] = "C"
    for path in before:
        parent = path.rsplit(b"/", 1)[0] if b"/" in path else b""
        if path and path not in now and parent in now and now[parent]["type"] == "d":
            if parent == b"" or before[parent]["type"] == "d":
                letters[path] = "D"
    for path in list(letters):
        for parent in parents(path):
            letters.setdefault(parent, "C")
    return {f"{letter} /".encode() + path for path, letter in letters.items()}


def check_changes(changes, now, before):
    """The rules of fs/overlay/diff.h; returns what breaks them."""
    problems = []
    renamed = {e["renamed_from"]: path for path, e in changes.items() if e["renamed_from"]}

    def in_renamed(path):
        return any(p in changes and changes[p]["renamed_from"] for p in parents(path))

    def moved_away(path):
        return any(p in renamed for p in [path, *parents(path)])

    for path, old in before.items():
        gone = path not in now or (path and any(
            now.get(p, {"type": "d"})["type"] != "d" for p in parents(path)))
        if gone and not moved_away(path) and changes.get(path, {}).get("change") != "deleted":
            problems.append(("must be deleted", path))
    for path, entry in changes.items():
        if entry["change"] == "deleted" and path in now:
            problems.append(("deleted but there", path))
    for path, new in now.items():
        if not path or in_renamed(path):
            continue
        old = before.get(path)
        entry = changes.get(path)
        if old is None:
            if entry is None or entry["change"] != "added":
                problems.append(("must be added", path, entry))
            continue
        keys = ["type", "mode", "uid", "gid", "device", "target", "xattrs", "sha256"]
        keys += [] if new["type"] == "d" else ["mtime"]
        differing = {k for k in keys if old[k] != new[k]}
        content = differing & {"type", "device", "target", "sha256"}
        if entry is not None and "r" in entry["flags"]:
            continue  # made anew: whether it was cannot be seen in two mounts
        expected = "modified" if content else "metadata" if differing else None
        found = entry["change"] if entry is not None else None
        if expected != found:
            problems.append((f"must be {expected}", path, entry, differing))
    for path in changes:
        if path not in now and path not in before and not in_renamed(path):
            problems.append(("unknown name", path))
    return problems


# --- making layers -----------------------------------------------------------------------------

class Worker:
    """Random changes below a mounted overlay."""

    def __init__(self, random_source, root, renames):
        self.random = random_source
        self.root = os.fsencode(root)
        self.renames = renames
        self.counter = 0

    def existing(self, kinds):
        found = []
        for directory, directories, files in os.walk(self.root):
            if "d" in kinds:
                found += [os.path.join(directory, d) for d in directories
                          if not os.path.islink(os.path.join(directory, d))]
            if "f" in kinds:
                for name in files:
                    path = os.path.join(directory, name)
                    if os.path.isfile(path) and not os.path.islink(path):
                        found.append(path)
            if "o" in kinds:
                found += [os.path.join(directory, name) for name in files]
        found.sort()
        return self.random.choice(found) if found else None

    def new_name(self, tag):
        self.counter += 1
        parent = self.existing("d") if self.random.random() < 0.8 else None
        odd = self.random.choice([b"", b"", b" x", b"\xff", b"\n", "é".encode()])
        name = f"{tag}{self.counter % 40}".encode() + odd
        return os.path.join(parent or self.root, name)

    def write(self, path, size=None):
        size = self.random.choice([0, 1, 100, 5000, 70000]) if size is None else size
        with open(path, "wb") as file:
            file.write(self.random.randbytes(size))
        if self.random.random() < 0.5:
            os.chmod(path, self.random.choice([0o644, 0o755, 0o4755, 0o2711, 0o600]))
        if self.random.random() < 0.3:
            os.chown(path, self.random.choice([0, 1000]), self.random.choice([0, 33]))

    def operation(self):
        pick = self.random.choice
        action = pick(["create"] * 14 + ["mkdir"] * 9 + ["append"] * 3 + ["rewrite"] * 2 + [
            "chmod", "chmod", "chmod", "chown", "touch", "unlink", "unlink", "rmtree", "remake",
            "link", "link", "symlink", "device", "fifo", "xattr", "escaped", "to_link", "to_file",
            "to_directory", "open_only"] + ["rename", "rename_directory"] * self.renames)
        file, directory, other = self.existing("f"), self.existing("d"), self.existing("o")
        if action == "create":
            self.write(self.new_name("f"))
        elif action == "mkdir":
            os.mkdir(self.new_name("d"), pick([0o755, 0o700, 0o1777]))
        elif action == "append" and file:
            with open(file, "ab") as handle:
                handle.write(b"more")
        elif action == "rewrite" and file:
            info = os.stat(file)
            self.write(file, info.st_size)
            if pick([True, False]):
                os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
        elif action == "chmod" and (target := pick([file, directory])):
            os.chmod(target, pick([0o644, 0o755, 0o4755, 0o750]))
        elif action == "chown" and (target := pick([file, directory, other])):
            os.chown(target, pick([0, 5]), 7, follow_symlinks=False)
        elif action == "touch" and (target := pick([file, directory, other])):
            os.utime(target, ns=(1, pick([10**18, 10**18 + 5])), follow_symlinks=False)
        elif action == "unlink" and other:
            os.unlink(other)
        elif action in ("rmtree", "remake") and directory:
            shutil.rmtree(directory)
            if action == "remake":
                os.mkdir(directory)
                if pick([True, False]):
                    self.write(os.path.join(directory, b"again"))
        elif action == "link" and file:
            os.link(file, self.new_name("h"))
        elif action == "symlink":
            os.symlink(pick([b"target", b"/etc/passwd", b"../..", b"x" * 200]), self.new_name("l"))
        elif action == "device":
            os.mknod(self.new_name("c"), 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        elif action == "fifo":
            os.mkfifo(self.new_name("p"))
        elif action == "xattr" and (target := pick([file, directory])):
            os.setxattr(target, b"user.note", self.random.randbytes(pick([0, 5, 300])))
        elif action == "escaped" and (target := pick([file, directory])):
            os.setxattr(target, pick([b"trusted.overlay.opaque", b"trusted.overlay.whiteout",
                                      b"trusted.overlay.metacopy"]), b"y")
        elif action == "to_link" and directory:
            shutil.rmtree(directory)
            os.symlink(b"elsewhere", directory)
        elif action == "to_file" and directory:
            shutil.rmtree(directory)
            self.write(directory)
        elif action == "to_directory" and other:
            os.unlink(other)
            os.mkdir(other)
            self.write(os.path.join(other, b"inside"))
        elif action == "open_only" and file:
            with open(file, "r+b"):
                pass
        elif action == "rename" and other:
            os.rename(other, self.new_name("r"))
        elif action == "rename_directory" and directory:
            target = self.new_name("m")
            if not (target + b"/").startswith(directory + b"/"):
                os.rename(directory, target)

    def run(self, count):
        for _ in range(count):
            try:
                self.operation()
            except OSError as error:
                expected = (errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EXDEV, errno.ENOTEMPTY,
                            errno.EISDIR, errno.EPERM, errno.EOPNOTSUPP, errno.EIO, errno.ENOSPC)
                if error.errno not in expected:
                    raise


class Stack:
    """Layer folders in a directory of their own, the bottom one first."""

    def __init__(self, base, options, userxattr=False):
        self.base = base
        self.options = options
        self.userxattr = userxattr
        self.layers = []

    def path(self, name):
        path = os.path.join(self.base, name)
        os.makedirs(path, exist_ok=True)
        return path

    def lowerdir(self, layers):
        return "lowerdir=" + ":".join(reversed(layers))

    def grow(self, random_source, count, renames):
        """One more layer, made through a mount over those that are there."""
        number = len(self.layers)
        upper, work = self.path(f"u{number}"), self.path(f"w{number}")
        if not self.layers:
            Worker(random_source, upper, renames).run(count)
        else:
            merged = self.path("m")
            mount(merged, f"{self.lowerdir(self.layers)},upperdir={upper},workdir={work},"
                          f"{self.options}")
            try:
                Worker(random_source, merged, renames).run(count)
            finally:
                unmount(merged)
        self.layers.append(upper)

    def by_hand(self, random_source):
        """Marks that the kernel reads but seldom or never writes, in the layers below the top."""
        prefix = b"user.overlay." if self.userxattr else b"trusted.overlay."
        for upper, lower in zip(self.layers[1:], self.layers):
            upper, lower = os.fsencode(upper), os.fsencode(lower)
            names = sorted(os.listdir(lower))
            random_source.shuffle(names)
            for name in names[:2]:  # whiteouts as empty files, some in a marked directory
                path = os.path.join(upper, name)
                if os.path.lexists(path):
                    continue
                open(path, "wb").close()
                os.setxattr(path, prefix + b"whiteout", random_source.choice([b"", b"y"]))
            if random_source.random() < 0.5:
                os.setxattr(upper, prefix + b"opaque", b"x")
            for directory, _, _ in os.walk(upper):
                if directory != upper and random_source.random() < 0.1:
                    value = random_source.choice([b"x", b"y", b"Y", b"yes", b""])
                    os.setxattr(directory, prefix + b"opaque", value)
                if random_source.random() < 0.1:
                    os.mknod(os.path.join(directory, b"stray"), stat.S_IFCHR, 0)

    def mount(self, layers, with_upper, extra=""):
        merged = self.path("m")
        options = self.options + extra
        if with_upper:
            work = self.path("work-last")
            mount(merged, f"{self.lowerdir(layers[:-1])},upperdir={layers[-1]},workdir={work},"
                          f"{options}")
        elif len(layers) == 1:
            mount(merged, f"lowerdir={layers[0]}:{self.path('empty')},{options}")
        else:
            mount(merged, f"{self.lowerdir(layers)},{options}")
        return merged

    def kernel(self, layers, with_upper):
        merged = self.mount(layers, with_upper)
        try:
            return kernel_view(merged)
        finally:
            unmount(merged)


def differences(kernel, ours):
    found = []
    for path in sorted(set(kernel) | set(ours)):
        a, b = kernel.get(path), ours.get(path)
        if a is None and b["sha256"] == "unreadable":
            continue  # a metacopy file without data, which the kernel may not even list
        if a is None or b is None:
            found.append((path, "only ours" if a is None else "only the kernel's"))
            continue
        found += [(path, key, a[key], b[key]) for key in a if a[key] != b[key]]
    return found


def report(problems, label):
    for problem in problems[:20]:
        print(f"{label}: {problem}")
    return len(problems)


def check_stack(program, stack, label):
    """The whole stack with its top as upper layer, without it, and the changes between."""
    problems = []
    views = {}
    for with_upper, layers in ((True, stack.layers), (False, stack.layers[:-1])):
        view = View(program, list(reversed(layers)), with_upper, userxattr=stack.userxattr)
        kernel = stack.kernel(layers, with_upper)
        if not with_upper and len(layers) == 1:
            kernel[b""]["links"] = view.names()[b""]["links"]  # the mount has an empty second layer
        views[with_upper] = kernel
        problems += [(with_upper, *p) for p in differences(kernel, view.names())]
    if any("mode" not in node for kernel in views.values() for node in kernel.values()):
        return report(problems, label), len(views[True])  # the kernel denies names: nothing to diff
    view = View(program, list(reversed(stack.layers)), True, userxattr=stack.userxattr)
    expected, found = expected_docker(views[True], views[False]), view.docker(1)
    problems += [("docker", line) for line in sorted(expected ^ found)]
    problems += [("diff", *p) for p in check_changes(view.changes(1), views[True], views[False])]
    return report(problems, label), len(views[True])


# --- data-only layers and chains of metacopy files, by hand ------------------------------------

def check_data_only(program, base):
    base = os.path.join(base, "data")
    folder = {name: os.path.join(base, name) for name in ("l1", "l2", "d1", "d2", "m")}
    for path in folder.values():
        os.makedirs(path)
    # (The kernel gives up on data-only layers when a lower layer has a directory of that name.)
    for layer, name, content in (("d1", "objects/one", b"first"),
                                 ("d2", "objects/two", b"second" * 1000),
                                 ("d2", "objects/one", b"hidden by d1"),
                                 ("l2", "stored/plain", b"plain data")):
        path = os.path.join(folder[layer], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    for layer, name, size, redirect in (
            ("l1", "a", 5, b"/objects/one"), ("l1", "b", 6000, b"/objects/two"),
            ("l1", "broken", 9, b"/objects/three"), ("l1", "none", 9, None),
            ("l2", "c", 6000, b"/objects/two"), ("l1", "lower", 10, b"/stored/plain")):
        path = os.path.join(folder[layer], name)
        with open(path, "wb") as file:
            file.truncate(size)
        os.setxattr(path, b"trusted.overlay.metacopy", b"")
        if redirect:
            os.setxattr(path, b"trusted.overlay.redirect", redirect)
    try:
        mount(folder["m"], f"lowerdir={folder['l1']}:{folder['l2']}::{folder['d1']}::{folder['d2']},"
                           "redirect_dir=follow,metacopy=on")
    except OSError as error:
        print(f"data-only layers were not compared: {error}")
        return 0
    try:
        kernel = kernel_view(folder["m"])
    finally:
        unmount(folder["m"])
    view = View(program, [folder["l1"], folder["l2"]], False, [folder["d1"], folder["d2"]])
    problems = differences(kernel, view.names())
    for problem in problems:
        print(f"data-only: {problem}")
    return len(problems)


def find_program():
    folder = os.path.dirname(os.path.abspath(os.environ.get("EKSHUME", "build/dev/src/cli/ekshume")))
    while folder != "/":
        program = os.path.join(folder, "tests", "overlay_view")
        if os.access(program, os.X_OK):
            return program
        folder = os.path.dirname(folder)
    skip("overlay_view is not built (it belongs to the tests)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", default="1/1", help="K/N: the Kth of N parts, to be run side by side")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--first", type=int, default=1)
    arguments = parser.parse_args()
    arguments.program = arguments.program or find_program()
    need(filesystems=("overlay",), program=arguments.program)
    variants = [
        ("redirect_dir=on,metacopy=on,index=off", 1, False),
        ("redirect_dir=on,metacopy=on,index=on,volatile", 1, False),
        ("redirect_dir=off,metacopy=off,index=off", 1, False),
        ("redirect_dir=on,metacopy=off,index=off,xino=off", 1, False),
        ("userxattr", 1, True),
    ]
    seeds = arguments.seeds or (3 if arguments.quick else SEEDS)
    bad = names = stacks = 0
    with tempfile.TemporaryDirectory(prefix="ekshume-overlay-", dir="/var/tmp") as base:
        probe = [os.path.join(base, name) for name in ("pl", "pu", "pw", "pm")]
        for path in probe:
            os.mkdir(path)
        mount(probe[3], f"lowerdir={probe[0]},upperdir={probe[1]},workdir={probe[2]}", True)
        unmount(probe[3])
        bad += check_data_only(arguments.program, base)
        for seed in share_of(range(arguments.first, arguments.first + seeds), arguments.part):
            for options, renames, userxattr in variants:
                source = random.Random(f"{seed} {options}")
                stack = Stack(os.path.join(base, "s"), options, userxattr)
                for _ in range(source.randint(2, 5)):
                    stack.grow(source, source.randint(30, 150), renames)
                if source.random() < 0.5:
                    stack.by_hand(source)
                label = f"seed {seed} {options}"
                count, size = check_stack(arguments.program, stack, label)
                bad += count
                names += size
                stacks += 1
                shutil.rmtree(os.path.join(base, "s"))
    print(f"{stacks} stacks, {names} names, {bad} differences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
