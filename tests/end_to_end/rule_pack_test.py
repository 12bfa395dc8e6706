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
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def rule_files():
    return sorted(p for p in RULES.rglob("*.yml") if "tests" not in p.relative_to(RULES).parts)


def tests_of(rule):
    """The tests of a rule file: lines of JSON with `expect` (fires or silent) and `records`."""
    path = RULES / "tests" / rule.relative_to(RULES).with_suffix(".jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def documents(rule):
    return rule.read_text().split("\n---\n")


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
                    self.assertIn(re.search(r"^level: (.*)$", document, re.M)[1], ekshume.LEVELS)
        self.assertTrue(all(UUID.fullmatch(name) for name in ids))
        self.assertEqual([], [name for name, count in ids.items() if count > 1])

    def test_all_rules_load(self):
        problems = ekshume.rows("rules", "check", RULES, codes=(0,))
        self.assertEqual(["loaded"], [problem["verdict"] for problem in problems], problems)

    def test_every_rule_has_both_kinds_of_tests(self):
        for rule in rule_files():
            self.assertEqual({"fires", "silent"}, {test["expect"] for test in tests_of(rule)}, rule.name)

    def test_rules_fire_on_their_records_only(self):
        rows = ekshume.rows("rules", "test", RULES, codes=(0,))
        self.assertEqual({str(rule) for rule in rule_files()}, {row["file"] for row in rows})
        self.assertEqual([], [row for row in rows if row["verdict"] != "passed"])
        self.assertEqual(sum(len(tests_of(rule)) for rule in rule_files()), sum(row["passed"] for row in rows))


if __name__ == "__main__":
    ekshume.main()
