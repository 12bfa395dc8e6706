#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Acquisition from AWS, against moto's server behind a proxy that checks signatures with botocore and makes faults
(tests/support/aws.py): snapshots into images and opened where they lie."""
import gzip
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import aws  # noqa: E402
from aws import BLOCK, Fault  # noqa: E402
from ekshume import EKSHUME, ROOT, Case, shared_evidence, unpacked, work_folder  # noqa: E402


def allowed_actions():
    """What the policies of deploy/iam allow, action by action."""
    allowed = set()
    for path in (ROOT / "deploy" / "iam").glob("*.json"):
        policy = json.loads(path.read_text())
        assert policy["Version"] == "2012-10-17", path
        for statement in policy["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not any("*" in action for action in actions), f"{path}: an action with a wildcard"
            if statement["Effect"] == "Allow":
                allowed.update(actions)
    return allowed


ALLOWED = allowed_actions()


class AwsRun:
    """One run of the program against the proxy."""

    def __init__(self, proxy, *arguments, stdin=None, timeout=600, **environment):
        done = subprocess.run([EKSHUME, *map(str, arguments)], input=stdin, capture_output=True, timeout=timeout,
                              env=proxy.environment(**environment))
        self.arguments, self.code = arguments, done.returncode
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")

    def __repr__(self):
        return f"ekshume {' '.join(map(str, self.arguments))} -> {self.code}\n{self.out[-500:]}\n{self.err[-3000:]}"


class AwsCase(Case):
    @classmethod
    def setUpClass(cls):
        cls.moto = aws.Moto()
        cls.proxy = aws.Proxy(cls.moto)

    def setUp(self):
        self.proxy.reset()
        self.folder = work_folder() / self.id().rsplit(".", 1)[1]
        self.folder.mkdir()

    def tearDown(self):
        self.assertEqual(self.proxy.signature_errors, [])
        # What deploy/iam allows is enough: no test needs more.
        asked = {a for a in self.proxy.actions if not a.startswith(("None:", "imds:", "sts:GetCallerIdentity"))}
        self.assertEqual(asked - ALLOWED, set(), "calls that the policies of deploy/iam do not allow")

    def run_ok(self, *arguments, code=0, **more):
        run = AwsRun(self.proxy, *arguments, **more)
        self.assertEqual(run.code, code, run)
        return run

    def record(self, folder):
        return json.loads((folder / "acquisition.json").read_text())


def sample_blocks(count=24, step=3):
    """Blocks of different bytes, with holes between them."""
    return {i * step: hashlib.sha256(str(i).encode()).digest() * (BLOCK // 32) for i in range(count)}


def image_of(blocks, gibibytes):
    """The SHA-256 of a device with these blocks and zeros between them."""
    digest = hashlib.sha256()
    zeros = bytes(BLOCK)
    for index in range((gibibytes << 30) // BLOCK):
        digest.update(blocks.get(index, zeros))
    return digest.hexdigest()


class Snapshots(AwsCase):
    def test_snapshot_to_image_byte_for_byte(self):
        blocks = sample_blocks()
        snapshot = aws.put_snapshot(self.moto, blocks)
        self.proxy.page = 7  # several pages
        out = self.folder / "disk"
        self.run_ok("acquire", "snapshot", snapshot, "--output-folder", out)
        image = out / f"{snapshot}.img"
        self.assertEqual(image.stat().st_size, 1 << 30)
        self.assertLess(image.stat().st_blocks * 512, 2 * len(blocks) * BLOCK, "the image is not sparse")
        expected = image_of(blocks, 1)
        self.assertEqual(hashlib.sha256(image.read_bytes()).hexdigest(), expected)
        record = self.record(out)
        self.assertTrue(record["complete"])
        self.assertEqual([f["sha256"] for f in record["files"] if f["name"] == image.name], [expected])
        self.assertIn(aws.ACCOUNT, record["identity"])
        self.assertEqual(record["failures"], [])
        self.assertNotIn(aws.SECRET, (out / "acquisition.json").read_text())
        manifest = [json.loads(line) for line in (out / f"{snapshot}.blocks.jsonl").read_text().splitlines()]
        self.assertEqual({b["block"]: b["sha256"] for b in manifest[1:]},
                         {i: hashlib.sha256(b).hexdigest() for i, b in blocks.items()})
        self.assertEqual(self.proxy.count("ebs:GetSnapshotBlock"), len(blocks))
        self.assertGreater(self.proxy.checked, len(blocks))
        self.assertEqual(list(self.folder.glob(".ekshume-partial*")), [])

    def test_faults_are_retried_and_nothing_is_lost(self):
        blocks = sample_blocks(12)
        snapshot = aws.put_snapshot(self.moto, blocks)
        get = "ebs:GetSnapshotBlock"
        faults = [Fault(get, "throttle", 3, 1), Fault(get, "500", 2, 2), Fault(get, "drop", 2, 1), Fault(get, "cut", 2, 1),
                  Fault(get, "checksum", 1, 2), Fault("ebs:ListSnapshotBlocks", "throttle", 1), Fault("ec2:DescribeSnapshots", "500", 1)]
        self.proxy.faults = faults
        out = self.folder / "disk"
        run = self.run_ok("-v", "acquire", "snapshot", snapshot, "--output-folder", out)
        self.assertEqual(hashlib.sha256((out / f"{snapshot}.img").read_bytes()).hexdigest(), image_of(blocks, 1))
        for fault in faults:
            self.assertEqual(fault.times, 0, f"{fault.kind} was not made")
        for said in ("ThrottlingException", "InternalFailure", "checksum"):
            self.assertIn(said, run.err)

    def test_a_wrong_checksum_is_named_and_the_next_run_goes_on(self):
        blocks = sample_blocks(12)
        snapshot = aws.put_snapshot(self.moto, blocks)
        bad = sorted(blocks)[5]
        self.proxy.handlers["ebs:GetSnapshotBlock"] = lambda request: self.spoil(request, bad)
        try:
            case = self.folder / "case"
            run = self.run_ok("acquire", "snapshot", snapshot, "--case", case, code=1)
            self.assertIn(f"block {bad} of {snapshot}", run.err)
            self.assertIn("checksum", run.err)
            first = next((case / "acquired").iterdir())
            self.assertEqual(len(self.record(first)["failures"]), 1)
            self.assertFalse((first / f"{snapshot}.img").exists())
        finally:
            del self.proxy.handlers["ebs:GetSnapshotBlock"]
        self.proxy.reset()
        self.run_ok("acquire", "snapshot", snapshot, "--case", case)
        self.assertEqual(self.proxy.count("ebs:GetSnapshotBlock"), 1, "the second run fetched what was there")
        image = next((case / "acquired").glob("*/*.img"))
        self.assertEqual(hashlib.sha256(image.read_bytes()).hexdigest(), image_of(blocks, 1))
        custody = (case / "custody.jsonl").read_text()
        self.assertIn(image.name, custody)

    def spoil(self, request, bad):
        status, headers, body = self.proxy.forward(request)
        if request.path.split("?")[0].endswith(f"/{bad}"):
            body = b"\0" + body[1:]
        return status, headers, body

    def test_a_missing_permission_is_one_sentence_with_its_name(self):
        snapshot = aws.put_snapshot(self.moto, sample_blocks(3))
        self.proxy.faults = [Fault("ebs:GetSnapshotBlock", "denied", 1000)]
        run = self.run_ok("acquire", "snapshot", snapshot, "--output-folder", self.folder / "a", code=1)
        self.assertIn("missing permission ebs:GetSnapshotBlock", run.err)
        failures = self.record(self.folder / "a")["failures"]
        self.assertEqual({f["missing_permission"] for f in failures}, {"ebs:GetSnapshotBlock"})
        for action in ("ebs:ListSnapshotBlocks", "ec2:DescribeSnapshots"):
            self.proxy.reset()
            self.proxy.faults = [Fault(action, "denied", 1000)]
            (self.folder / action).mkdir()  # nothing kept by the run before
            out = self.folder / action / "disk"
            run = self.run_ok("acquire", "snapshot", snapshot, "--output-folder", out, code=1)
            self.assertIn(f"missing permission {action}", run.err)
        self.proxy.reset()
        self.proxy.faults = [Fault("ec2:CreateSnapshot", "denied", 1000)]
        run = AwsRun(self.proxy, "acquire", "snapshot", "vol-0123456789abcdef0", "--output-folder", self.folder / "b")
        self.assertEqual(run.code, 3, run)
        self.assertIn("the permission ec2:CreateSnapshot is missing", run.err)

    def test_expired_credentials_are_got_anew_and_a_wrong_clock_is_corrected(self):
        snapshot = aws.put_snapshot(self.moto, sample_blocks(4))
        # credential_process gives an expired key first.
        old, new = "AKIDOLD0000000000000", "AKIDNEW0000000000000"
        self.proxy.secrets.update({old: "old-secret", new: "new-secret"})
        self.proxy.expired = {old}
        script = self.folder / "process.sh"
        script.write_text(f"""#!/bin/sh
