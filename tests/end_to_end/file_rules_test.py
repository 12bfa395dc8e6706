# SPDX-License-Identifier: Apache-2.0
"""YARA and indicators: over files as they are, over a node's disk, over events; what is wrong with rules and lists is named."""
import hashlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

POOL = 'rule Pool { meta: description = "Names a pool" level = "high" strings: $a = "stratum+tcp" condition: $a }'


def event(number, address, request):
    return json.dumps({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": f"audit-{number}",
                       "stage": "ResponseComplete", "requestURI": request, "verb": "get", "user": {"username": "mallory"},
                       "sourceIPs": [address], "objectRef": {"resource": "pods", "namespace": "shop", "name": "web-1"},
                       "responseStatus": {"code": 200}, "requestReceivedTimestamp": f"2026-11-24T21:40:{number:02}.000000Z",
                       "stageTimestamp": f"2026-11-24T21:40:{number:02}.000000Z"})


class FileRules(ekshume.FolderCase):
    def hunt(self, *arguments):
        run = ekshume.Run("hunt", *arguments, "--format", "jsonl")
        return run, [json.loads(line) for line in run.out.splitlines()]

    def test_files_as_they_are(self):
        dropped = self.write("recovered/miner.conf", "url: stratum+tcp://pool.test:3333\n")
        rules = self.write("pool.yar", POOL)
        digest = hashlib.sha256(pathlib.Path(dropped).read_bytes()).hexdigest()
        lists = self.write("list.csv", f"sha256,comment\n{digest},known miner\n")
        run, found = self.hunt("--files", pathlib.Path(dropped).parent, "--yara", rules, "--indicators", lists)
        self.assertEqual(run.code, 0, repr(run))
        self.assertEqual(sorted((finding["title"], finding["level"]) for finding in found),
                         [(f"Indicator: hash {digest}", "high"), ("Names a pool", "high")])
        for finding in found:
            self.assertEqual(finding["path"], str(dropped))
            self.assertIn(digest, finding["explanation"])

    def test_what_is_wrong_is_named_and_the_rest_runs(self):
        dropped = self.write("recovered/x", "stratum+tcp evil.test\n")
        self.write("rules/good.yar", POOL)
        bad = self.write("rules/bad.yar", "rule bad {\n  condition:\n    no_such_thing\n}\n")
        lists = self.write("list.txt", "evil.test\nthese are words\n")
        run, found = self.hunt("--files", dropped, "--yara", pathlib.Path(bad).parent, "--indicators", lists)
        self.assertEqual(run.code, 1, repr(run))
        self.assertEqual(sorted(finding["title"] for finding in found), ["Indicator: domain evil.test", "Names a pool"])
        self.assertIn(f"{bad}:3", run.err)
        self.assertIn("no_such_thing", run.err)
        self.assertIn(f"{lists}:2", run.err)

    def test_a_stix_bundle_over_events(self):
        pattern = "[ipv4-addr:value = '192.0.2.7'] OR [domain-name:value = 'evil.test']"
        bundle = self.write("bundle.json", json.dumps({"type": "bundle", "id": "bundle--1", "objects": [
            {"type": "indicator", "id": "indicator--1", "name": "stolen", "pattern_type": "stix", "pattern": pattern}]}))
        log = self.write("audit.log", "\n".join([event(1, "192.0.2.7", "/a"), event(2, "192.0.2.70", "/a"),
                                                 event(3, "192.0.2.70", "/a?u=https://x.evil.test/"), event(4, "192.0.2.7", "/b")]))
        run, found = self.hunt(log, "--indicators", bundle)
        self.assertEqual(run.code, 0, repr(run))
        self.assertEqual(sorted((finding["rule"], finding["count"], len(finding["events"]), finding["actor"]) for finding in found),
                         [("192.0.2.7", 2, 2, "mallory"), ("evil.test", 1, 1, "mallory")])

    def test_on_a_node_only_the_intruders_files_match(self):
        for name in ("node-k8s", "node-docker"):
            with self.subTest(name):
                case = ekshume.work_folder() / f"{name}.files.case"
                run = ekshume.Run("investigate", ekshume.shared_evidence(name) / "disk.img.zst", "--case", case)
                self.assertIn(run.code, (0, 1), repr(run))
                found = [(finding["path"], finding["level"]) for finding in ekshume.rows("findings", case)
                         if finding["rule"] == "Script_Downloads_And_Runs"]
                self.assertEqual(found, [("/etc/cron.d/0hourly", "high")])
                others = [finding for finding in ekshume.rows("findings", case)
                          if "YARA rule" in finding["explanation"] and finding["rule"] != "Script_Downloads_And_Runs"]
                self.assertEqual(others, [])


if __name__ == "__main__":
    ekshume.main()
