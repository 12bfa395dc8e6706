#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real dump by CRIU 4.2 (tests/data/checkpoint) in the archives of Podman and of containerd: what ekshume reads against what the kernel said of the same
processes a moment before, and against checkpointctl where that is installed."""
import collections
import hashlib
import io
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402

DATA = ekshume.ROOT / "tests/data/checkpoint"
ID = "c0ffee" * 10 + "abcd"
IMAGE = "registry.test/busybox:1"
CHECKPOINTCTL = shutil.which("checkpointctl") or shutil.which("checkpointctl", path=ekshume.ROOT / "third_party/go/bin")
ROOTFS_DIFF = {"etc/changed": b"a change\n", "tmp/ready": b"ready\n"}


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def fields(message):
    """The varint fields of a message, by number."""
    at, found = 0, {}

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(message):
        key = number()
        assert key & 7 == 0, "pagemap entries hold numbers only"
        found[key >> 3] = number()
    return found


def older_pagemap(image):
    """A pagemap as CRIU wrote it before 4.1: the number of pages in field 2, and no field 5."""
    out, at, first = bytearray(image[:8]), 8, True
    while at < len(image):
        size = int.from_bytes(image[at:at + 4], "little")
        found = fields(image[at + 4:at + 4 + size])
        at += 4 + size
        if not first:
            found[2] = found.pop(5)
        first = False
        message = b"".join(varint(key << 3) + varint(value) for key, value in sorted(found.items()))
        out += len(message).to_bytes(4, "little") + message
    return bytes(out)


def add(archive, name, data, kind=tarfile.REGTYPE):
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.type, member.mtime = len(data), 0o600, kind, 1764246000
    archive.addfile(member, io.BytesIO(data))


def write_archive(path, images, layout):
    spec = {"ociVersion": "1.1.0", "hostname": "webshop-1", "process": {"args": ["/bin/sh", "/workload.sh"], "env": ["PATH=/bin"], "cwd": "/"},
            "root": {"path": "rootfs"}, "linux": {"namespaces": [{"type": "pid"}, {"type": "network"}]}}
    config = {"id": ID, "name": "web", "rootfsImageName": IMAGE, "createdTime": "2026-11-27T12:00:00.123456789Z", "checkpointedTime": "2026-11-27T12:30:00.5Z"}
    with tarfile.open(path, "w") as archive:
        if layout == "podman":
            spec["annotations"] = {"io.container.manager": "libpod"}
            config |= {"rootfsImageID": "5" * 64, "ociRuntime": "runc"}
            interfaces = {"eth0": {"subnets": [{"ipnet": "192.0.2.7/24", "gateway": "192.0.2.1"}], "mac_address": "aa:bb:cc:dd:ee:ff"}}
            add(archive, "network.status", json.dumps({"podman": {"interfaces": interfaces}}).encode())
            add(archive, "artifacts/", b"", tarfile.DIRTYPE)
        else:
            cri = {"container-type": "container", "container-name": "web", "sandbox-id": "5a" * 32, "sandbox-name": "webshop", "sandbox-namespace": "shop",
                   "sandbox-uid": "u-1", "image-name": IMAGE}
            spec["annotations"] = {f"io.kubernetes.cri.{name}": value for name, value in cri.items()}
            config |= {"rootfsImageRef": "sha256:" + "5" * 64, "runtime": "io.containerd.runc.v2"}
            add(archive, "status", json.dumps({"CreatedAt": 1795780800123456789, "StartedAt": 1795780801000000000, "Pid": 6887}).encode())
            add(archive, "container.log", b"2026-11-27T12:00:01.5Z stdout F ready\n")
        add(archive, "config.dump", json.dumps(config).encode())
        add(archive, "spec.dump", json.dumps(spec).encode())
        diff = io.BytesIO()
        with tarfile.open(fileobj=diff, mode="w") as layer:
            for name, content in ROOTFS_DIFF.items():
                add(layer, name, content)
        add(archive, "rootfs-diff.tar", diff.getvalue())
        add(archive, "deleted.files", json.dumps(["bin/deleted-tool"]).encode())
        add(archive, "stats-dump", images["stats-dump"])
        add(archive, "checkpoint/", b"", tarfile.DIRTYPE)
        for name, data in sorted(images.items()):
            if name != "stats-dump":
                add(archive, f"checkpoint/{name}", data)
    return path


def sockets_of(text):
    """Rows of /proc/net/tcp: local port, remote port, state; connections that are closing belong to no process."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return {(int(row[1].split(":")[1], 16), int(row[2].split(":")[1], 16), {"01": "established", "0A": "listen"}[row[3]]) for row in rows if row[9] != "0"}


