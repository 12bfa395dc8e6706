# SPDX-License-Identifier: Apache-2.0
"""What becomes of records beyond one file: log files against CloudTrail's digests, versions of findings in any
order, copies in other wrappings, identities that different logs give, and counts that add up."""
import base64
import gzip
import hashlib
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import tarfile
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

ACCOUNT, REGION = "123456789012", "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/cart"


class Ingest(ekshume.FolderCase):
    def investigate(self, case, *evidence, code=0):
        run = ekshume.Run("investigate", *evidence, "--case", case, "--format", "json")
        self.assertEqual(code, run.code, repr(run))
        report = json.loads(run.out)
        self.assert_counts(ekshume.rows("case", "items", case))
        return report


def trail_event(number, **members):
    return {"eventVersion": "1.08", "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/alice", "userName": "alice"},
            "eventTime": f"2026-11-24T1{number % 6}:10:00Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "awsRegion": REGION,
            "sourceIPAddress": "203.0.113.7", "recipientAccountId": ACCOUNT, "eventID": f"00000000-0000-0000-0000-{number:012}", **members}


class Digests(Ingest):
    """A tree as `aws s3 sync` leaves it: three hours, each with two log files and a digest."""

    def tree(self, key=None):
        day = f"{REGION}/2026/11/24"
        previous, digests, logs = None, [], []
        for hour in (11, 12, 13):
            named = []
            for part in "ab":
                name = f"AWSLogs/{ACCOUNT}/CloudTrail/{day}/{ACCOUNT}_CloudTrail_{REGION}_20261124T{hour}{'05' if part == 'a' else '35'}Z_{part * 16}.json.gz"
                content = json.dumps({"Records": [trail_event(hour * 10 + ord(part) % 2)]}).encode()
                logs.append(self.write("trail/" + name, gzip.compress(content)))
                named.append({"s3Bucket": "trails", "s3Object": name, "hashValue": hashlib.sha256(content).hexdigest(), "hashAlgorithm": "SHA-256"})
            name = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{day}/{ACCOUNT}_CloudTrail-Digest_{REGION}_trail_{REGION}_20261124T{hour}0000Z.json.gz"
            digest = {"awsAccountId": ACCOUNT, "digestStartTime": f"2026-11-24T{hour - 1}:00:00Z", "digestEndTime": f"2026-11-24T{hour}:00:00Z",
                      "digestS3Bucket": "trails", "digestS3Object": name, "digestPublicKeyFingerprint": "f00d", "digestSignatureAlgorithm": "SHA256withRSA",
                      "previousDigestS3Bucket": "trails", "previousDigestS3Object": previous[0] if previous else f"before/{ACCOUNT}_x_20261124T100000Z.json.gz",
                      "previousDigestHashValue": previous[1] if previous else "00", "previousDigestSignature": previous[2] if previous else "00", "logFiles": named}
            content = json.dumps(digest).encode()
            own_hash, signature = hashlib.sha256(content).hexdigest(), "00"
            if key:
                text = f"{digest['digestEndTime']}\ntrails/{name}\n{own_hash}\n{digest['previousDigestSignature']}"
                signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(), capture_output=True, check=True).stdout.hex()
            digests.append(self.write("trail/" + name, gzip.compress(content)))
            previous = (name, own_hash, signature)
        return digests, logs, previous

    def found(self, report):
        return sorted((d["code"], d["evidence"].rsplit("/", 1)[-1]) for d in report["diagnostics"] if "digest" in d["code"] or "gap" in d["code"])

    def details(self, report, code):
        return " ".join(d["detail"] for d in report["diagnostics"] if d["code"] == code)

    def test_untouched(self):
        _, logs, _ = self.tree()
        report = self.investigate("case", "trail")
        self.assertEqual(["log_digest_checked"], [code for code, _ in self.found(report)])
        self.assertIn("3 digests, 6 log files as they say, 2 digests hashed by their successors, 0 signatures fit, 3 have no", self.details(report, "log_digest_checked"))
        self.assertEqual(3, len(ekshume.rows("search", "case", "source:cloudtrail_digest")))
        self.assertEqual(6, len(ekshume.rows("search", "case", "source:cloudtrail")))
        # The same again adds nothing and says nothing new; another copy of a log file is checked anew.
        self.assertEqual([], self.found(self.investigate("case", "trail")))

    def test_changed_and_deleted(self):
        digests, logs, _ = self.tree()
        changed = json.loads(gzip.decompress(logs[0].read_bytes()))
        changed["Records"][0]["sourceIPAddress"] = "192.0.2.1"
        logs[0].write_bytes(gzip.compress(json.dumps(changed).encode()))
        logs[3].unlink()
        report = self.investigate("case", "trail", code=1)
        self.assertEqual([("log_digest_checked", "123456789012_CloudTrail-Digest_eu-central-1_trail_eu-central-1"),
                          ("log_digest_mismatch", logs[0].name), ("log_gap", digests[1].name)], self.found(report))
        self.assertIn(logs[3].name, self.details(report, "log_gap"))

    def test_digest_changed_and_digest_deleted(self):
        digests, _, _ = self.tree()
        changed = json.loads(gzip.decompress(digests[1].read_bytes()))
        changed["logFiles"].pop()
        digests[1].write_bytes(gzip.compress(json.dumps(changed).encode()))
        report = self.investigate("case", "trail", code=1)
        self.assertIn(("log_digest_mismatch", digests[1].name), self.found(report))
        digests[1].unlink()
        report = self.investigate("other", "trail", code=1)
        self.assertIn(("log_gap", digests[2].name), self.found(report))
        self.assertIn("no digest covers the time from 2026-11-24T11:00:00Z to 2026-11-24T12:00:00Z", self.details(report, "log_gap"))

    def test_in_a_tar_and_one_after_the_other(self):
        digests, logs, _ = self.tree()
        with tarfile.open("trail.tar", "w") as archive:
            archive.add("trail")
        report = self.investigate("tarred", "trail.tar")
        self.assertIn("6 log files as they say", self.details(report, "log_digest_checked"))
        # Log files first, digests later: those that are given again are hashed, the others are not missing.
        shutil.copytree("trail/AWSLogs/123456789012/CloudTrail", "logs")
        self.investigate("later", "logs")
        report = self.investigate("later", "trail")
        self.assertIn("6 log files as they say", self.details(report, "log_digest_checked"))
        self.assertEqual(["log_digest_checked"], [code for code, _ in self.found(report)])
        self.investigate("digests-only", "logs")
        report = self.investigate("digests-only", "trail/AWSLogs/123456789012/CloudTrail-Digest")
        self.assertIn("3 digests, 0 log files as they say", self.details(report, "log_digest_checked"))
        self.assertEqual(["log_digest_checked"], [code for code, _ in self.found(report)])

    def test_signatures(self):
        if not shutil.which("openssl"):
            self.skipTest("openssl is not installed")
        subprocess.run(["openssl", "genrsa", "-out", "key.pem", "2048"], capture_output=True, check=True)
        public = subprocess.run(["openssl", "rsa", "-in", "key.pem", "-RSAPublicKey_out", "-outform", "DER"], capture_output=True, check=True).stdout
        digests, _, newest = self.tree("key.pem")
        keys = self.write("keys.json", json.dumps({"PublicKeyList": [{"Value": base64.b64encode(public).decode(), "Fingerprint": "f00d"}]}))
        self.write("trail/" + newest[0] + ".metadata.json", json.dumps({"ContentType": "application/json", "Metadata": {"signature": newest[2]}}))
        report = self.investigate("case", "trail", keys)
        self.assertIn("3 signatures fit, 0 have no", self.details(report, "log_digest_checked"))
        # A digest that was written anew, with its successors' hashes put right, but without the key.
        self.write("trail/" + newest[0] + ".metadata.json", json.dumps({"Metadata": {"signature": "00" * 256}}))
        report = self.investigate("forged", "trail", keys, code=1)
        self.assertIn(("log_digest_mismatch", digests[2].name), self.found(report))