if [ -e {self.folder}/asked ]; then k={new} s=new-secret; else k={old} s=old-secret; fi
touch {self.folder}/asked
echo '{{"Version": 1, "AccessKeyId": "'$k'", "SecretAccessKey": "'$s'"}}'
""")
        script.chmod(0o755)
        config = self.folder / "config"
        config.write_text(f"[profile ir]\ncredential_process = {script}\n")
        self.proxy.clock_offset = 3600
        out = self.folder / "disk"
        run = self.run_ok("-v", "acquire", "snapshot", snapshot, "--output-folder", out, "--profile", "ir",
                          AWS_CONFIG_FILE=str(config))
        record = self.record(out)
        self.assertIn("credential_process", record["credentials"])
        self.assertAlmostEqual(record["clock_offsets"]["AWS"], 3600, delta=5)
        self.assertIn("clock", run.err)
        self.assertTrue((out / f"{snapshot}.img").exists())

    def test_snapshots_of_an_instance_are_made_tagged_and_shared(self):
        ec2 = self.moto.client("ec2")
        images = ec2.describe_images(Owners=["amazon"])["Images"]
        instance = ec2.run_instances(ImageId=images[0]["ImageId"], MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        case = self.folder / "case"
        self.run_ok("acquire", "snapshot", instance, "--case", case, "--no-download", "--share-with", "210987654321")
        folder = next((case / "acquired").iterdir())
        record = self.record(folder)
        made = record["notes"]["snapshot"]
        tags = {t["Key"]: t["Value"] for t in ec2.describe_snapshots(SnapshotIds=[made])["Snapshots"][0]["Tags"]}
        self.assertEqual(tags["ekshume:case"], json.loads((case / "case.json").read_text())["id"])
        self.assertEqual(tags["ekshume:source"], instance)
        shared = ec2.describe_snapshot_attribute(SnapshotId=made, Attribute="createVolumePermission")
        self.assertEqual([p["UserId"] for p in shared["CreateVolumePermissions"]], ["210987654321"])
        self.assertNotIn("ebs:GetSnapshotBlock", self.proxy.actions)

    def test_an_encrypted_snapshot_is_not_copied_without_a_key(self):
        ec2 = self.moto.client("ec2")
        volume = ec2.create_volume(Size=1, AvailabilityZone=aws.REGION + "a", Encrypted=True)["VolumeId"]
        out = self.folder / "copy"
        run = self.run_ok("acquire", "snapshot", volume, "--output-folder", out, "--no-download",
                          "--copy-to-region", aws.REGION, code=1)
        self.assertIn("name a key with --kms-key", run.err)
        self.assertNotIn("ec2:CopySnapshot", self.proxy.actions)

    def test_changed_since(self):
        first = sample_blocks(6)
        second = dict(first)
        changed = sorted(first)[2]
        second[changed] = bytes([7]) * BLOCK
        ids = [aws.put_snapshot(self.moto, b) for b in (first, second)]
        out = self.folder / "changes"
        self.run_ok("acquire", "snapshot", ids[1], "--changed-since", ids[0], "--output-folder", out)
        lines = [json.loads(line) for line in (out / f"{ids[1]}.changed.jsonl").read_text().splitlines()]
        self.assertEqual(lines[1:], [{"block": changed, "offset": changed * BLOCK, "in_first": True, "in_second": True}])


class LazySnapshots(AwsCase):
    """A real node's disk in a device of 100 GiB whose other blocks are all in use."""
    NAME = "snap-0123456789abcdef0"

    @classmethod
    def setUpClass(cls):
        disk = unpacked(shared_evidence("node-k8s") / "disk.img.zst")
        super().setUpClass()
        cls.disk = disk
        cls.proxy.snapshots[cls.NAME] = aws.disk_snapshot(disk, 100, filled=True)
        cls.total = (100 << 30) // BLOCK

    def test_containers_of_100_gib_with_less_than_two_percent_fetched(self):
        expected = subprocess.run([EKSHUME, "containers", "list", self.disk, "--format", "jsonl"], capture_output=True, check=True).stdout
        run = self.run_ok("-v", "containers", "list", self.NAME, "--format", "jsonl")
        self.assertEqual(run.out.encode(), expected)
        self.assertGreater(len(run.out.splitlines()), 3)
        fetched = self.proxy.count("ebs:GetSnapshotBlock")
        print(f"containers list: {fetched} of {self.total} blocks fetched, {100 * fetched / self.total:.3f} %")
        self.assertLess(fetched, self.total * 0.02)
        self.assertIn(f"{fetched} of its ", run.err)

    def test_investigate_keeps_the_blocks_in_the_case(self):
        case = self.folder / "case"
        run = self.run_ok("investigate", self.NAME, "--case", case)
        fetched = self.proxy.count("ebs:GetSnapshotBlock")
        print(f"investigate: {fetched} of {self.total} blocks fetched, {100 * fetched / self.total:.3f} %")
        self.assertLess(fetched, self.total * 0.02)
        self.assertIn("Case:", run.out)
        self.assertEqual(json.loads((case / "case.json").read_text())["evidence"], [self.NAME])
        self.proxy.reset()
        # Again, without the service.
        run = self.run_ok("containers", "list", case, "--format", "jsonl", AWS_ENDPOINT_URL="http://127.0.0.1:9")
        self.assertGreater(len(run.out.splitlines()), 3)
        self.assertEqual(self.proxy.actions, [])
        # A kept block that was changed is fetched anew.
        first = self.proxy.snapshots[self.NAME].indexes[0]
        with open(case / "index" / f"{self.NAME}.blocks", "r+b") as kept:
            kept.seek(first * BLOCK + 1000)
            kept.write(b"tampered")
        self.run_ok("containers", "list", case, "--format", "jsonl")
        self.assertEqual(self.proxy.count("ebs:GetSnapshotBlock"), 1)

    def test_an_acquired_folder_is_evidence(self):
        """The image of a snapshot is found in the folder that acquire left."""
        small = "snap-0fedcba9876543210"
        self.proxy.snapshots[small] = aws.disk_snapshot(self.disk, 4)
        self.proxy.handlers["ec2:DescribeSnapshots"] = lambda request: (200, {"Content-Type": "text/xml"}, (
            f"<DescribeSnapshotsResponse><snapshotSet><item><snapshotId>{small}</snapshotId><status>completed</status>"
            "<volumeSize>4</volumeSize></item></snapshotSet></DescribeSnapshotsResponse>").encode())
        self.addCleanup(self.proxy.handlers.pop, "ec2:DescribeSnapshots")
        out = self.folder / "acquired"
        self.run_ok("acquire", "snapshot", small, "--output-folder", out)
        image = out / f"{small}.img"
        self.assertEqual(subprocess.run(["cmp", image, self.disk]).returncode, 0, "not the disk byte for byte")
        run = self.run_ok("investigate", out, "--case", self.folder / "case", "--no-rules", "--format", "json")
        report = json.loads(run.out)
        self.assertEqual([e["path"] for e in report["evidence"]], [str(image)])
        self.assertGreater(len(report["containers"]), 3)

    def test_a_token_that_is_refused_is_asked_for_anew(self):
        self.proxy.faults = [Fault("ebs:GetSnapshotBlock", "token", 1, 2)]
        self.run_ok("image", "info", self.NAME)
        self.assertGreater(self.proxy.count("ebs:ListSnapshotBlocks"), self.total // aws.PAGE + 1)


AUDIT = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a1", "stage": "ResponseComplete",
         "requestURI": "/api/v1/namespaces/shop/pods/web/exec?command=sh", "verb": "create",
         "user": {"username": "mallory", "groups": ["system:authenticated"]}, "sourceIPs": ["203.0.113.9"],
         "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "subresource": "exec"},
         "responseStatus": {"code": 101}}


