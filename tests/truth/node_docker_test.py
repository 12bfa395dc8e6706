# SPDX-License-Identifier: Apache-2.0
"""The evidence node-docker (ext4, Docker overlay2) against its truth, file by file."""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import docker_truth
import ekshume
import host_truth

EVIDENCE = ekshume.shared_evidence("node-docker")
TRUTH = EVIDENCE / "truth"
IMAGE = ekshume.unpacked(EVIDENCE / "disk.img.zst")
def written_after_the_truth(container):
    """Names that the container wrote after its truth was taken (redis saves its data when it is stopped).

    docker-ps.jsonl was printed `RunningFor` after `CreatedAt`; what the kernel shows in the upper layer
    (host-find.tsv) with a later change time is not in the other truth files."""
    for line in (TRUTH / "docker-ps.jsonl").read_text().splitlines():
        truth = json.loads(line)
        if truth["ID"] == container:
            day, clock = truth["CreatedAt"].split(" ")[:2]
            created = ekshume.seconds_and_nanoseconds(f"{day}T{clock}.0Z")[0]
            taken = created + int(re.match(r"(\d+) seconds? ago", truth["RunningFor"]).group(1)) + 2
    upper = json.loads((TRUTH / f"inspect-{container}.json").read_text())
    upper = (upper[0] if isinstance(upper, list) else upper)["GraphDriver"]["Data"]["UpperDir"]
    names = host_truth.expected_names(TRUTH / "host-find.tsv")
    return {name.removeprefix(upper) for name, value in names.items() if name.startswith(upper + "/") and value[0] == "f" and value[6][0] > taken}


class HostFilesystem(ekshume.Case):
    def test_every_name(self):
        self.assert_same(host_truth.expected_names(TRUTH / "host-find.tsv"), host_truth.found_names(IMAGE))

    def test_every_hash(self):
        self.assert_same(host_truth.expected_hashes(TRUTH / "host.sha256"), host_truth.found_hashes(IMAGE))


class Runtime(ekshume.Case):
    @classmethod
    def setUpClass(cls):
        cls.containers = {c["id"]: c for c in ekshume.rows("containers", "list", IMAGE)}

    def test_every_container(self):
        expected = {}
        for line in (TRUTH / "docker-ps.jsonl").read_text().splitlines():
            truth = json.loads(line)
            expected[truth["ID"]] = (truth["Names"], truth["Image"])
        found = {i: (c["name"], c["image"]) for i, c in self.containers.items() if not c["recovered"]}
        self.assert_same(expected, found)

    def test_dockers_own_records(self):
        for path in sorted(TRUTH.glob("inspect-*.json")):
            truth = json.loads(path.read_text())
            truth = truth[0] if isinstance(truth, list) else truth
            found = self.containers[truth["Id"]]
            with self.subTest(truth["Name"]):
                self.assertEqual(truth["Config"]["Labels"], found["labels"])
                self.assertEqual(truth["Image"], found["image_digest"])
                self.assertEqual([truth["Path"], *truth["Args"]], found["arguments"])
                self.assertEqual(truth["Config"]["Env"] or [], found["environment"])
                self.assertEqual(truth["HostConfig"]["Privileged"], found["privileged"])
                self.assertEqual(truth["HostConfig"]["PidMode"] == "host", found["host_pid"])
                self.assertEqual({m["Destination"] for m in truth["Mounts"]}, {m["destination"] for m in found["mounts"]})
                data = truth["GraphDriver"]["Data"]
                self.assertEqual(data["UpperDir"], found["upper"])
                self.assertEqual(data["LowerDir"].split(":"), found["lower"])

    def test_pods_from_names_and_labels(self):
        for container in self.containers.values():
            if container["recovered"] or container["kind"] == "sandbox":
                continue
            self.assertEqual(container["labels"]["io.kubernetes.pod.uid"], container["pod"]["uid"])
            self.assertEqual(container["labels"]["io.kubernetes.container.name"], container["pod"]["container"])

    def test_every_image(self):
        expected = {}
        for line in (TRUTH / "docker-images.jsonl").read_text().splitlines():
            truth = json.loads(line)
            expected[f"{truth['Repository']}:{truth['Tag']}"] = truth["ID"]
        found = {ref: i["id"] for i in ekshume.rows("images", "list", IMAGE) for ref in i["references"] if "@" not in ref}
        self.assert_same(expected, found)


class Exports(ekshume.Case):
    def test_what_was_written_after_the_truth(self):
        later = {json.loads(line)["Names"].split("_")[1]: written_after_the_truth(json.loads(line)["ID"])
                 for line in (TRUTH / "docker-ps.jsonl").read_text().splitlines()}
        self.assertEqual({"/dump.rdb"}, later.pop("redis"))
        self.assertEqual({frozenset()}, {frozenset(names) for names in later.values()})

    def test_every_name_of_docker_export(self):
        for path in sorted(TRUTH.glob("export-*.lst")):
            container = path.stem.removeprefix("export-")
            with self.subTest(container[:12]):
                self.assert_same(*docker_truth.names(path, ekshume.rows("containers", "find", IMAGE, container, "/"), written_after_the_truth(container)))

    def test_every_hash_of_docker_export(self):
        for path in sorted(TRUTH.glob("export-*.sha256")):
            container = path.stem.removeprefix("export-")
            with self.subTest(container[:12]):
                self.assert_same(*docker_truth.hashes(path, ekshume.rows("containers", "hash", IMAGE, container, "/"), written_after_the_truth(container)))

    def test_docker_diff_line_for_line(self):
        for path in sorted(TRUTH.glob("diff-*.txt")):
            container = path.stem.removeprefix("diff-")
            with self.subTest(container[:12]):
                run = ekshume.Run("containers", "diff", IMAGE, container, "--style", "docker")
                self.assertEqual(0, run.code, run)
                # Docker prints them in the random order of a Go map.
                expected = path.read_text().splitlines() + [f"A {name}" for name in written_after_the_truth(container)]
                self.assertEqual(sorted(expected), sorted(run.out.splitlines()))


if __name__ == "__main__":
    ekshume.main()
