# SPDX-License-Identifier: Apache-2.0
"""The evidence node-k8s (XFS with a dirty log, containerd) against its truth, file by file."""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ekshume
import host_truth

EVIDENCE = ekshume.shared_evidence("node-k8s")
TRUTH = EVIDENCE / "truth"
IMAGE = ekshume.unpacked(EVIDENCE / "disk.img.zst")


def merged_truth(path):
    """merged-<id>.tsv as {path: (type, mode, uid, gid, size, mtime, target)}; directory sizes left to the kernel."""
    names = {}
    for line in path.read_text(errors="surrogateescape").splitlines():
        name, kind, mode, uid, gid, size, mtime, target = line.split("\t")
        names["/" + name] = (kind, mode, int(uid), int(gid), int(size), ekshume.find_time(mtime), target)
    return names


class HostFilesystem(ekshume.Case):
    def test_every_name(self):
        self.assert_same(host_truth.expected_names(TRUTH / "host-find.tsv"), host_truth.found_names(IMAGE))

    def test_every_hash(self):
        self.assert_same(host_truth.expected_hashes(TRUTH / "host.sha256"), host_truth.found_hashes(IMAGE))

    @ekshume.unittest.skipUnless(os.geteuid() == 0, "mounting a copy needs root")
    def test_birth_times_as_the_kernel_shows_them(self):
        # host-find.tsv has no birth times (find printed -1), so the kernel is asked again.
        info = json.loads(ekshume.Run("image", "info", IMAGE, "--format", "json").out)
        root = next(p for p in info["partitions"] if p["filesystem"])
        with host_truth.KernelMount(IMAGE, root["offset"], root["size"], "xfs") as mountpoint:
            expected = host_truth.birth_times(mountpoint)
        found = {ekshume.path_of(row): ekshume.seconds_and_nanoseconds(row["crtime"]) for row in ekshume.rows("fs", "find", IMAGE, "/")}
        self.assert_same(expected, found)

    def test_raw_shows_the_stale_tree(self):
        # Without recovery the kernel lists 5,336 names; six of them lead to inodes that are still free
        # on disk. These are diagnostics here.
        run = ekshume.Run("fs", "find", IMAGE, "/", "--raw", "--format", "jsonl")
        self.assertEqual(1, run.code)
        unreadable = [line for line in run.err.splitlines() if "could not be read" in line and "is free" in line]
        self.assertEqual(5336, len(run.out.splitlines()) + len(unreadable))
        self.assertEqual(6, len(unreadable))


class Runtime(ekshume.Case):
    @classmethod
    def setUpClass(cls):
        cls.containers = {c["id"]: c for c in ekshume.rows("containers", "list", IMAGE)}

    def test_every_container(self):
        expected = {}
        for line in (TRUTH / "ctr-containers.txt").read_text().splitlines()[1:]:
            container, image, runtime = line.split()
            expected[container] = image
        recorded = {i: c["image"] for i, c in self.containers.items() if not c["recovered"]}
        self.assert_same(expected, recorded)

    def test_containerds_own_records(self):
        for path in sorted(TRUTH.glob("info-*.json")):
            truth = json.loads(path.read_text())
            found = self.containers[truth["ID"]]
            with self.subTest(truth["ID"][:12]):
                self.assertEqual(truth["Labels"], found["labels"])
                self.assertEqual(truth["Snapshotter"], found["snapshotter"])
                spec = truth["Spec"]
                self.assertEqual(spec["process"]["args"], found["arguments"])
                self.assertEqual(spec["process"].get("env", []), found["environment"])
                self.assertEqual(sorted(spec["process"]["capabilities"].get("bounding", [])), found["capabilities"])
                self.assertEqual([m["destination"] for m in spec["mounts"]], [m["destination"] for m in found["mounts"]])
                self.assertEqual(ekshume.seconds_and_nanoseconds(found["created"])[0],
                                 ekshume.seconds_and_nanoseconds(truth["CreatedAt"][:26].rstrip("Z").ljust(26, "0") + "Z")[0])

    def test_states_are_those_of_the_tasks(self):
        running = {line.split()[0]: int(line.split()[1]) for line in (TRUTH / "ctr-tasks.txt").read_text().splitlines()[1:] if line.split()[2] == "RUNNING"}
        found = {i: c["pid"] for i, c in self.containers.items() if c["state"] == "running"}
        self.assertEqual(set(running), set(found))
        # The pid of a sandbox is kept in /run only, which is memory.
        for container_id, pid in found.items():
            if self.containers[container_id]["kind"] == "container":
                self.assertEqual(running[container_id], pid)

    def test_snapshots_make_the_layers(self):
        parents = {}
        for line in (TRUTH / "ctr-snapshots.txt").read_text().splitlines()[1:]:
            fields = line.split()
            parents[fields[0]] = fields[1] if len(fields) == 3 else None
        for container_id, container in self.containers.items():
            if container["recovered"]:
                continue
            depth = 0
            key = parents[container_id]
            while key:
                depth += 1
                key = parents[key]
            self.assertEqual(depth, len(container["lower"]), container_id)
            self.assertEqual([], container["missing_layers"])

    def test_every_image(self):
        expected = {}
        for line in (TRUTH / "ctr-images.txt").read_text().splitlines()[1:]:
            fields = line.split()
            expected[fields[0]] = fields[2]
        found = {ref: i["digest"] for i in ekshume.rows("images", "list", IMAGE) for ref in i["references"]}
        self.assert_same(expected, found)

    def test_pods_of_the_api(self):
        truth = json.loads((TRUTH / "pods.json").read_text())
        pods = {(p["namespace"], p["name"]): p for p in ekshume.rows("pods", "list", IMAGE)}
        for item in truth["items"]:
            meta = item["metadata"]
            with self.subTest(meta["name"]):
                found = pods[(meta["namespace"], meta["name"])]
                self.assertEqual(meta["uid"], found["uid"])
                for key, field in (("hostPID", "host_pid"), ("hostNetwork", "host_network")):
                    self.assertEqual(item["spec"].get(key, False), found[field])
                    for status in item["status"].get("containerStatuses", []):
                        container = self.containers[status["containerID"].split("//")[1]]
                        self.assertEqual(item["spec"].get(key, False), container[field])
                expected = {s["containerID"].split("//")[1] for s in item["status"].get("containerStatuses", []) if s.get("containerID")}
                self.assertLessEqual(expected, set(found["containers"]))
                for status in item["status"].get("containerStatuses", []):
                    state = status["state"]
                    container = self.containers[status["containerID"].split("//")[1]]
                    self.assertEqual(status["name"], container["pod"]["container"])
                    self.assertEqual(next(iter(state)), {"running": "running", "exited": "terminated"}[container["state"]])
                    if "terminated" in state:
                        self.assertEqual(state["terminated"]["exitCode"], container["exit_code"])