def trail_event(number, name="GetCallerIdentity", seconds=1795556399):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds + number))
    record = {"eventVersion": "1.08", "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{aws.ACCOUNT}:user/mallory",
                                                       "accountId": aws.ACCOUNT, "userName": "mallory", "accessKeyId": "AKIAEXAMPLE"},
              "eventTime": stamp, "eventSource": "sts.amazonaws.com", "eventName": name, "awsRegion": aws.REGION,
              "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli", "requestParameters": None, "responseElements": None,
              "eventID": f"00000000-0000-0000-0000-{number:012}", "eventType": "AwsApiCall", "recipientAccountId": aws.ACCOUNT}
    return record


def json_answer(value):
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(value).encode()


class Records(AwsCase):
    def events_of(self, folder, query="*"):
        """What investigate makes of an acquired folder."""
        case = self.folder / "read.case"
        self.run_ok("investigate", folder, "--case", case, "--no-rules")
        run = self.run_ok("sql", case, "SELECT source, action, user_name, object_name FROM events ORDER BY time", "--format", "jsonl")
        return [json.loads(line) for line in run.out.splitlines()]

    def test_audit_log_of_a_cluster_by_windows(self):
        logs = self.moto.client("logs")
        group = "/aws/eks/prod/cluster"
        stream = "kube-apiserver-audit-0123"
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        now = int(time.time() * 1000)
        times = [now - hours * 3600 * 1000 for hours in (5, 4, 3, 2, 1)]
        events = []
        for number, at in enumerate(times):
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at / 1000)) + ".000000Z"
            events.append({"timestamp": at, "message": json.dumps(dict(AUDIT, auditID=f"a{number}", requestReceivedTimestamp=stamp, stageTimestamp=stamp))})
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        self.proxy.faults = [Fault("logs:FilterLogEvents", "throttle", 2, 1), Fault("logs:FilterLogEvents", "drop", 1, 3)]
        out = self.folder / "logs"
        self.run_ok("acquire", "logs", "--cluster", "prod", "--start", "6h", "--output-folder", out)
        files = sorted(out.glob("aws-eks-prod-cluster/*.jsonl"))
        lines = [json.loads(line) for f in files for line in f.read_text().splitlines()]
        self.assertEqual([line["timestamp"] for line in lines], times, "an event is missing or there twice")
        self.assertGreater(len(files), 3)
        rows = self.events_of(out)
        audit = [r for r in rows if r["source"] == "k8s_audit"]
        self.assertEqual(len(audit), 5, rows)
        self.assertEqual({r["user_name"] for r in audit}, {"mallory"})
        # One stream by GetLogEvents, and a group that is not there.
        out = self.folder / "stream"
        run = self.run_ok("acquire", "logs", group, "/no/such", "--stream", stream, "--start", "6h", "--output-folder", out, code=1)
        self.assertIn("/no/such", run.err)
        self.assertEqual(len((out / "aws-eks-prod-cluster" / f"{stream}.jsonl").read_text().splitlines()), 5)

    def test_event_history_within_its_rate(self):
        events = [trail_event(n) for n in range(120)]
        times = []

        def lookup(request):
            times.append(time.monotonic())
            asked = json.loads(request.body)
            self.assertEqual(asked["LookupAttributes"], [{"AttributeKey": "Username", "AttributeValue": "mallory"}])
            at = int(asked.get("NextToken", "0"))
            page = {"Events": [{"EventId": e["eventID"], "EventName": e["eventName"], "CloudTrailEvent": json.dumps(e)} for e in events[at:at + 50]]}
            if at + 50 < len(events):
                page["NextToken"] = str(at + 50)
            return json_answer(page)

        self.proxy.handlers["cloudtrail:LookupEvents"] = lookup
        out = self.folder / "trail"
        run = self.run_ok("acquire", "trail", "--start", "100d", "--attribute", "Username=mallory", "--output-folder", out, code=1)
        self.assertIn("90 days", run.err)
        self.assertGreater(times[-1] - times[0], 0.99, "faster than two calls a second")
        rows = self.events_of(out)
        self.assertEqual(len([r for r in rows if r["source"] == "cloudtrail"]), 120)

    def test_objects_and_digests_of_a_trail(self):
        s3 = self.moto.client("s3")
        s3.create_bucket(Bucket="org-trail", CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        day = time.strftime("%Y/%m/%d", time.gmtime())
        base = f"AWSLogs/{aws.ACCOUNT}"
        record = gzip.compress(json.dumps({"Records": [trail_event(1)]}).encode())
        keys = {f"{base}/CloudTrail/{aws.REGION}/{day}/a.json.gz": record,
                f"{base}/CloudTrail-Digest/{aws.REGION}/{day}/d.json.gz": gzip.compress(b"{}"),
                f"{base}/CloudTrail/{aws.REGION}/2020/01/01/old.json.gz": record}
        for key, body in keys.items():
            s3.put_object(Bucket="org-trail", Key=key, Body=body)
        out = self.folder / "trail"
        self.run_ok("acquire", "trail", "--s3", "s3://org-trail", "--start", "1h", "--output-folder", out)
        have = sorted(str(f.relative_to(out / "org-trail")) for f in out.rglob("*.gz"))
        self.assertEqual(have, sorted(k for k in keys if "2020" not in k))
        self.assertEqual([r["source"] for r in self.events_of(out / "org-trail")].count("cloudtrail"), 1)

    def test_findings_in_batches(self):
        ids = [f"{n:032x}" for n in range(120)]
        batches = []

        def listing(request):
            body = json.loads(request.body)
            self.assertIn("updatedAt", body["findingCriteria"]["criterion"])
            at = int(body.get("nextToken") or 0)
            page = {"findingIds": ids[at:at + body["maxResults"]], "nextToken": str(at + body["maxResults"]) if at + body["maxResults"] < len(ids) else ""}
            return json_answer(page)

        def getting(request):
            wanted = json.loads(request.body)["findingIds"]
            batches.append(len(wanted))
            return json_answer({"findings": [finding(i) for i in wanted]})

        self.proxy.handlers.update({"guardduty:ListDetectors": lambda request: json_answer({"detectorIds": ["d" * 32]}),
                                    "guardduty:ListFindings": listing, "guardduty:GetFindings": getting})
        out = self.folder / "findings"
        self.run_ok("acquire", "findings", "--output-folder", out)
        self.assertEqual(batches, [50, 50, 20])
        self.assertEqual(len((out / "findings.jsonl").read_text().splitlines()), 120)
        self.assertEqual([r["source"] for r in self.events_of(out)].count("guardduty"), 120)

    def test_bucket_verified_resumed_and_not_fetched_twice(self):
        s3 = self.moto.client("s3")
        s3.create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        big = os.urandom(3 << 20)
        bodies = {"flow/a b+c.log": b"plus", "flow/../up": b"up", "flow/x": b"file", "flow/x/y": b"below a file", "flow/ü.log": b"umlaut", "flow/big": big}
        for key, body in bodies.items():
            s3.put_object(Bucket="evidence", Key=key, Body=body)
        s3.put_object(Bucket="evidence", Key="other", Body=b"not asked for")
        cut = {"left": 2}

        def get(request):
            """Breaks big downloads after some bytes, and answers ranges."""
            if not request.path.endswith("/big"):
                return self.proxy.forward(request)
            start = int((request.headers.get("Range") or "bytes=0-").split("=")[1].split("-")[0])
            rest = big[start:]
            headers = {"ETag": '"' + hashlib.md5(big).hexdigest() + '"', "Content-Length": str(len(rest))}
            if cut["left"] > 0:
                cut["left"] -= 1
                request.close_connection = True
                return 206 if start else 200, headers, rest[:1 << 20]
            return 206 if start else 200, headers, rest

        self.proxy.handlers["s3:GetObject"] = get
        case = self.folder / "case"
        run = self.run_ok("-v", "acquire", "bucket", "s3://evidence/flow/", "--case", case)
        self.assertEqual(cut["left"], 0)
        self.assertIn("taken up again", run.err)
        folder = next((case / "acquired").iterdir())
        objects = {o["key"]: o for o in map(json.loads, (folder / "objects.jsonl").read_text().splitlines())}
        self.assertEqual(set(objects), set(bodies))
        for key, body in bodies.items():
            self.assertEqual((folder / objects[key]["file"]).read_bytes(), body, key)
            self.assertEqual(objects[key]["sha256"], hashlib.sha256(body).hexdigest())
            self.assertIn("md5", objects[key]["verified"])
        self.assertFalse((case / "acquired" / "up").exists())
        # Again: nothing is fetched but what is new. A damaged object is named.
        s3.put_object(Bucket="evidence", Key="flow/new", Body=b"new bytes")
        self.proxy.reset()
        self.proxy.faults = [Fault("s3:GetObject", "checksum", 1)]
        run = self.run_ok("acquire", "bucket", "s3://evidence/flow/", "--case", case, code=1)
        self.assertIn("wrong checksum", run.err)
        self.assertIn("flow/new", run.err)
        self.assertEqual(self.proxy.count("s3:GetObject"), 1)
        self.proxy.reset()
        self.run_ok("acquire", "bucket", "s3://evidence/flow/", "--case", case)
        self.assertEqual(self.proxy.count("s3:GetObject"), 1)


COLLECTOR = """#!/bin/sh
# Stands for the collector: sends what it was given and a block of bytes to the URLs of its standard input.
[ "$1" = --put-urls ] && [ "$2" = - ] || exit 9
shift 2
{ echo "arguments: $*"; head -c 6000000 /dev/zero | tr '\\0' x; } > "$0.data"
read first; read second
head -c 5242880 "$0.data" | curl -sSf -X PUT -H Content-Type: --data-binary @- "$first"
tail -c +5242881 "$0.data" | curl -sSf -X PUT -H Content-Type: --data-binary @- "$second"
"""


class Remote(AwsCase):
    def test_node_by_ssm(self):
        """The script that SSM would run is run here: only the agent is missing."""
        s3 = self.moto.client("s3")
        s3.create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        collector = self.folder / "collector"
        collector.write_text(COLLECTOR)
        scripts = []

        def send(request):
            parameters = json.loads(request.body)["Parameters"]
            scripts.append("\n".join(parameters["commands"]))
            return json_answer({"Command": {"CommandId": "c-1", "Status": "Pending"}})

        def invocation(request):
            if len(scripts) == 1:
                done = subprocess.run(["sh", "-c", scripts[0]], capture_output=True)
                scripts.append(done)
                return aws.error_body("ssm", 400, "InvocationDoesNotExist", "not yet")
            done = scripts[1]
            return json_answer({"Status": "Success" if done.returncode == 0 else "Failed", "StandardErrorContent": done.stderr.decode()})

        self.proxy.handlers.update({"ssm:SendCommand": send, "ssm:GetCommandInvocation": invocation})
        out = self.folder / "node"
        instance = "i-0123456789abcdef0"
        self.run_ok("acquire", "node", instance, "--via", "ssm", "--upload-to", "s3://uploads/nodes", "--collector", collector,
                    "--parts", "3", "--collect=--memory", "--collect=it's none", "--output-folder", out)
        archive = (out / f"{instance}.ekc").read_bytes()
        self.assertTrue(archive.startswith(b"arguments: --memory it's none\n"))
        self.assertEqual(archive.count(b"x"), 6000000)
        record = self.record(out)
        self.assertEqual([f["sha256"] for f in record["files"] if f["name"].endswith(".ekc")], [hashlib.sha256(archive).hexdigest()])
        self.assertNotIn("partNumber", scripts[0], "URLs that write stand in the command")
        self.assertNotIn("X-Amz-Signature", (out / "acquisition.json").read_text())
        self.assertEqual(list(pathlib.Path("/dev/shm").glob("ekshume.*")), [], "left on the node")
        # A collector that was changed on the way is not run.
        scripts.clear()
        out = self.folder / "changed"

        def swapped(request):
            parameters = json.loads(request.body)["Parameters"]
            scripts.append(re.sub(r"[0-9a-f]{64}  ", "0" * 64 + "  ", "\n".join(parameters["commands"])))
            return json_answer({"Command": {"CommandId": "c-2", "Status": "Pending"}})

        self.proxy.handlers["ssm:SendCommand"] = swapped
        run = self.run_ok("acquire", "node", instance, "--via", "ssm", "--upload-to", "s3://uploads/nodes", "--collector", collector,
                          "--parts", "2", "--output-folder", out, code=1)
        self.assertIn("SSM says Failed", run.err)
        self.assertIn("no part of the archive", run.err)

    def test_task_by_ecs_exec(self):
        s3 = self.moto.client("s3")
        s3.create_bucket(Bucket="taskuploads", CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        collector = self.folder / "collector"
        collector.write_text(COLLECTOR)
        allowed = {"enableExecuteCommand": False}
        commands = self.folder / "command.sh"

        def execute(request):
            commands.write_text(json.loads(request.body)["command"])
            return json_answer({"session": {"sessionId": "s-1", "streamUrl": "wss://x.test", "tokenValue": "t"}})

        self.proxy.handlers.update({"ecs:DescribeTasks": lambda request: json_answer({"tasks": [dict(allowed, taskArn="arn")]}),
                                    "ecs:ExecuteCommand": execute})
        tools = self.folder / "bin"
        tools.mkdir()
        arguments = ["acquire", "task", "0123", "--cluster", "prod", "--container", "web", "--upload-to", "s3://taskuploads",
                     "--collector", collector, "--parts", "2", "--output-folder"]
        run = AwsRun(self.proxy, *arguments, self.folder / "a")
        self.assertEqual(run.code, 3)
        self.assertIn("session-manager-plugin", run.err)
        plugin = tools / "session-manager-plugin"
        plugin.write_text(f'#!/bin/sh\necho "$1" > {self.folder}/channel\nexec sh {commands}\n')
        plugin.chmod(0o755)
        path = f"{tools}:{os.environ['PATH']}"
        run = AwsRun(self.proxy, *arguments, self.folder / "b", PATH=path)
        self.assertEqual(run.code, 3)
        self.assertIn("enableExecuteCommand", run.err)
        allowed["enableExecuteCommand"] = True
        self.run_ok(*arguments, self.folder / "c", PATH=path)
        self.assertTrue((self.folder / "c" / "web.ekc").read_bytes().startswith(b"arguments:"))
        self.assertEqual(json.loads((self.folder / "channel").read_text())["sessionId"], "s-1")


class Watch(AwsCase):
    """Findings start the acquisition of the snapshot that they name, once, and a webhook is called."""

    def setUp(self):
        super().setUp()
        ec2 = self.moto.client("ec2")
        images = ec2.describe_images(Owners=["amazon"])["Images"]
        self.instance = ec2.run_instances(ImageId=images[0]["ImageId"], MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        self.hooks = []
        self.proxy.handlers["None:POST/hook"] = self.hook
        self.policy = self.folder / "policy.yaml"
        self.policy.write_text(f"webhook: {self.proxy.url}/hook\nrules:\n  - type: 'CryptoCurrency:*'\n    min_severity: 5\n"
                               "    acquire: snapshot\n    arguments: ['--no-download']\n")

    def hook(self, request):
        self.hooks.append(json.loads(request.body))
        return 200, {}, b""

    def findings(self):
        on_instance = finding("f1", "CryptoCurrency:EC2/BitcoinTool.B", 8.0)
        on_instance["resource"] = {"resourceType": "Instance", "instanceDetails": {"instanceId": self.instance}}
        again = dict(on_instance, id="f2")
        low = dict(on_instance, id="f3", severity=2.0)
        other = finding("f4")
        return [low, other, on_instance, again]

    def check(self, case):
        self.assertEqual(self.proxy.count("ec2:CreateSnapshots"), 1, "not once per object")
        self.assertEqual(len(list((case / "acquired").iterdir())), 1)
        self.assertEqual([(h["object"], h["acquired"], h["exit_code"]) for h in self.hooks], [(self.instance, "snapshot", 0)])
        self.assertEqual(self.hooks[0]["finding_id"], "f1")

    def test_events_of_standard_input(self):
        case = self.folder / "case"
        events = [{"detail-type": "GuardDuty Finding", "detail": f} for f in self.findings()]
        events.append({"Type": "Notification", "Message": json.dumps(events[2])})
        lines = "".join(json.dumps(e) + "\n" for e in events).encode() + b"no json\n"
        arguments = ["watch", "--policy", self.policy, "--case", case, "--stdin"]
        run = self.run_ok(*arguments, stdin=lines, code=1)
        self.assertIn("no JSON object", run.err)
        self.assertIn(f"acquiring the snapshot {self.instance}", run.out)
        self.check(case)
        # Another run of the same case remembers.
        self.run_ok(*arguments, stdin=json.dumps(events[2]).encode())
        self.check(case)

    def test_guardduty_is_polled(self):
        found = self.findings()
        self.proxy.handlers.update({
            "guardduty:ListDetectors": lambda request: json_answer({"detectorIds": ["d" * 32]}),
            "guardduty:ListFindings": lambda request: json_answer({"findingIds": [f["id"] for f in found]}),
            "guardduty:GetFindings": lambda request: json_answer({"findings": found})})
        case = self.folder / "case"
        for _ in range(2):
            self.run_ok("watch", "--policy", self.policy, "--case", case, "--once")
        self.check(case)

    def test_a_queue(self):
        sqs = self.moto.client("sqs")
        queue = sqs.create_queue(QueueName="findings")["QueueUrl"]
        for f in self.findings():
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"detail-type": "GuardDuty Finding", "detail": f}))
        case = self.folder / "case"
        self.run_ok("watch", "--policy", self.policy, "--case", case, "--queue", queue, "--once")
        self.assertEqual(self.proxy.count("ec2:CreateSnapshots"), 1)
        self.assertEqual(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]["ApproximateNumberOfMessages"], "0")

    def test_a_policy_that_is_misspelt_is_refused(self):
        self.policy.write_text("rules:\n  - aquire: pod\n")
        run = AwsRun(self.proxy, "watch", "--policy", self.policy, "--case", self.folder / "case", "--once")
        self.assertEqual(run.code, 2, run)
        self.assertIn("aquire", run.err)


