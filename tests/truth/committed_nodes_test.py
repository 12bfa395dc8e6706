# SPDX-License-Identifier: Apache-2.0
"""The nodes committed under tests/data (demo-node and nodes/*) against what the kernel, containerd and Docker
printed of them. One class per node is made from the folders that are there."""
import gzip
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import docker_truth
import ekshume
import host_truth

DATA = ekshume.ROOT / "tests/data"


def plain(path):
    """A truth file, unpacked to the work folder when it is kept as .gz."""
    if path.exists():
        return path
    packed = path.with_name(path.name + ".gz")
    if not packed.exists():
        return None
    target = ekshume.work_folder() / path.parent.name / path.name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(gzip.decompress(packed.read_bytes()))
    return target


def truth_files(truth, pattern):
    """(id, plain path) of all truth files like merged-<id>.tsv."""
    prefix, suffix = pattern.split("*")
    names = sorted({p.name.removesuffix(".gz") for p in truth.glob(pattern + "*") if p.name.removesuffix(".gz").endswith(suffix)})
    return [(name.removeprefix(prefix).removesuffix(suffix), plain(truth / name)) for name in names]


def unpack(archive):
    target = ekshume.work_folder() / f"{archive.parent.name}-{archive.name.removesuffix('.zst')}"
    if not target.exists():
        subprocess.run(["zstd", "-d", "-q", "--sparse", archive, "-o", target], check=True)
    return target


def column(path, number):
    return [line.split()[number] for line in path.read_text().splitlines()[1:]]


