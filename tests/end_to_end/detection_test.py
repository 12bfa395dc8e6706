# SPDX-License-Identifier: Apache-2.0
"""Every act that the shared evidence's README tells is a finding on the right object, and nobody else is accused."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

K8S = ekshume.shared_evidence("node-k8s")
DOCKER = ekshume.shared_evidence("node-docker")
THIEF = "arn:aws:iam::123456789012:user/ci-deployer"
# What happened on node-k8s, as (what the finding is called, what it must say of its object). One title of each list is enough.
K8S_ACTS = {
    "anonymous probes": (["Anonymous request refused"], {"actor": "system:anonymous"}),
    "an ARN that is mapped to nothing": (["IAM principal refused by a cluster"], {"actor": "arn:aws:iam::999999999999:user/unknown"}),
    "the key lists its permissions": (["Own rights listed"], {"actor": THIEF}),
    "the key reads all secrets": (["Secrets of all namespaces listed"], {"actor": THIEF}),
    "the key lists nodes": (["Nodes, namespaces or pods of the whole cluster listed by hand"], {"actor": THIEF}),
    "exec into the shop": (["Command run in a pod"], {"actor": THIEF, "pod": "webshop-588f958f47-hbzmh"}),
    "a miner is started": (["Miner of coins"], {"actor": THIEF, "pod": "webshop-588f958f47-hbzmh"}),
    "the start script is changed": (["Start script or profile changed"], {"actor": THIEF, "pod": "webshop-588f958f47-hbzmh"}),
    "programs are removed": (["Program of the system removed or replaced"], {"actor": THIEF, "pod": "webshop-588f958f47-hbzmh"}),
    "a set-uid shell": (["Set-uid bit set"], {"actor": THIEF, "pod": "webshop-588f958f47-hbzmh"}),
    "a token is used from outside": (["Token of a service account used by hand"], {"actor": "system:serviceaccount:shop:webshop", "namespace": None}),
    "a pod that can reach the host": (["Pod in the process or IPC namespace of the node created"], {"actor": THIEF, "pod": "node-health-checker", "namespace": "kube-system"}),
    "the host's root is mounted": (["Sensitive directory of the node mounted"], {"actor": THIEF, "pod": "node-health-checker"}),
    "a key on the host": (["Key for logins by SSH added"], {"node": "ip-10-0-1-23.ec2.internal", "pod": "node-health-checker", "container_id": None}),
    "cluster-admin for accounts": (["cluster-admin given away"], {"actor": THIEF, "count": 2}),
    "a job that pipes curl into sh": (["Workload with a suspicious command created"], {"actor": THIEF, "object": "cronjobs log-rotate"}),
    "a pod is deleted by force": (["Pod deleted without grace"], {"actor": THIEF, "pod": "recon"}),
}


def above_low(findings):
    return [finding for finding in findings if ekshume.LEVELS.index(finding["level"]) > ekshume.LEVELS.index("low")]


class Detection(ekshume.Case):
    @classmethod
    def setUpClass(cls):
        cls.k8s = ekshume.work_folder() / "k8s.case"
        run = ekshume.Run("investigate", K8S / "disk.img.zst", K8S / "logs", "--case", cls.k8s)
        assert run.code in (0, 1), repr(run)
        cls.page = run.out
        cls.findings = ekshume.rows("findings", cls.k8s)

    def test_every_act_is_a_finding_on_its_object(self):
        for act, (titles, object_) in K8S_ACTS.items():
            with self.subTest(act):
                fit = [finding for finding in self.findings if finding["title"] in titles
                       and all(finding[key] == value for key, value in object_.items())]
                self.assertEqual(len(fit), 1, (titles, object_))
                self.assertTrue(fit[0]["events"] or fit[0]["path"])
                self.assertIsNotNone(fit[0]["first"])

    def test_the_administrator_is_not_accused(self):
        own = [finding for finding in self.findings if finding["actor"] == "kubernetes-admin"]
        self.assertTrue(own, "an administrator's work is on the timeline")
        self.assertEqual([finding["title"] for finding in above_low(own)], [])
        lowered = [finding for finding in own if finding["level"] != finding["rule_level"]]
        self.assertTrue(lowered)
        for finding in lowered:
            self.assertIn("lowered to low", finding["explanation"])
        self.assertFalse([finding["title"] for finding in self.findings if finding["actor"] == THIEF and finding["level"] != finding["rule_level"]])

    def test_no_controller_is_accused(self):
        accused = {finding["actor"] for finding in above_low(self.findings)}
        self.assertLessEqual({actor for actor in accused if actor and actor.startswith("system:")}, {"system:serviceaccount:shop:webshop"})

    def test_the_events_of_a_finding_are_in_the_case(self):
        finding = next(finding for finding in self.findings if finding["title"] == "Secrets of all namespaces listed" and finding["actor"] == THIEF)
        events = ekshume.rows("search", self.k8s, "id:" + finding["events"][0])
        self.assertEqual([event["object_kind"] for event in events], ["secrets"])
        self.assertEqual(events[0]["user_arn"], THIEF)

    def test_findings_are_in_the_report_and_filtered_by_level(self):
        report = json.loads((self.k8s / "report.json").read_text())
        self.assertEqual(report["findings"], self.findings)
        high = ekshume.rows("findings", self.k8s, "--level", "high")
        self.assertEqual(high, [finding for finding in self.findings if ekshume.LEVELS.index(finding["level"]) >= 3])
        self.assertTrue(high)
        run = ekshume.Run("findings", self.k8s, "--level", "loud")
        self.assertEqual(run.code, 2)
        self.assertIn("loud is no level", run.err)

    def test_without_rules_nothing_is_asked_of_events(self):
        case = ekshume.work_folder() / "plain.case"
        ekshume.rows("investigate", K8S / "logs", "--case", case, "--no-rules")
        self.assertEqual(ekshume.rows("findings", case), [])
        rule = ekshume.work_folder() / "own.yml"
        rule.write_text("title: Any secret\nlogsource: {product: kubernetes, service: audit}\n"
                        "detection: {s: {objectRef.resource: secrets, user.username: ci-deployer}, condition: s}\nlevel: low\n")
        ekshume.rows("investigate", case, "--no-rules", "--rules", rule)
        self.assertEqual({finding["title"] for finding in ekshume.rows("findings", case)}, {"Any secret"})

    def test_logs_that_come_later_leave_the_node_in_the_report(self):
        case = ekshume.work_folder() / "later.case"
        ekshume.rows("investigate", K8S / "disk.img.zst", "--case", case)
        before = json.loads((case / "report.json").read_text())
        ekshume.rows("investigate", K8S / "logs", "--case", case)
        after = json.loads((case / "report.json").read_text())
        self.assertEqual(after["node"], before["node"])
        self.assertEqual(len(after["containers"]), len(before["containers"]))
        self.assertGreater(len(after["findings"]), len(before["findings"]))


class BenignDay(ekshume.Case):
    """A cluster is set up, charts are installed, an administrator works: tests/lab/make-benign-day.sh."""
    DAY = ekshume.ROOT / "tests/data/benign"

    def test_nothing_is_above_low(self):
        case = ekshume.work_folder() / "benign.case"
        run = ekshume.Run("investigate", self.DAY / "node.img.zst", self.DAY / "audit.log.zst", self.DAY / "authenticator.log", "--case", case)
        self.assertIn(run.code, (0, 1), run)
        self.assertIn("NOTHING FOUND", run.out)
        findings = ekshume.rows("findings", case)
        self.assertEqual([(finding["title"], finding["actor"]) for finding in above_low(findings)], [])
        # The day was full of acts that rules know, and all agents of the node can reach it.
        titles = {finding["title"] for finding in findings}
        for title in ("cluster-admin given away", "Command run in a pod", "Privileged container created", "Secrets of all namespaces listed",
                      "Container that can reach its host"):
            self.assertIn(title, titles)
        self.assertEqual(json.loads((case / "report.json").read_text())["incidents"], [])

    def test_nothing_is_above_low_in_the_log_alone(self):
        self.assertEqual([(finding["title"], finding["actor"]) for finding in above_low(ekshume.rows("hunt", self.DAY / "audit.log.zst"))], [])


class Hunt(ekshume.Case):
    def test_logs_are_hunted_through_without_a_case(self):
        log = K8S / "logs" / "kube-apiserver-audit.log"
        found = ekshume.rows("hunt", log)
        self.assertIn(("Secrets of all namespaces listed", THIEF), {(finding["title"], finding["actor"]) for finding in found})
        self.assertEqual([finding["title"] for finding in above_low(found) if finding["actor"] == "kubernetes-admin"], [])

    def test_what_is_broken_is_named_with_its_line_and_the_rest_runs(self):
        folder = ekshume.work_folder() / "broken"
        folder.mkdir()
        (folder / "regex.yml").write_text("title: x\nlogsource: {product: kubernetes}\ndetection: {a: {b|re: '(a'}, condition: a}\n")
        (folder / "bad.yar").write_text('\nrule a { condition: $b }\n')
        (folder / "iocs.csv").write_text("value,type\n999999999999,text\narn:aws:iam::999999999999:user/unknown,nonsense\n203.0.113.300,ip\n198.51.100.23,ip\n")
        run = ekshume.Run("hunt", K8S / "logs", "--rules", folder / "regex.yml", "--yara", folder / "bad.yar", "--indicators", folder / "iocs.csv", "--format", "jsonl")
        self.assertEqual(run.code, 1, run)
        for place in ("regex.yml:3", "bad.yar:2", "iocs.csv:4"):
            self.assertIn(place, run.err)
        findings = [json.loads(line) for line in run.out.splitlines()]
        self.assertEqual({finding["rule"] for finding in findings}, {"198.51.100.23"})
        self.assertTrue(all(finding["events"] for finding in findings))
        # Nothing but broken rules is an error; an investigation goes on without them.
        self.assertEqual(ekshume.Run("hunt", K8S / "logs", "--rules", folder / "regex.yml").code, 3)
        run = ekshume.Run("investigate", K8S / "logs" / "authenticator.log", "--no-rules", "--rules", folder / "regex.yml", "--case", folder / "made.case")
        self.assertEqual(run.code, 1, run)
        self.assertIn("regex.yml:3", run.err)

    def test_samples_of_guardduty_are_informational(self):
        samples = ekshume.SHARED / "logs/guardduty_soar/samples"
        found = ekshume.rows("hunt", samples)
        self.assertEqual(sum(finding["count"] for finding in found), len(list(samples.iterdir())))
        self.assertEqual({finding["level"] for finding in found}, {"informational"})
        self.assertIn("high", {finding["rule_level"] for finding in found})

    def test_a_disk_is_no_log(self):
        run = ekshume.Run("hunt", K8S / "disk.img.zst")
        self.assertEqual(run.code, 3)
        self.assertIn("is no log", run.err)

    def test_a_file_without_records_is_said(self):
        empty = ekshume.work_folder() / "empty.log"
        empty.write_text("nothing\n")
        run = ekshume.Run("hunt", empty)
        self.assertEqual(run.code, 3)
        self.assertTrue(run.err.strip())

    def test_a_case_without_findings_says_how_to_get_them(self):
        run = ekshume.Run("findings", ekshume.work_folder() / "nothing.case")
        self.assertEqual(run.code, 3)


if __name__ == "__main__":
    ekshume.unittest.main()
