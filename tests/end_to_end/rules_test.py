# SPDX-License-Identifier: Apache-2.0
"""`rules list`, `rules check` and `hunt`: what loads, what is refused with file and line, what is found."""
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume


def audit(number, verb, resource, user="mallory", **more):
    """An audit event, a second after the one before."""
    event = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": f"audit-{number}",
             "stage": "ResponseComplete", "requestURI": "/api/v1/x", "verb": verb, "user": {"username": user},
             "sourceIPs": ["192.0.2.7"], "objectRef": {"resource": resource, "namespace": "shop", "name": "web-1"},
             "responseStatus": {"code": 200}, "requestReceivedTimestamp": f"2026-11-24T21:40:{number:02}.000000Z",
             "stageTimestamp": f"2026-11-24T21:40:{number:02}.000000Z"}
    event["objectRef"].update(more.pop("objectRef", {}))
    event.update(more)
    return event


SECRETS = """title: Secrets read
id: 11111111-1111-4111-8111-111111111111
name: secrets_read
description: Somebody reads secrets.
tags: [attack.credential-access, attack.t1552.007]
logsource: {category: application, product: kubernetes, service: audit}
detection:
    selection:
        verb: [get, list]
        objectRef.resource: secrets
    filter_system:
        user.username|startswith: 'system:'
    condition: selection and not 1 of filter_*
level: low
"""
EXEC = """title: Command in a pod
id: 22222222-2222-4222-8222-222222222222
logsource: {product: kubernetes, service: audit}
detection:
    selection: {verb: create, objectRef.subresource: exec}
    condition: selection
level: high
"""
CURL = """title: Download by curl
logsource: {category: process_creation, product: linux}
detection:
    selection: {Image|endswith: /curl, CommandLine|contains: 'http://'}
    condition: selection
level: medium
"""
MANY = """title: Many secrets
correlation:
    type: value_count
    rules: [secrets_read]
    group-by: [user.username]
    timespan: 1m
    condition: {field: objectRef.name, gte: 3}
    generate: true
level: critical
"""
BROKEN = """title: Broken
logsource: {product: kubernetes}
detection:
    selection:
        verb|sounds: get
    condition: selection
"""