class Checkpoint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = ekshume.work_folder()
        cls.truth = json.loads((DATA / "truth.json").read_text())
        unpacked = subprocess.run(["zstd", "-d", "-q", "-c", DATA / "images.tar.zst"], check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
            images = {pathlib.PurePosixPath(m.name).name: archive.extractfile(m).read() for m in archive if m.isfile()}
        older = {name: older_pagemap(data) if name.startswith("pagemap-") and "shmem" not in name else data for name, data in images.items()}
        cls.archives = {"podman": write_archive(cls.folder / "podman.tar", images, "podman"),
                        "containerd": write_archive(cls.folder / "containerd.tar", images, "containerd"),
                        "older": write_archive(cls.folder / "older.tar", older, "podman")}

    def rows(self, *arguments):
        done = subprocess.run([ekshume.EKSHUME, *map(str, arguments), "--format", "json"], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_processes_are_those_of_the_kernel(self):
        for archive in self.archives.values():
            read = {row["pid"]: row for row in self.rows("processes", archive)}
            self.assertEqual(sorted(read), sorted(p["pid"] for p in self.truth["processes"]), archive)
            for truth in self.truth["processes"]:
                row = read[truth["pid"]]
                for key in ("ppid", "name", "uid", "capabilities", "arguments", "environment", "working_directory"):
                    self.assertEqual(row[key], truth[key], (archive, truth["pid"], key))
                path, _, deleted = truth["executable"].partition(" (deleted)")
                self.assertEqual((row["executable"], row["executable_deleted"]), (path, truth["executable"] != path), deleted)
                self.assertEqual((row["container_id"], row["image"]), (ID, IMAGE))

    def test_open_files_are_those_of_the_kernel(self):
        for truth in self.truth["processes"]:
            read = {str(row["fd"]): row for row in self.rows("processes", self.archives["podman"], "--pid", truth["pid"], "--files")}
            self.assertEqual(sorted(read), sorted(truth["files"]))
            for fd, target in truth["files"].items():
                if target.startswith("pipe:"):
                    self.assertTrue(read[fd]["path"].startswith("pipe:"), read[fd])  # CRIU numbers pipes itself
                    continue
                path = target.removesuffix(" (deleted)")
                self.assertEqual((read[fd]["path"], read[fd]["deleted"]), (path, path != target))

    def test_mappings_are_those_of_the_kernel(self):
        for truth in self.truth["processes"]:
            read = self.rows("processes", self.archives["podman"], "--pid", truth["pid"], "--maps")
            # The pages of the kernel's clocks are dumped as one mapping.
            expected = [[f"{int(start, 16):x}", f"{int(end, 16):x}", permissions, path.removesuffix(" (deleted)")] for start, end, permissions, path in truth["maps"]
                        if path not in ("[vvar]", "[vvar_vclock]")]
            got = [[row["start"], row["end"], row["permissions"], row["path"] or ""] for row in read if row["path"] != "[vvar]"]
            self.assertEqual(got, expected, truth["pid"])

    def test_memory_holds_what_the_programs_wrote(self):
        for name in ("podman", "older"):
            for pid, secret in ((1, b"SECRET_TOKEN=known-secret-of-the-shop"), (self.implant()["pid"], b"implant-secret-0123456789")):
                target = self.folder / f"{name}.{pid}.memory"
                self.rows("processes", self.archives[name], "--pid", pid, "--extract", "memory", "--to", target)
                holders = [file.name for file in target.iterdir() if secret in file.read_bytes()]
                self.assertEqual(len(holders), 1, (name, pid, holders))
                self.assertTrue(re.fullmatch(r"[0-9a-f]+-[0-9a-f]+", holders[0]))

    def implant(self):
        return next(p for p in self.truth["processes"] if p["executable"].endswith(" (deleted)"))

    def test_deleted_program_and_file_are_exact(self):
        read = next(row for row in self.rows("processes", self.archives["containerd"]) if row["pid"] == self.implant()["pid"])
        self.assertEqual(read["sha256"], self.truth["implant_sha256"])
        for what, check in (("exe", lambda data: hashlib.sha256(data).hexdigest() == self.truth["implant_sha256"]), ("fd/5", b"written and deleted\n".__eq__)):
            target = self.folder / what.replace("/", "-")
            self.rows("processes", self.archives["containerd"], "--pid", self.implant()["pid"], "--extract", what, "--to", target)
            self.assertTrue(check(target.read_bytes()), what)

    def test_sockets_are_those_of_the_kernel(self):
        expected = sockets_of(self.truth["tcp"]) | sockets_of(self.truth["tcp6"])
        read = self.rows("sockets", self.archives["podman"])
        self.assertEqual({(row["local"]["port"], (row["remote"] or {"port": 0})["port"], row["state"]) for row in read}, expected)
        listening = next(row for row in read if row["state"] == "listen")
        self.assertEqual([one["pid"] for one in listening["processes"]], [p["pid"] for p in self.truth["processes"] if p["arguments"][-1] == "8080"])

    def test_container_and_what_changed_in_it(self):
        podman, containerd = (self.rows("containers", "show", self.archives[name], ID[:6]) for name in ("podman", "containerd"))
        self.assertEqual((podman["runtime"], podman["ip_address"], podman["pod"]), ("podman", "192.0.2.7", None))
        self.assertEqual((containerd["runtime"], containerd["pod"]["namespace"], containerd["pod"]["name"]), ("containerd", "shop", "webshop"))
        self.assertEqual(containerd["started"], "2026-11-27T12:00:01.000000000Z")
        changed = {row["path"]: row["change"] for row in self.rows("containers", "diff", self.archives["podman"], ID[:6]) if row["type"] == "f"}
        self.assertEqual({path: "added" for path in ("/" + name for name in ROOTFS_DIFF)}, {p: c for p, c in changed.items() if c == "added"})

    @unittest.skipUnless(CHECKPOINTCTL, "checkpointctl is not installed: tools/install-dependencies builds it where there is a Go of 1.23 or later")
    def test_agrees_with_checkpointctl(self):
        with_memory = []  # 1.4 knows only the older pagemaps, 1.6 only the newer ones
        for name in ("podman", "older", "containerd"):
            archive = self.archives[name]
            done = subprocess.run([CHECKPOINTCTL, "inspect", "--all", "--format", "json", archive], capture_output=True, text=True, check=True)
            theirs = json.loads(done.stdout)[0]
            self.assertEqual((theirs["id"], theirs["image"]), (ID, IMAGE))
            tree, todo = {}, [(theirs["process_tree"], 0)]
            while todo:
                process, parent = todo.pop()
                tree[process["pid"]] = (parent, process["command"], process["cmdline"].strip("\0 "), process.get("environment_variables") or {})
                todo += [(child, process["pid"]) for child in process.get("children", [])]
            ours = self.rows("processes", archive)
            self.assertEqual({row["pid"]: (row["ppid"], row["name"]) for row in ours}, {pid: one[:2] for pid, one in tree.items()})
            if any(one[2] for one in tree.values()):  # it read the memory
                self.assertEqual({row["pid"]: " ".join(row["arguments"]) for row in ours}, {pid: one[2] for pid, one in tree.items()}, name)
                with_memory.append(name)
            files = {row["pid"]: {f["fd"].rpartition(" ")[2]: f["path"] for f in row["open_files"] if " " in f["fd"]} for row in theirs["file_descriptors"]}
            for pid, opened in files.items():
                got = {str(row["fd"]): row["path"] for row in self.rows("processes", archive, "--pid", pid, "--files")}
                self.assertEqual(sorted(got), sorted(opened), (name, pid))
                regular = {fd: path for fd, path in opened.items() if path.startswith("/")}
                self.assertEqual({fd: got[fd] for fd in regular}, regular, (name, pid))
            count = collections.Counter(socket["protocol"].lower() for one in theirs["sockets"] for socket in one["open_sockets"] if "protocol" in socket)
            self.assertEqual(sum(count.values()), sum(len(row["processes"]) for row in self.rows("sockets", archive)), theirs["sockets"])
        self.assertNotEqual(with_memory, [])


if __name__ == "__main__":
    unittest.main()
