# SPDX-License-Identifier: Apache-2.0
"""What drifted on the shared evidence is found, each act once and on its object, and nothing benign above low; and what the evidence can show."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

K8S = ekshume.shared_evidence("node-k8s")
DOCKER = ekshume.shared_evidence("node-docker")

# (rule, level, namespace, pod, in a container's view, path): all that the README tells of node-k8s and that is on its disk.
K8S_ACTS = {
    ("drift.name_masquerade", "high", "shop", "webshop-588f958f47-hbzmh", True, "/tmp/.X11-unix/kdevtmpfsi"),
    ("drift.start_changed", "high", "shop", "webshop-588f958f47-hbzmh", True, "/srv/webshop/run.sh"),
    ("drift.tool_removed", "medium", "shop", "webshop-588f958f47-hbzmh", True, "/usr/bin/curl"),
    ("drift.directory_deleted", "medium", "shop", "webshop-588f958f47-hbzmh", True, "/usr/share/nginx"),
    ("drift.setuid_added", "high", "shop", "webshop-588f958f47-hbzmh", True, "/usr/local/bin/.dbus"),
    ("drift.deleted_running", "high", "shop", "webshop-588f958f47-hbzmh", True, "/tmp"),
    ("drift.shell_history", "low", "shop", "webshop-588f958f47-hbzmh", True, "/root/.bash_history"),
    ("drift.archive_staged", "low", "shop", "webshop-588f958f47-hbzmh", True, "/var/cache/webshop/stage.tgz"),
    ("drift.shell_history", "low", "shop", "recon", True, "/root/.bash_history"),
    ("drift.host_access", "high", "kube-system", "node-health-checker", True, None),
    ("drift.ssh_key", "high", "kube-system", "node-health-checker", False, "/root/.ssh/authorized_keys"),
    ("drift.cron", "high", "kube-system", "node-health-checker", False, "/etc/cron.d/0hourly"),
    ("drift.systemd_unit", "high", "kube-system", "node-health-checker", False, "/etc/systemd/system/dbus-helper.service"),
}
DOCKER_ACTS = {
    ("drift.name_masquerade", "high", "shop", "webshop-6d4cf56db6-x7k2p", True, "/tmp/.x/kworkerd"),
    ("drift.start_changed", "high", "shop", "webshop-6d4cf56db6-x7k2p", True, "/srv/webshop/run.sh"),
    ("drift.directory_to_symlink", "medium", "shop", "webshop-6d4cf56db6-x7k2p", True, "/srv/webshop/public"),
    ("drift.tool_removed", "medium", "shop", "webshop-6d4cf56db6-x7k2p", True, "/usr/bin/curl"),
    ("drift.directory_replaced", "medium", "shop", "webshop-6d4cf56db6-x7k2p", True, "/usr/share/nginx"),
    ("drift.ssh_key", "high", "shop", "webshop-6d4cf56db6-x7k2p", True, "/root/.ssh/authorized_keys"),
    ("drift.cron", "high", "shop", "webshop-6d4cf56db6-x7k2p", True, "/etc/cron.d/systemd-update"),
    ("drift.shell_history", "low", "shop", "webshop-6d4cf56db6-x7k2p", True, "/root/.bash_history"),
    ("drift.setuid_added", "high", "shop", "webshop-6d4cf56db6-x7k2p", True, "/usr/bin/bash"),
    ("drift.host_access", "high", "default", "debug-toolbox", True, None),
    ("drift.ssh_key", "high", "default", "debug-toolbox", False, "/root/.ssh/authorized_keys"),
    ("drift.cron", "high", "default", "debug-toolbox", False, "/etc/cron.d/0hourly"),
    ("drift.directory_replaced", "low", "shop", "payments-db-0", True, "/var/lib/redis"),
    ("drift.shell_history", "low", "shop", "payments-db-0", True, "/root/.rediscli_history"),
}


def acts_of(findings):
    return {(finding["rule"], finding["level"], finding["namespace"], finding["pod"], finding["container_id"] is not None, finding["path"]) for finding in findings}


class Node:
    """The report on one node and its findings of drift."""

    def __init__(self, folder, *more):
        self.case = ekshume.work_folder() / (folder.name + ".case")
        run = ekshume.Run("investigate", folder / "disk.img.zst", *more, "--case", self.case)
        assert run.code in (0, 1), repr(run)
        self.report = json.loads((self.case / "report.json").read_text())
        self.drift = [finding for finding in self.report["findings"] if finding["detector"] == "drift"]

    def one(self, rule, path):
        found = [finding for finding in self.drift if finding["rule"] == rule and finding["path"] == path]
        assert len(found) == 1, (rule, path, found)
        return found[0]


class Drift(ekshume.Case):
    @classmethod
    def setUpClass(cls):
        cls.k8s = Node(K8S, K8S / "logs")
        cls.docker = Node(DOCKER)

    def test_each_act_is_one_finding_and_nothing_else_is(self):
        self.assert_same(K8S_ACTS, acts_of(self.k8s.drift))
        self.assertEqual(len(self.k8s.drift), len(K8S_ACTS))
        self.assert_same(DOCKER_ACTS, acts_of(self.docker.drift))
        self.assertEqual(len(self.docker.drift), len(DOCKER_ACTS))

    def test_benign_containers_are_not_accused(self):
        for node in (self.k8s, self.docker):
            accused = {finding["pod"] for finding in node.drift if ekshume.LEVELS.index(finding["level"]) >= ekshume.LEVELS.index("medium")}
            self.assertNotIn("payments-db-0", accused)
            self.assertTrue(accused)

    def test_rules_over_events_do_not_say_the_same_of_files(self):
        # What drift tells of a file on the disk, no rule over events of kind `file` tells again.
        for node in (self.k8s, self.docker):
            on_disk = [finding for finding in node.report["findings"] if finding["detector"] == "sigma" and finding["path"]
                       and any(event["source"] == "file" for event in ekshume.rows("search", node.case, "id:" + finding["events"][0]))]
            self.assertEqual([(finding["title"], finding["path"]) for finding in on_disk], [])

    def test_explanations_name_hash_mode_layer_and_time(self):
        truth = ekshume.sha256_list(next((K8S / "truth").glob("merged-505*.sha256")))
        shell = self.k8s.one("drift.setuid_added", "/usr/local/bin/.dbus")
        self.assertIn(truth["./usr/local/bin/.dbus"], shell["explanation"])
        self.assertIn("mode 4755", shell["explanation"])
        self.assertIn("hidden", shell["explanation"])
        self.assertIn("attack.t1548.001", shell["tags"])
        script = self.k8s.one("drift.start_changed", "/srv/webshop/run.sh")
        self.assertRegex(script["explanation"], r"\(layer /var/lib/containerd/\S+/snapshots/\d+/fs\)")
        self.assertTrue(script["first"].startswith("2026-11-24T21:40:25."))
        bash = self.docker.one("drift.setuid_added", "/usr/bin/bash")
        self.assertIn("only its mode changed, from 755 to 4755", bash["explanation"])
        redis = self.docker.one("drift.directory_replaced", "/var/lib/redis")
        self.assertTrue(redis["container_id"].startswith("737d5840bd13"))

    def test_a_program_deleted_while_it_ran_is_given_to_its_container(self):
        ghost = self.k8s.one("drift.deleted_running", "/tmp")
        self.assertEqual(ghost["object"], self.k8s.report["host"]["deleted"][0]["path"])
        self.assertIn(self.k8s.report["host"]["deleted"][0]["sha256"], ghost["explanation"])
        self.assertTrue(ghost["container_id"].startswith("505ea3fb5f6c"))

    def test_what_a_container_wrote_on_the_host_names_its_pod(self):
        for node, pod in ((self.k8s, "kube-system/node-health-checker"), (self.docker, "default/debug-toolbox")):
            key = node.one("drift.ssh_key", "/root/.ssh/authorized_keys") if node is self.k8s else next(
                finding for finding in node.drift if finding["rule"] == "drift.ssh_key" and finding["container_id"] is None)
            self.assertIn(f"the pod {pod} ", key["explanation"])
            self.assertIn("attack.t1611", key["tags"])


class Coverage(ekshume.Case):
    @classmethod
    def setUpClass(cls):
        cls.both = Node(K8S, K8S / "logs").report["coverage"]
        case = ekshume.work_folder() / "coverage-logs.case"
        ekshume.rows("investigate", K8S / "logs", "--case", case)
        cls.logs = json.loads((case / "report.json").read_text())["coverage"]
        case = ekshume.work_folder() / "coverage-disk.case"
        ekshume.rows("investigate", DOCKER / "disk.img.zst", "--case", case)
        cls.disk = json.loads((case / "report.json").read_text())["coverage"]

    def verdicts(self, coverage):
        return {technique["id"]: technique["verdict"] for technique in coverage["techniques"]}

    def test_every_technique_has_a_verdict_and_a_reason(self):
        for coverage in (self.both, self.logs, self.disk):
            self.assertEqual(len(coverage["techniques"]), 89)
            for technique in coverage["techniques"]:
                self.assertIn(technique["verdict"], ("visible", "partly", "not_visible"))
                self.assertRegex(technique["reason"], r"^[A-Z].*\.$")
            self.assertEqual(sum(coverage["counts"].values()), 89)

    def test_the_audit_policy_is_read_from_the_records(self):
        resources = {resource["resource"]: resource for resource in self.logs["audit"]["resources"]}
        levels = {}
        for line in (K8S / "logs/kube-apiserver-audit.log").read_text().splitlines():
            event = json.loads(line)
            reference = event.get("objectRef") or {}
            name = "/".join(part for part in (reference.get("resource"), reference.get("subresource")) if part)
            kind = "read_level" if event["verb"] in ("get", "list", "watch") else "write_level"
            levels.setdefault((name, kind), set()).add(event["level"])
        for name in ("secrets", "pods"):
            self.assertIn(resources[name]["read_level"], levels[name, "read_level"])
        self.assertEqual(resources["secrets"]["read_level"], "Metadata")
        self.assertEqual(resources["pods"]["write_level"], "RequestResponse")
        self.assertFalse(self.logs["audit"]["core_events_recorded"])
        self.assertGreater(self.logs["audit"]["exec_with_command"], 0)

    def test_deleted_events_are_visible_in_part_only(self):
        # This policy records events of the group events.k8s.io, and none of the core group; EKS's none at all.
        events = next(technique for technique in self.both["techniques"] if technique["id"] == "MS-TA9022")
        self.assertEqual(events["verdict"], "partly")
        self.assertIn("only the group events.k8s.io is recorded", events["reason"])

    def test_what_was_given_decides(self):
        both, logs, disk = map(self.verdicts, (self.both, self.logs, self.disk))
        self.assertEqual((both["MS-TA9006"], logs["MS-TA9006"]), ("visible", "visible"))  # exec
        self.assertNotEqual(disk["MS-TA9006"], "visible")
        self.assertEqual((disk["T1611"], both["T1611"]), ("visible", "visible"))  # escape
        self.assertEqual(disk["MS-TA9025"], "not_visible")  # secrets listed
        self.assertEqual(both["MS-TA9025"], "visible")
        self.assertEqual(logs["MS-TA9017"], "partly")  # static pods
        self.assertEqual(both["MS-TA9017"], "visible")
        for coverage in (self.both, self.logs, self.disk):
            views = {view["view"]: view["state"] for view in coverage["views"]}
            self.assertEqual((views["cloudtrail"], views["flow"]), ("absent", "absent"))
        self.assertIsNone(self.disk["audit"])
        self.assertIsNone(self.logs["disks"])


if __name__ == "__main__":
    ekshume.main()