class Findings(Ingest):
    def test_the_newest_version_wins_in_any_order(self):
        def finding(count, updated, seen):
            return json.dumps({"schemaVersion": "2.0", "accountId": ACCOUNT, "region": REGION, "id": "f1",
                               "arn": f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/d/finding/f1", "type": "Execution:Runtime/ReverseShell",
                               "resource": {"resourceType": "EKSCluster"}, "severity": 8, "createdAt": "2026-11-24T20:00:00.000Z", "updatedAt": updated,
                               "service": {"count": count, "eventFirstSeen": "2026-11-24T20:00:00Z", "eventLastSeen": seen}})
        # The one updated last saw nothing later: it was archived, or its count was put right.
        versions = [finding(1, "2026-11-24T20:05:00Z", "2026-11-24T20:00:00Z"), finding(5, "2026-11-24T20:30:00.001Z", "2026-11-24T20:20:00Z"),
                    finding(9, "2026-11-24T20:30:00.5Z", "2026-11-24T20:19:00Z")]
        for number, order in enumerate(itertools.permutations(versions)):
            case = f"case{number}"
            for part, version in enumerate(order):
                self.investigate(case, self.write(f"{number}/{part}.json", version))
            rows = ekshume.rows("search", case, "source:guardduty")
            self.assertEqual(["Execution:Runtime/ReverseShell"], [row["action"] for row in rows])
            self.assertIn("seen 9 times", rows[0]["message"])
            items = ekshume.rows("case", "items", case)
            self.assertEqual((3, 1, 2), tuple(sum(item[key] for item in items) for key in ("records", "rows", "folded")))


