# SPDX-License-Identifier: Apache-2.0
"""The story of two nodes with known truth: what the verdict names, in which order, and whom it does not
accuse; and the report in all its forms, which must hold what was found and nothing that acts."""
import functools
import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume as ek  # noqa: E402

KEY = "AKIAEXAMPLECI0000002"
WEBSHOP = "shop/webshop-588f958f47-hbzmh"
NODE = "ip-10-0-1-23.ec2.internal"
PHASES = ["preserve", "acquire", "contain", "eradicate", "recover"]


@functools.cache
def case_of(name):
    evidence = ek.shared_evidence(name)
    folder = ek.work_folder() / f"{name}.case"
    logs = [evidence / "logs"] if (evidence / "logs").is_dir() else []
    run = ek.Run("investigate", evidence / "disk.img.zst", *logs, "--case", folder)
    if run.code not in (0, 1):
        raise AssertionError(repr(run))
    return folder, run.out


@functools.cache
def report_of(name):
    return json.loads((case_of(name)[0] / "report.json").read_text())


def places(incident, kind):
    return [(place["namespace"] + "/" if place["namespace"] else "") + place["name"]
            for place in incident["places"] if place["kind"] == kind]


class Kubernetes(ek.Case):
    def setUp(self):
        self.report = report_of("node-k8s")
        self.assertEqual(1, len(self.report["incidents"]), [i["title"] for i in self.report["incidents"]])
        self.incident = self.report["incidents"][0]

    def assert_in_order(self, text, parts):
        at = -1
        for part in parts:
            found = text.find(part, at + 1)
            self.assertGreater(found, at, f"{part!r} is not behind the one before it in: {text}")
            at = found

    def test_verdict_names_key_pod_escape_and_node_in_order(self):
        self.assertEqual("compromised", self.report["verdict"]["word"])
        self.assertEqual("high", self.report["verdict"]["confidence"])
        self.assert_in_order(self.report["verdict"]["summary"], [
            KEY, "ci-deployer", f"pod {WEBSHOP}", "pod kube-system/node-health-checker, which can reach its host",
            f"node {NODE}", "/root/.ssh/authorized_keys"])
        self.assert_in_order(self.incident["title"], [KEY, WEBSHOP, "kube-system/node-health-checker", NODE])

    def test_page_begins_with_the_verdict(self):
        out = case_of("node-k8s")[1]
        self.assertTrue(out.lstrip().startswith("VERDICT: COMPROMISED (high confidence)"), out[:200])

    def test_entry_and_actors(self):
        entry = self.incident["entry"]["sentence"]
        for part in ("arn:aws:iam::999999999999:user/unknown", "system:anonymous", f"{KEY} of ci-deployer is first seen"):
            self.assertIn(part, entry)
        actors = {actor["name"]: actor for actor in self.incident["actors"]}
        self.assertEqual({"unknown", "system:anonymous", "ci-deployer", "shop/webshop"}, set(actors))
        self.assertEqual("tried", actors["unknown"]["role"])
        self.assertEqual("acted", actors["ci-deployer"]["role"])
        names = {name["value"] for name in actors["ci-deployer"]["names"]}
        self.assertLessEqual({KEY, "arn:aws:iam::123456789012:user/ci-deployer", "ci-deployer"}, names)

    def test_nobody_else_is_accused(self):
        # What is told of the incident; findings and the names of its own roles stand apart.
        told = json.dumps([self.report["verdict"], self.incident, self.report["to_confirm"]])
        for name in ("kubernetes-admin", "PlatformAdmin", "alice", "-controller", "payments-db", "system:node:"):
            self.assertNotIn(name, told)

    def test_what_is_affected_and_left_behind(self):
        self.assertEqual([WEBSHOP, "kube-system/node-health-checker", "shop/recon"], places(self.incident, "pod"))
        self.assertEqual([NODE], places(self.incident, "node"))
        secrets = {secret["name"] for secret in self.incident["secrets"]}
        self.assertLessEqual({"all of the cluster", "all of namespace kube-system", "shop/webshop"}, secrets)
        left = {(thing["kind"], thing["name"]) for thing in self.incident["persistence"]}
        self.assertLessEqual({
            ("file", "/root/.ssh/authorized_keys"), ("file", "/etc/cron.d/0hourly"),
            ("file", "/etc/systemd/system/dbus-helper.service"), ("file", "/srv/webshop/run.sh"),
            ("clusterrolebinding", "system-metrics-reader"), ("clusterrolebinding", "eks-support"),
            ("serviceaccount", "kube-system/eks-support"), ("cronjob", "kube-system/log-rotate")}, left)

    def test_acts_are_in_order_and_lead_to_findings_and_events(self):
        findings = {finding["id"]: finding for finding in self.report["findings"]}
        times = [act["time"] for act in self.incident["acts"] if act["time"]]
        self.assertEqual(sorted(times), times)
        events = set()
        for act in self.incident["acts"]:
            self.assertTrue(act["sentence"])
            self.assertTrue(act["findings"], act)
            self.assertTrue(act["events"] or act["paths"], act)
            self.assertLessEqual(set(act["findings"]), set(findings))
            events.update(act["events"])
        self.assertLessEqual(set(self.incident["findings"]), set(findings))
        run = ek.Run("case", "show", case_of("node-k8s")[0], *sorted(events))
        self.assertEqual(0, run.code, repr(run))

    def test_steps_keep_evidence_first(self):
        phases = [PHASES.index(step["phase"]) for step in self.incident["next_steps"]]
        self.assertEqual(sorted(phases), phases)
        steps = {(step["phase"], step["target"]) for step in self.incident["next_steps"]}
        self.assertLessEqual({
            ("acquire", f"pod {WEBSHOP}"), ("acquire", f"node {NODE}"), ("contain", f"access key {KEY}"),
            ("contain", f"pod {WEBSHOP}"), ("contain", "service account shop/webshop"),
            ("eradicate", "cronjob kube-system/log-rotate"), ("eradicate", f"node {NODE}")}, steps)

    def test_graph_leads_from_the_key_to_the_node(self):
        edges = {(edge["from"], edge["verb"], edge["to"]) for edge in self.incident["graph"]["edges"]}
        self.assertLessEqual({
            ("actor:ci-deployer", "exec", f"pod:{WEBSHOP}"),
            ("actor:ci-deployer", "create", "pod:kube-system/node-health-checker"),
            (f"pod:{WEBSHOP}", "its token used by", "actor:shop/webshop"),
            ("pod:kube-system/node-health-checker", "can reach", f"node:{NODE}")}, edges)
        nodes = {node["id"] for node in self.incident["graph"]["nodes"]}
        for start, _, end in edges:
            self.assertIn(start, nodes)
            self.assertIn(end, nodes)

    def test_tactics_are_named(self):
        names = [tactic["name"] for tactic in self.incident["tactics"]]
        self.assertEqual(len(names), len(set(names)))
        for name in ("discovery", "credential-access", "execution", "persistence", "privilege-escalation"):
            self.assertIn(name, names)