class Node:
    """The tests of one node. `folder` holds its disks, `truth` what is known of it."""

    @classmethod
    def setUpClass(cls):
        archives = [DATA / "demo-node.img.zst"] if cls.folder == DATA else sorted(cls.folder.glob("disk*.img.zst"))
        # The disk with the node's root first.
        archives.sort(key=lambda path: ("data" in path.name, path.name))
        cls.disks = [unpack(path) for path in archives]
        cls.more = [argument for disk in cls.disks[1:] for argument in ("--disk", disk)]
        cls.containers = {c["id"]: c for c in cls.rows("containers", "list")}
        cls.recorded = {i: c for i, c in cls.containers.items() if not c["recovered"]}

    @classmethod
    def rows(cls, verb, subverb, *arguments):
        return ekshume.rows(verb, subverb, cls.disks[0], *arguments, *cls.more)

    def filesystems(self):
        """(disk, truth folder) for each filesystem whose truth is known."""
        yield self.disks[0], self.truth
        if (self.truth / "data").is_dir():
            yield next(d for d in self.disks if "data" in d.name), self.truth / "data"

    def stores(self):
        """(truth folder, containers) of each containerd on the node."""
        folders = [self.truth] + [p for p in (self.truth / "data", self.truth / "host-containers") if (p / "ctr-containers.txt").exists()]
        return [f for f in folders if (f / "ctr-containers.txt").exists()]

    def test_every_name(self):
        for disk, truth in self.filesystems():
            self.assert_same(host_truth.expected_names(plain(truth / "host-find.tsv")), host_truth.found_names(disk))

    def test_every_hash(self):
        for disk, truth in self.filesystems():
            self.assert_same(host_truth.expected_hashes(plain(truth / "host.sha256")), host_truth.found_hashes(disk))

    def test_every_attribute(self):
        for disk, truth in self.filesystems():
            listing = plain(truth / "host-xattr.tsv")
            if listing is None or not listing.read_text():
                continue
            expected = {}
            for line in listing.read_text(errors="surrogateescape").splitlines():
                path, name, value = line.split("\t")
                expected.setdefault("/" + path, {})[name] = value
            found = {}
            for row in ekshume.rows("fs", "find", disk, "/", "--xattrs"):
                values = {x["name"]: x.get("value_hex", x.get("value", "").encode().hex()) for x in row["xattrs"]}
                if values:
                    found[ekshume.path_of(row)] = values
            self.assert_same(expected, found)

    def test_every_container(self):
        stores = self.stores()
        if not stores:
            self.skipTest("not a containerd node")
        expected = {c: i for store in stores for c, i in zip(column(store / "ctr-containers.txt", 0), column(store / "ctr-containers.txt", 1))}
        # Docker 29 keeps its containers in containerd too; there Docker's own record is shown.
        self.assert_same(expected, {i: c["image"] for i, c in self.recorded.items() if c["runtime"] == "containerd" or i in expected})

    def test_every_image(self):
        stores = self.stores()
        if not stores:
            self.skipTest("not a containerd node")
        expected = {r: d for store in stores for r, d in zip(column(store / "ctr-images.txt", 0), column(store / "ctr-images.txt", 2))}
        self.assert_same(expected, {r: i["digest"] for i in self.rows("images", "list") if i["runtime"] == "containerd" for r in i["references"]})

    def test_running_containers(self):
        stores = self.stores()
        if not stores:
            self.skipTest("not a containerd node")
        running = set()
        for store in stores:
            for line in (store / "ctr-tasks.txt").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[2] == "RUNNING":
                    running.add(fields[0])
        self.assertEqual(running, {i for i, c in self.containers.items() if c["state"] == "running"})

    def test_records_of_the_cri(self):
        listing = self.truth / "cri-containers.json"
        if not listing.exists():
            self.skipTest("no list of the CRI")
        states = {"CONTAINER_EXITED": "exited", "CONTAINER_RUNNING": "running", "CONTAINER_CREATED": "created"}
        items = json.loads(listing.read_text())["containers"]
        self.assertTrue(items)
        for item in items:
            found = self.containers[item["id"]]
            with self.subTest(item["metadata"]["name"]):
                self.assertEqual(states[item["state"]], found["state"])
                self.assertEqual(item["podSandboxId"], found["sandbox"])
                self.assertEqual(item["labels"]["io.kubernetes.pod.name"], found["pod"]["name"])
                self.assertEqual(item["labels"]["io.kubernetes.pod.uid"], found["pod"]["uid"])
                self.assertEqual(int(item["createdAt"]), sum(a * b for a, b in zip(ekshume.seconds_and_nanoseconds(found["created"]), (10**9, 1))))
                inspected = self.truth / f"cri-inspect-{item['id']}.json"
                if inspected.exists():
                    status = json.loads(inspected.read_text())["status"]
                    if found["state"] == "exited":
                        self.assertEqual(status["exitCode"], found["exit_code"])
                        self.assertEqual(status["reason"], found["reason"])

    def test_merged_names(self):
        for container, path in truth_files(self.truth, "merged-*.tsv"):
            with self.subTest(container[:12]):
                expected = {}
                for line in path.read_text(errors="surrogateescape").splitlines():
                    name, kind, mode, uid, gid, size, mtime, target = line.split("\t")
                    expected["/" + name] = (kind, mode, int(uid), int(gid), int(size), ekshume.find_time(mtime), target)
                found = {}
                for row in self.rows("containers", "find", container, "/"):
                    found[ekshume.path_of(row)] = (row["type"], row["mode"], row["uid"], row["gid"], row["size"],
                                                   ekshume.seconds_and_nanoseconds(row["mtime"]), ekshume.target_of(row) or "")
                self.assert_same(expected, found)

    def test_merged_hashes(self):
        for container, path in truth_files(self.truth, "merged-*.sha256"):
            with self.subTest(container[:12]):
                found = {ekshume.path_of(row): row["sha256"] for row in self.rows("containers", "hash", container, "/")}
                self.assert_same(host_truth.expected_hashes(path), found)

    def test_diffs_of_containerd(self):
        for container, path in truth_files(self.truth, "diff-*.lst"):
            with self.subTest(container[:12]):
                run = ekshume.Run("containers", "diff", self.disks[0], container, "--style", "containerd", *self.more)
                self.assertIn(run.code, (0, 1), run)
                message = ekshume.difference(set(path.read_text().splitlines()), set(run.out.splitlines()))
                if message:  # a container that was never started may have changed nothing
                    self.fail(message)

    def test_diffs_of_docker(self):
        for container, path in truth_files(self.truth, "diff-*.txt"):
            with self.subTest(container[:12]):
                run = ekshume.Run("containers", "diff", self.disks[0], container, "--style", "docker", *self.more)
                self.assertEqual(sorted(path.read_text().splitlines()), sorted(run.out.splitlines()))

    def test_exports_of_docker(self):
        for container, path in truth_files(self.truth, "export-*.lst"):
            with self.subTest(container[:12]):
                self.assert_same(*docker_truth.names(path, self.rows("containers", "find", container, "/")))
                self.assert_same(*docker_truth.hashes(path.with_suffix(".sha256"), self.rows("containers", "hash", container, "/")))

    def test_records_of_docker(self):
        listing = self.truth / "docker-ps.jsonl"
        if not listing.exists():
            self.skipTest("not a Docker node")
        expected = {}
        for line in listing.read_text().splitlines():
            item = json.loads(line)
            expected[item["ID"]] = (item["Names"], item["Image"])
        self.assert_same(expected, {i: (c["name"], c["image"]) for i, c in self.recorded.items() if c["runtime"] == "docker"})
        for path in sorted(self.truth.glob("inspect-*.json")):
            truth = json.loads(path.read_text())
            truth = truth[0] if isinstance(truth, list) else truth
            found = self.containers[truth["Id"]]
            with self.subTest(truth["Name"]):
                self.assertEqual(truth["Config"]["Labels"], found["labels"])
                self.assertEqual([truth["Path"], *truth["Args"]], found["arguments"])
                self.assertEqual(truth["HostConfig"]["Privileged"], found["privileged"])
                self.assertEqual(truth["State"]["Status"], found["state"])
                if found["state"] == "exited":
                    self.assertEqual(truth["State"]["ExitCode"], found["exit_code"])

    def test_tasks_of_ecs(self):
        labelled = [c for c in self.recorded.values() if "com.amazonaws.ecs.task-arn" in c["labels"]]
        if not labelled:
            self.skipTest("not an ECS node")
        for container in labelled:
            self.assertEqual(container["labels"]["com.amazonaws.ecs.task-arn"], container["ecs"]["task_arn"])
            self.assertEqual(container["labels"]["com.amazonaws.ecs.cluster"], container["ecs"]["cluster"])

    def test_evidence_is_not_written(self):
        image = plain(self.truth / "image.sha256")
        if image is None:
            self.skipTest("no hash of the image")
        digests = {line.split()[0] for line in image.read_text().splitlines() if line}
        for disk in self.disks:
            found = subprocess.run(["sha256sum", disk], capture_output=True, text=True, check=True).stdout.split()[0]
            self.assertIn(found, digests)

    def test_investigation(self):
        case = ekshume.work_folder() / f"{type(self).__name__}.case"
        run = ekshume.Run("investigate", *self.disks, "--case", case)
        self.assertIn(run.code, (0, 1), run)
        report = json.loads((case / "report.json").read_text())
        self.assertEqual(set(self.containers), {c["id"] for c in report["containers"]})
        for entry in report["evidence"]:
            self.assertTrue(entry["hashes"])
        record = json.loads((case / "custody.jsonl").read_text())
        self.assertEqual(len(self.disks), len(record["evidence"]))
        self.assertEqual(0, ekshume.Run("case", "verify", case).code)
        self.assertEqual(set(self.containers), {c["id"] for c in ekshume.rows("containers", "list", case)})


