# SPDX-License-Identifier: Apache-2.0
"""The rules of rules/ on the records beside them: each fires on what it is for and on nothing that looks like it."""
import collections
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

RULES = ekshume.ROOT / "rules"
LEVELS = {"informational", "low", "medium", "high", "critical"}
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def rule_files():
    return sorted(p for p in RULES.rglob("*.yml") if "tests" not in p.relative_to(RULES).parts)


def tests_of(rule):
    """The tests of a rule file: lines of JSON with `expect` (fires or silent) and `records`."""
    path = RULES / "tests" / rule.relative_to(RULES).with_suffix(".jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def documents(rule):
    return rule.read_text().split("\n---\n")


def identity(rule):
    """The id of the last document: of the rule, or of the correlation over the rules before it."""
    return re.search(r"^id: (.*)$", documents(rule)[-1], re.M)[1]


def kind_of(record):
    """The file that a record goes into, and what its row is known by."""
    if "authenticator_line" in record:
        return "authenticator.log", re.search(r'time="([^".Z]+)', record["authenticator_line"])[1]
    if "auditID" in record:
        return "audit.log", record["auditID"]
    if "eventID" in record:
        return "cloudtrail.json", record["eventID"]
    if "schemaVersion" in record:
        return "guardduty.json", record["id"]
    return "falco.json", record["time"][:19]


def text_of(record):
    return record.get("authenticator_line") or json.dumps(record, separators=(",", ":"))


class RulePack(ekshume.Case):
    def test_every_rule_says_what_it_must(self):
        self.assertGreater(len(rule_files()), 100)
        ids = collections.Counter()
        for rule in rule_files():
            for document in documents(rule):
                with self.subTest(rule.name):
                    ids[re.search(r"^id: (.*)$", document, re.M)[1]] += 1
                    self.assertRegex(document, r"(?m)^title: \S")
                    self.assertRegex(document, r"(?m)^description: ")
                    self.assertRegex(document, r"(?m)^author: ekshume$")
                    self.assertRegex(document, r"(?m)^date: \d{4}-\d\d-\d\d$")
                    self.assertRegex(document, r"(?m)^  - attack\.t\d{4}(?:\.\d{3})?$")
                    self.assertRegex(document, r"(?m)^  - attack\.[a-z-]{5,}$")
                    self.assertRegex(document, r"(?m)^falsepositives:\n  - \S")
                    self.assertIn(re.search(r"^level: (.*)$", document, re.M)[1], LEVELS)
        self.assertTrue(all(UUID.fullmatch(name) for name in ids))
        self.assertEqual([], [name for name, count in ids.items() if count > 1])

    def test_all_rules_load(self):
        problems = ekshume.rows("rules", "check", RULES, codes=(0,))
        self.assertEqual(["loaded"], [problem["verdict"] for problem in problems], problems)

    def test_no_tests_without_a_rule(self):
        rules = {rule.relative_to(RULES).with_suffix("") for rule in rule_files()}
        tests = {test.relative_to(RULES / "tests").with_suffix("") for test in (RULES / "tests").rglob("*.jsonl")}
        self.assertEqual(rules, tests)

    def test_rules_fire_on_their_records_only(self):
        folder = ekshume.work_folder() / "records"
        folder.mkdir()
        expected, test_by_key, lines = {}, {}, collections.defaultdict(list)
        for rule in rule_files():
            tests = tests_of(rule)
            self.assertEqual({"fires", "silent"}, {test["expect"] for test in tests}, rule.name)
            for index, test in enumerate(tests):
                name = f"{rule.parent.name}-{rule.stem}-{index}"
                expected[name] = (identity(rule), test["expect"])
                for record in test["records"]:
                    file, key = kind_of(record)
                    self.assertNotIn((file, key), test_by_key, "each record is in one test")
                    test_by_key[file, key] = name
                    lines[file].append(text_of(record))
        for file, texts in lines.items():
            (folder / file).write_text("\n".join(texts) + "\n")
        case = ekshume.work_folder() / "pack.case"
        run = ekshume.Run("investigate", folder, "--case", case)
        self.assertIn(run.code, (0, 1), repr(run))
        test_of = {}
        for row in ekshume.rows("search", case, "*"):
            file = pathlib.PurePosixPath(row["evidence"]).name
            known_by_time = file in ("authenticator.log", "falco.json")
            test_of[row["id"]] = test_by_key[file, row["time"][:19] if known_by_time else row["record_id"]]
        self.assertEqual(set(expected), set(test_of.values()), "every test gave events")
        fired = collections.defaultdict(set)
        for finding in ekshume.rows("hunt", case, "--rules", RULES):
            self.assertLessEqual(finding["count"], len(finding["events"]), "a finding names all its events: " + finding["title"])
            for event in finding["events"]:
                fired[test_of[event]].add(finding["rule"])
        for name, (rule, expect) in expected.items():
            with self.subTest(name):
                self.assertEqual(expect == "fires", rule in fired[name])


if __name__ == "__main__":
    ekshume.main()