class Links(Ingest):
    def test_who_may_assume_what(self):
        audit = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": "a1", "stage": "ResponseComplete",
                 "verb": "create", "requestURI": "/api/v1/namespaces/shop/serviceaccounts", "user": {"username": "alice"},
                 "objectRef": {"resource": "serviceaccounts", "namespace": "shop", "name": "cart", "apiVersion": "v1"}, "responseStatus": {"code": 201},
                 "requestObject": {"kind": "ServiceAccount", "metadata": {"name": "cart", "annotations": {"eks.amazonaws.com/role-arn": ROLE}}},
                 "requestReceivedTimestamp": "2026-11-24T21:40:00.000000Z", "stageTimestamp": "2026-11-24T21:40:01.000000Z"}
        refused = dict(audit, auditID="a2", responseStatus={"code": 403}, requestObject={"metadata": {"annotations": {"eks.amazonaws.com/role-arn": ROLE + "2"}}})
        made = trail_event(1, eventSource="eks.amazonaws.com", eventName="CreatePodIdentityAssociation",
                           requestParameters={"name": "prod", "namespace": "shop", "serviceAccount": "pay", "roleArn": ROLE})
        self.write("in/audit.log", json.dumps(audit) + "\n" + json.dumps(refused) + "\n")
        self.write("in/trail.json", json.dumps({"Records": [made]}))
        self.investigate("case", "in")
        links = ekshume.rows("sql", "case", "SELECT left_field, left_value, right_field, right_value, sources FROM links WHERE kind = 'may_assume' ORDER BY ALL")
        self.assertEqual([["service_account", "shop/cart", "role_arn", ROLE, "k8s_audit"], ["service_account", "shop/pay", "role_arn", ROLE, "cloudtrail"]],
                         [list(link.values()) for link in links])
        self.assertEqual([], ekshume.rows("sql", "case", "SELECT * FROM links WHERE kind = 'assumed'"))