NODES = {"DemoNode": (DATA, DATA / "demo-node.truth")}
for node in sorted((DATA / "nodes").iterdir()):
    NODES["".join(word.capitalize() for word in node.name.split("-"))] = (node, node / "truth")
for class_name, (node_folder, node_truth) in NODES.items():
    globals()[class_name] = type(class_name, (Node, ekshume.Case), {"folder": node_folder, "truth": node_truth})


class DemoStory(ekshume.Case):
    """What the demo is there to show."""

    @classmethod
    def setUpClass(cls):
        cls.image = unpack(DATA / "demo-node.img.zst")
        run = ekshume.Run("investigate", cls.image, "--case", ekshume.work_folder() / "story.case", "--format", "json")
        cls.report = json.loads(run.out)

    def test_node(self):
        self.assertEqual("ip-192-0-2-23.ec2.example", self.report["node"]["node_name"])

    def test_attack_stands_out(self):
        notable = {(e["path"], e["notable"]) for c in self.report["containers"] if c["changes"] for e in c["changes"]["entries"] if e["notable"]}
        self.assertIn(("/tmp/.X11-unix/kdevtmpfsi", "new hidden program"), notable)
        self.assertIn(("/app/run.sh", "changed script"), notable)
        self.assertIn(("/usr/local/bin/.dbus", "new set-uid program"), notable)
        self.assertIn(("/usr/bin/curl", "deleted program"), notable)
        self.assertIn(("/root/.bash_history", "shell history"), notable)

    def test_host_persistence(self):
        changes = {c["path"]: c["why"] for c in self.report["host"]["changes"]}
        self.assertEqual("ssh key", changes["/root/.ssh/authorized_keys"])
        self.assertEqual("cron", changes["/etc/cron.d/system-update"])
        self.assertEqual("systemd unit", changes["/etc/systemd/system/node-health.service"])
        self.assertNotIn("/etc/cron.d/sysstat", {c["path"] for c in self.report["host"]["other_changes"]} - set(changes))

    def test_deleted_while_open(self):
        first, digest = (DATA / "demo-node.truth/deleted-but-open.txt").read_text().splitlines()
        inode = int(first.split("inode=")[1].split()[0])
        found = {d["path"]: d for d in self.report["host"]["deleted"]}
        self.assertEqual(digest.split()[0], found[f"inode:{inode}"]["sha256"])
        self.assertEqual("elf", found[f"inode:{inode}"]["kind"])
        run = ekshume.Run("fs", "cat", self.image, f"inode:{inode}")
        self.assertIn(b"c2.attacker.test", run.raw)

    def test_pod_that_left_only_its_logs(self):
        self.assertIn(("default", "recon", True), {(p["namespace"], p["name"], p["recovered"]) for p in self.report["pods"]})

    def test_privileged_pod_can_reach_the_host(self):
        checker = next(c for c in self.report["containers"] if c["pod"] and c["pod"]["name"] == "node-health-checker" and c["kind"] == "container")
        self.assertIn("privileged", checker["host_access"])
        self.assertIn("host mount /", checker["host_access"])

    def test_crash_reasons(self):
        reasons = {(c["pod"]["container"], c["exit_code"], c["reason"]) for c in self.report["containers"] if c["pod"] and c["state"] == "exited" and c["kind"] == "container"}
        self.assertIn(("worker", 3, "Error"), reasons)
        self.assertIn(("resize", 137, "OOMKilled"), reasons)

    def test_whois(self):
        upper = next(c for c in self.report["containers"] if c["pod"] and c["pod"]["container"] == "web")["upper"]
        owners = ekshume.rows("whois", self.image, upper + "/tmp/.X11-unix/kdevtmpfsi")
        self.assertIn(("writable layer", "/tmp/.X11-unix/kdevtmpfsi"), {(o["relation"], o["path_inside"]) for o in owners})

    def test_compressed_image_gives_the_same(self):
        for row in (ekshume.rows("containers", "list", DATA / "demo-node.img.zst"), ekshume.rows("containers", "list", self.image)):
            self.assertEqual([c["id"] for c in self.report["containers"]], [c["id"] for c in row])


if __name__ == "__main__":
    os.umask(0o077)
    ekshume.main()