class MergedViews(ekshume.Case):
    def test_every_merged_name(self):
        for path in sorted(TRUTH.glob("merged-*.tsv")):
            container = path.stem.removeprefix("merged-")
            with self.subTest(container[:12]):
                found = {}
                for row in ekshume.rows("containers", "find", IMAGE, container, "/"):
                    found[ekshume.path_of(row)] = (row["type"], row["mode"], row["uid"], row["gid"], row["size"],
                                                   ekshume.seconds_and_nanoseconds(row["mtime"]), ekshume.target_of(row) or "")
                self.assert_same(merged_truth(path), found)

    def test_every_merged_hash(self):
        for path in sorted(TRUTH.glob("merged-*.sha256")):
            container = path.stem.removeprefix("merged-")
            with self.subTest(container[:12]):
                found = {ekshume.path_of(row): row["sha256"] for row in ekshume.rows("containers", "hash", IMAGE, container, "/")}
                self.assert_same(host_truth.expected_hashes(path), found)

    def test_diffs_of_containerd(self):
        for path in sorted(TRUTH.glob("diff-*.lst")):
            container = path.stem.removeprefix("diff-")
            with self.subTest(container[:12]):
                run = ekshume.Run("containers", "diff", IMAGE, container, "--style", "containerd")
                self.assertEqual(0, run.code, run)
                self.assert_same(set(path.read_text().splitlines()), set(run.out.splitlines()))

    def test_diff_names_the_attack(self):
        changes = {row["path"]: row for row in ekshume.rows("containers", "diff", IMAGE, "505ea3fb5f6c")}
        self.assertEqual("modified", changes["/srv/webshop/run.sh"]["change"])
        self.assertEqual("script", changes["/srv/webshop/run.sh"]["kind"])
        self.assertEqual("deleted", changes["/usr/bin/curl"]["change"])
        self.assertEqual("added", changes["/tmp/.X11-unix/kdevtmpfsi"]["change"])
        self.assertTrue(changes["/tmp/.X11-unix/kdevtmpfsi"]["executable"])
        self.assertTrue(changes["/usr/local/bin/.dbus"]["setuid"])
        self.assertNotIn("/usr/local", changes)  # copied up only because of what lies below


class Deleted(ekshume.Case):
    def test_the_program_that_deleted_itself(self):
        deleted = ekshume.rows("fs", "find", IMAGE, "--deleted")
        self.assertTrue([d for d in deleted if d["kind"] in ("elf", "script")], deleted)


if __name__ == "__main__":
    ekshume.main()