class Rules(ekshume.Case):
    @classmethod
    def setUpClass(cls):
        folder = ekshume.work_folder()
        os.chdir(folder)
        cls.rules = folder / "rules"
        cls.rules.mkdir()
        (cls.rules / "secrets.yml").write_text(SECRETS + "---\n" + MANY)
        (cls.rules / "exec.yml").write_text(EXEC)
        (cls.rules / "curl.yml").write_text(CURL)
        cls.mixed = folder / "mixed"
        cls.mixed.mkdir()
        (cls.mixed / "exec.yml").write_text(EXEC)
        (cls.mixed / "broken.yml").write_text(BROKEN + "---\n" + EXEC.replace("2222", "3333"))
        events = [audit(1, "list", "secrets"), audit(2, "get", "secrets", objectRef={"name": "a"}),
                  audit(3, "get", "secrets", objectRef={"name": "b"}),
                  audit(4, "list", "secrets", user="system:kube-controller-manager"),
                  audit(5, "get", "pods", objectRef={"subresource": "exec"},
                        requestURI="/api/v1/namespaces/shop/pods/web-1/exec?command=curl&command=http%3A%2F%2F192.0.2.1%2Fx")]
        (folder / "audit.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
        run = ekshume.Run("investigate", folder / "audit.jsonl", "--case", folder / "case")
        assert run.code == 0, repr(run)
        cls.case = folder / "case"

    def test_finds(self):
        found = ekshume.rows("hunt", self.case, "--rules", self.rules, codes=(0,))
        self.assertEqual([(row["level"], row["title"], row["count"], row["actor"]) for row in found],
                         [("critical", "Many secrets", 3, "mallory"), ("high", "Command in a pod", 1, "mallory"),
                          ("medium", "Download by curl", 1, "mallory"), ("low", "Secrets read", 3, "mallory")])
        secrets = found[3]
        self.assertEqual(secrets["rule"], "11111111-1111-4111-8111-111111111111")
        self.assertEqual(secrets["tags"], ["attack.credential-access", "attack.t1552.007"])
        self.assertEqual((secrets["first"], secrets["last"]),
                         ("2026-11-24T21:40:01.000000000Z", "2026-11-24T21:40:03.000000000Z"))
        self.assertEqual((secrets["namespace"], secrets["source_ip"]), ("shop", "192.0.2.7"))
        self.assertIn("Somebody reads secrets.", secrets["explanation"])
        ids = {row["id"] for row in ekshume.rows("search", self.case, "kind:secrets", "--columns", "id")}
        self.assertEqual(len(secrets["events"]), 3)
        self.assertLess(set(secrets["events"]), ids)

    def test_is_the_same_twice(self):
        first = ekshume.Run("hunt", self.case, "--rules", self.rules, "--format", "json")
        self.assertEqual(first.code, 0, first)
        self.assertEqual(first.out, ekshume.Run("hunt", self.case, "--rules", self.rules, "--format", "json").out)

    def test_takes_levels_and_single_files(self):
        high = ekshume.rows("hunt", self.case, "--rules", self.rules, "--level", "high")
        self.assertEqual([row["level"] for row in high], ["critical", "high"])
        one = ekshume.rows("hunt", self.case, "--rules", self.rules / "curl.yml")
        self.assertEqual([row["title"] for row in one], ["Download by curl"])
        self.assertEqual(ekshume.Run("hunt", self.case, "--rules", self.rules, "--level", "loud").code, 2)

    def test_a_broken_rule_costs_only_itself(self):
        run = ekshume.Run("hunt", self.case, "--rules", self.mixed, "--format", "jsonl")
        self.assertEqual(run.code, 1, run)
        self.assertEqual(len(run.out.splitlines()), 2)
        self.assertIn("broken.yml:5: verb|sounds: unknown modifier sounds", run.err)

    def test_check(self):
        good = ekshume.Run("rules", "check", self.rules)
        self.assertEqual(good.code, 0, good)
        self.assertTrue(good.out.startswith("4 of 4 rules loaded from 3 files"), good.out)
        bad = ekshume.Run("rules", "check", self.mixed)
        self.assertEqual(bad.code, 1, bad)
        self.assertIn("broken.yml:5: refused: verb|sounds: unknown modifier sounds\n", bad.out)
        self.assertIn("2 of 3 rules loaded from 2 files", bad.out)
        rows = ekshume.rows("rules", "check", self.mixed)
        self.assertEqual([(row["verdict"], row["line"]) for row in rows], [("refused", 5), ("loaded", 0)])
        self.assertEqual(ekshume.Run("rules", "check", "nowhere").code, 3)
        self.assertEqual(ekshume.Run("rules", "check").code, 2)

    def test_names_each_wrong_rule_and_runs_the_rest(self):
        folder = ekshume.work_folder() / "wrong"
        folder.mkdir()

        def rule(item):
            return f"title: x\nlogsource: {{product: kubernetes}}\ndetection:\n  s:\n    {item}\n  condition: s\n"

        words = "|".join(f"word{n}[a-z]*{n}" for n in range(40000))
        (folder / "broken.yml").write_text("title: x\nlogsource: {product: linux\ndetection:\n  s: {a: 1}\n")
        (folder / "bytes.yml").write_bytes(b"title: \xff\x00\n" + rule("verb: get").encode())
        (folder / "many.yml").write_text(rule("verb: [" + ", ".join(f"v{n}" for n in range(25000)) + "]"))
        (folder / "regex.yml").write_text("---\n".join([
            rule("verb|re: '(a+)+$'"), rule("verb|re: '(?=a)b'"), rule("verb|re: '((a{100}){100}){100}'"), rule("noField: get")]))
        (folder / "words.yml").write_text(rule(f"userAgent|re: '({words})'"))
        (folder / "exec.yml").write_text(EXEC)
        rows = ekshume.rows("rules", "check", folder, codes=(1,))
        self.assertEqual([(row["verdict"], pathlib.Path(row["file"]).name, row["line"]) for row in rows],
                         [("refused", "broken.yml", 3), ("refused", "bytes.yml", 2), ("refused", "many.yml", 5), ("refused", "regex.yml", 12),
                          ("refused", "regex.yml", 19), ("refused", "words.yml", 5), ("doubtful", "regex.yml", 26), ("loaded", "", 0)])
        reasons = [row["reason"] for row in rows]
        self.assertIn("kMaxRulePatterns", reasons[2])
        self.assertIn("(?=", reasons[3])
        self.assertIn("kMaxRuleRegexBytes", reasons[5])
        self.assertLess(len(reasons[5]), 300)
        self.assertIn("noField", reasons[6])
        self.assertEqual(reasons[7], "3 of 9")
        found = ekshume.rows("hunt", self.case, "--rules", folder, codes=(1,))
        self.assertEqual([row["title"] for row in found], ["Command in a pod"])

    def test_tests(self):
        folder = ekshume.work_folder() / "tested"
        (folder / "tests" / "deep").mkdir(parents=True)
        (folder / "deep").mkdir()
        (folder / "deep" / "many.yml").write_text(SECRETS + "---\n" + MANY)
        (folder / "exec.yml").write_text(EXEC)
        (folder / "curl.yml").write_text(CURL)

        def test(expect, *records):
            return json.dumps({"expect": expect, "records": records})

        secrets = [audit(n, "get", "secrets", objectRef={"name": f"s{n}"}) for n in range(3)]
        shell = audit(9, "get", "pods", objectRef={"subresource": "exec"})
        (folder / "tests" / "deep" / "many.jsonl").write_text("\n".join([test("fires", *secrets), test("silent", *secrets[:2])]) + "\n")
        (folder / "exec.jsonl").write_text(test("fires", shell, secrets[0]) + "\n\n" + test("silent", json.dumps(secrets[0])) + "\n")
        good = ekshume.Run("rules", "test", folder)
        self.assertEqual(good.code, 0, good)
        self.assertEqual(good.out, f"{folder}/curl.yml: no tests\n2 of 3 rules passed 4 tests; 0 failed, 1 have no tests\n")
        (folder / "exec.jsonl").write_text("\n".join([
            test("fires", secrets[0], secrets[1]), test("silent", secrets[0], shell), test("fires", "what is this?"), "[]",
            test("maybe", shell), test("fires"), test("fires", 7), test("fires", shell)]))
        (folder / "tests" / "deep" / "many.jsonl").write_text(test("fires", *secrets[:2]))
        (folder / "tests" / "gone.jsonl").write_text(test("fires", shell))
        rows = ekshume.rows("rules", "test", folder, codes=(1,))
        self.assertEqual([(row["verdict"], row["title"], row["passed"], row["failed"]) for row in rows],
                         [("untested", "Download by curl", 0, 0), ("failed", "Many secrets", 0, 1),
                          ("failed", "Command in a pod", 1, 7), ("no rule", "", 0, 0)])
        self.assertEqual(rows[1]["reasons"], ["line 1: must fire, but does not hold over its 2 records"])
        self.assertEqual(rows[2]["reasons"], [
            "line 1: must fire, but matches none of its 2 records", "line 2: must be silent, but matches record 2",
            "line 3: record 1 is of no known format", "line 4: no JSON object", 'line 5: "expect" is neither "fires" nor "silent"',
            'line 6: "records" is no list with a record in it', "line 7: record 1 is neither an object nor a line of text"])
        printed = ekshume.Run("rules", "test", folder)
        self.assertIn(f"{folder}/exec.jsonl: line 2: must be silent, but matches record 2\n", printed.out)
        self.assertIn("tests/gone.jsonl: no rule that was loaded has these tests\n", printed.out)
        self.assertIn("0 of 3 rules passed 9 tests; 2 failed, 1 have no tests\n", printed.out)
        # One file of rules, with what is above it.
        one = ekshume.rows("rules", "test", folder / "deep" / "many.yml", codes=(1,))
        self.assertEqual([row["tests"] for row in one], [str(folder / "tests" / "deep" / "many.jsonl")])

    def test_list(self):
        rows = ekshume.rows("rules", "list", self.rules)
        self.assertEqual([(row["title"], row["level"], row["kind"], row["logsource"]) for row in rows],
                         [("Download by curl", "medium", "rule", "linux/process_creation"),
                          ("Command in a pod", "high", "rule", "kubernetes/audit"),
                          ("Secrets read", "low", "rule", "kubernetes/application/audit"),
                          ("Many secrets", "critical", "correlation", "")])

    def test_placeholders(self):
        rule = ekshume.work_folder() / "placeholder.yml"
        rule.write_text(SECRETS.replace("user.username|startswith: 'system:'", "user.username|expand: '%admins%'"))
        refused = ekshume.Run("rules", "check", rule)
        self.assertEqual(refused.code, 1, refused)
        self.assertIn("%admins% has no value", refused.out)
        self.assertEqual(ekshume.Run("rules", "check", rule, "--placeholder", "admins=mallory").code, 0)
        found = ekshume.rows("hunt", self.case, "--rules", rule, "--placeholder", "admins=mallory")
        self.assertEqual([row["actor"] for row in found], ["system:kube-controller-manager"])

    def test_all_shared_rules_over_all_shared_logs(self):
        sigma, logs = ekshume.SHARED / "sigma", ekshume.SHARED / "logs"
        if not sigma.is_dir() or not logs.is_dir():
            self.skipTest(f"{sigma} or {logs} is not there; set EKSHUME_SHARED")
        files = sum(1 for path in sigma.rglob("*.yml"))
        check = ekshume.Run("rules", "check", sigma)
        self.assertEqual(check.code, 0, check)
        self.assertIn(f"{files} of {files} rules loaded", check.out)
        case = ekshume.work_folder() / "logs-case"
        ekshume.Run("investigate", logs, "--case", case)
        titles = {row["title"] for row in ekshume.rows("hunt", case, "--rules", sigma)}
        for title in ("Privileged Container Deployed", "Container With A hostPath Mount Created",
                      "Potential Remote Command Execution In Pod Container", "AWS VPC Flow Logs Deleted"):
            self.assertIn(title, titles)


if __name__ == "__main__":
    unittest.main()