class Wrappings(Ingest):
    LINES = "".join(f"2026-11-24 21:39:{second:02} INFO request {second} of many\n" for second in range(60))
    FLOWS = ("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
             + "".join(f"2 {ACCOUNT} eni-1 10.0.0.5 203.0.113.{n} 40000 443 6 20 4249 141853{n:04} 141853{n + 60:04} ACCEPT OK\n" for n in range(50)))

    def test_copies_of_lines_without_identity(self):
        """The same file plain, compressed, in an archive, and as it was before it grew, is one set of events."""
        for name, text in (("app.log", self.LINES), ("flows.log", self.FLOWS)):
            case = name + ".case"
            self.investigate(case, self.write(name, text))
            expected = [row["id"] for row in ekshume.rows("search", case, "*")]
            self.assertGreater(len(expected), 40)
            tar = io.BytesIO()
            with tarfile.open(fileobj=tar, mode="w:gz") as archive:
                info = tarfile.TarInfo("node/var/log/" + name)
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
            for copy, content in (("x.gz", gzip.compress(text.encode())), ("y.gz", gzip.compress(gzip.compress(text.encode()))), ("z.tgz", tar.getvalue())):
                report = self.investigate(case, self.write(name + copy, content))
                item = report["events"]["items"][0]
                self.assertEqual((0, len(expected)), (item["rows"], item["duplicates"]), copy)
                self.assertEqual(expected, [row["id"] for row in ekshume.rows("search", case, "*")])
            # Into a case of its own it has the same ids.
            self.investigate("other-" + case, name + "z.tgz")
            self.assertEqual(expected, [row["id"] for row in ekshume.rows("search", "other-" + case, "*")])

    def test_equal_lines_of_two_pods_stay(self):
        for pod in ("web-1", "web-2"):
            self.write(f"in/var/log/pods/shop_{pod}_uid-{pod}/web/0.log", "2026-11-24T21:39:08.000000001Z stdout F hello\n" + f"2026-11-24T21:39:09.000000001Z stdout F I am {pod}\n")
        self.investigate("case", "in")
        self.assertEqual(4, len(ekshume.rows("search", "case", "source:cri")))
        self.assertEqual(1, len(ekshume.rows("search", "case", "pod:web-2 message:hello")))


class Host(Ingest):
    def test_nothing_is_there_twice(self):
        """Logs that artifacts read are not read as logs, and an entry in two files of the journal is one."""
        self.write("host/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        self.write("host/usr/bin/true", "")
        self.write("host/var/log/dpkg.log", "2026-11-24 21:39:08 install nmap:amd64 <none> 7.93\n")
        self.write("host/var/log/dpkg.log.1", "2026-11-23 21:39:08 install tar:amd64 <none> 1.34\n")
        self.write("host/var/log/apt/history.log", "\nStart-Date: 2026-11-24  21:39:07\nCommandline: apt-get install -y nmap\nInstall: nmap:amd64 (7.93)\nEnd-Date: 2026-11-24  21:39:12\n")
        self.write("host/var/log/cloud-init.log", "2026-11-24 21:39:09,000 - util.py[DEBUG]: noise\n2026-11-24 21:39:10,000 - cc.py[WARNING]: failed\nTraceback\n")
        self.write("host/var/log/syslog", "Nov 24 21:39:08 node sshd[7]: Accepted password for eve from 203.0.113.9 port 1 ssh2\n")
        self.write("host/var/log/plain.log", "2026-11-24 21:39:11 hello\n")
        journal = subprocess.run(["zstd", "-d", "-c", ekshume.ROOT / "tests/data/artifact/system.journal.zst"], capture_output=True, check=True).stdout
        self.write("host/var/log/journal/fedcba9876543210fedcba9876543210/system.journal", journal)
        self.write("host/var/log/journal/fedcba9876543210fedcba9876543210/system@0.journal", journal)
        report = self.investigate("case", "host")
        rows = [row for row in ekshume.rows("search", "case", "*") if row["source"] not in ("file", "accounts", "startup")]
        self.assertEqual({"packages": 3, "cloud": 2, "syslog": 1, "generic": 1, "journal": 4},
                         {source: sum(row["source"] == source for row in rows) for source in {row["source"] for row in rows}})
        self.assertEqual(4, report["events"]["items"][0]["duplicates"])
        self.assertEqual("2026-11-24T21:39:08.000000000Z", next(row["time"] for row in rows if row["source"] == "syslog"))
        # The passwd file of the host names root only; other owners keep their number.
        owner = "root" if os.getuid() == 0 else str(os.getuid())
        self.assertEqual({owner}, {row["user_name"] for row in ekshume.rows("search", "case", "source:file path:/etc/passwd")})


if __name__ == "__main__":
    ekshume.main()