def finding(identity, kind="Execution:Kubernetes/ExecInKubeSystemPod", severity=5.0):
    return {"accountId": aws.ACCOUNT, "arn": f"arn:aws:guardduty:{aws.REGION}:{aws.ACCOUNT}:detector/d/finding/{identity}",
            "createdAt": "2026-11-24T21:00:00.000Z", "updatedAt": "2026-11-24T21:05:00.000Z", "id": identity, "partition": "aws",
            "region": aws.REGION, "schemaVersion": "2.0", "severity": severity, "title": "A command was executed inside a pod",
            "description": "x", "type": kind,
            "resource": {"resourceType": "EKSCluster", "eksClusterDetails": {"name": "prod", "arn": f"arn:aws:eks:{aws.REGION}:{aws.ACCOUNT}:cluster/prod"},
                         "kubernetesDetails": {"kubernetesUserDetails": {"username": "mallory"},
                                               "kubernetesWorkloadDetails": {"name": "web", "namespace": "shop", "type": "pods"}}},
            "service": {"serviceName": "guardduty", "detectorId": "d", "count": 1, "eventFirstSeen": "2026-11-24T21:00:00.000Z",
                        "eventLastSeen": "2026-11-24T21:04:00.000Z", "archived": False,
                        "action": {"actionType": "KUBERNETES_API_CALL", "kubernetesApiCallAction": {"requestUri": "/", "verb": "create"}}}}


if __name__ == "__main__":
    aws.skip_without_moto()
    unittest.main(verbosity=2)