class Docker(ek.Case):
    def test_verdict_names_webshop_the_way_and_the_node(self):
        report = report_of("node-docker")
        self.assertEqual("compromised", report["verdict"]["word"])
        self.assertEqual(1, len(report["incidents"]), [i["title"] for i in report["incidents"]])
        summary = report["verdict"]["summary"]
        at = [summary.find(part) for part in ("webshop", "debug-toolbox", "node ip-10-0-3-17.ec2.internal")]
        self.assertNotIn(-1, at, summary)
        self.assertEqual(sorted(at), at, summary)
        incident = report["incidents"][0]
        self.assertTrue(any("joined by nothing but the node" in reason for reason in incident["reasons"]))
        way = [place for place in incident["places"] if place["likely_way"]]
        self.assertTrue(any("debug-toolbox" in (place["pod"] or "") + place["name"] for place in way), incident["places"])
        self.assertEqual([], incident["actors"], "a disk alone names nobody")


class Page(html.parser.HTMLParser):
    """What a page consists of."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.ids, self.targets, self.open, self.text, self.attributes = [], set(), [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for key, value in attrs:
            self.attributes.append((tag, key, value or ""))
            if key == "id":
                self.ids.add(value)
            if key in ("href", "src", "xlink:href", "action", "data", "poster"):
                self.targets.append(value)
        if tag not in ("meta", "col", "br", "path", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in ("path", "rect"):
            return
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes what is not open")

    def handle_data(self, data):
        self.text.append(data)


class Report(ek.Case):
    def page_of(self, folder):
        run = ek.Run("report", folder, "--to", "html")
        self.assertEqual(0, run.code, repr(run))
        page = Page()
        page.feed(run.out)
        page.close()
        self.assertEqual([], page.open)
        return run.out, page

    def assert_acts_on_nothing(self, out, page):
        self.assertNotIn("script", page.tags)
        self.assertLessEqual(set(page.tags), {
            "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "ul", "ol", "li", "table", "colgroup",
            "col", "thead", "tbody", "tr", "th", "td", "a", "svg", "defs", "marker", "path", "rect", "text"})
        self.assertTrue(all(target.startswith("#f-") for target in page.targets), page.targets)
        self.assertFalse([a for a in page.attributes if a[1].startswith("on")])
        self.assertLessEqual({target[1:] for target in page.targets}, page.ids)
        policy = [value for tag, key, value in page.attributes if tag == "meta" and value.startswith("default-src")]
        self.assertEqual(1, len(policy))
        self.assertIn("default-src 'none'", policy[0])
        self.assertNotIn("script-src", policy[0])
        self.assertEqual([], re.findall(r"url\((?!#)", out))
        self.assertNotIn("@import", out)

    def test_html_holds_all_parts_and_acts_on_nothing(self):
        folder = case_of("node-k8s")[0]
        out, page = self.page_of(folder)
        self.assert_acts_on_nothing(out, page)
        text = " ".join(page.text)
        for part in ("Verdict", "Timeline of acts", "ATT&CK", "Findings", "Custody record", "Diagnostics", KEY, WEBSHOP,
                     "investigate", "T1609"):
            self.assertIn(part, text)
        self.assertIn("svg", page.tags)
        report = report_of("node-k8s")
        for finding in report["findings"]:
            self.assertIn("f-" + finding["id"], page.ids)
        for item in report["evidence"]:
            for file in item["hashes"]:
                self.assertIn(file["sha256"], text)

    def test_the_same_case_gives_the_same_page_but_for_the_ledger(self):
        folder = case_of("node-docker")[0]
        one, other = self.page_of(folder)[0], self.page_of(folder)[0]
        self.assertEqual(one.split("<h2>Custody record</h2>")[0], other.split("<h2>Custody record</h2>")[0])
        self.assertEqual("unbroken", ek.rows("case", "verify", folder)[0]["chain"])
        self.assertIn("report", [record["action"] for record in ek.rows("case", "custody", folder)])

    def hostile_case(self):
        folder = ek.work_folder() / "hostile.case"
        if folder.exists():
            return folder
        shutil.copytree(case_of("node-docker")[0], folder)
        bad = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`|[a](http://evil.test)\x1b[31m\u202e\u6f22 https://evil.test"

        def spoil(value):
            if isinstance(value, dict):
                return {key: spoil(entry) for key, entry in value.items()}
            if isinstance(value, list):
                return [spoil(entry) for entry in value]
            return value + bad if isinstance(value, str) else value
        report = json.loads((folder / "report.json").read_text())
        (folder / "report.json").write_text(json.dumps(spoil(report)))
        return folder

    def test_hostile_names_stay_text(self):
        folder = self.hostile_case()
        out, page = self.page_of(folder)
        self.assert_acts_on_nothing(out, page)
        self.assertNotIn("img", page.tags)
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\u202e", out)
        self.assertIn("<script>alert(1)</script>", "".join(page.text), "it is shown as it is")
        run = ek.Run("report", folder, "--to", "md")
        self.assertEqual(0, run.code, repr(run))
        self.assertNotIn("<script", run.out)
        self.assertNotIn("](http", run.out)
        self.assertNotIn("https://", run.out)
        target = ek.work_folder() / "hostile.pdf"
        self.assertEqual(0, ek.Run("report", folder, "--to", "pdf", "--output", target).code)
        self.assertTrue(target.read_bytes().startswith(b"%PDF-1."))

    def test_pdf_can_be_read(self):
        target = ek.work_folder() / "report.pdf"
        run = ek.Run("report", case_of("node-k8s")[0], "--to", "pdf", "--output", target)
        self.assertEqual(0, run.code, repr(run))
        if shutil.which("pdftotext") is None:
            self.skipTest("pdftotext is not there")
        text = subprocess.run(["pdftotext", str(target), "-"], capture_output=True, check=True).stdout.decode()
        for part in ("Compromised (high confidence)", KEY, "node-health-checker", "Custody record", "T1609"):
            self.assertIn(part, text)

    def test_markdown_and_json(self):
        folder = case_of("node-k8s")[0]
        run = ek.Run("report", folder, "--to", "md")
        self.assertEqual(0, run.code, repr(run))
        for part in ("## Verdict", "**Compromised", KEY, "| time | level |"):
            self.assertIn(part, run.out)
        run = ek.Run("report", folder, "--to", "json")
        self.assertEqual(0, run.code, repr(run))
        report = json.loads(run.out)
        self.assertEqual("investigate", report["custody"][0]["action"])
        del report["custody"]
        self.assertEqual(report_of("node-k8s"), report)

    def test_errors(self):
        folder = case_of("node-k8s")[0]
        self.assertEqual(2, ek.Run("report", folder, "--to", "pdf").code, "a PDF needs a file")
        self.assertEqual(2, ek.Run("report", folder, "--to", "docx").code)
        self.assertEqual(2, ek.Run("report").code)
        self.assertEqual(3, ek.Run("report", ek.work_folder() / "nothing", "--to", "md").code)
        broken = ek.work_folder() / "broken.case"
        shutil.copytree(case_of("node-docker")[0], broken)
        (broken / "report.json").write_text("[1")
        self.assertEqual(3, ek.Run("report", broken, "--to", "md").code)


if __name__ == "__main__":
    ek.shared_evidence("node-k8s")
    ek.shared_evidence("node-docker")
    ek.main()
