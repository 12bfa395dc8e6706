#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Acquisition from AWS, against moto's server behind a proxy that checks signatures with botocore and makes faults
(tests/support/aws.py): snapshots into images and opened where they lie."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import aws  # noqa: E402
from aws import BLOCK, Fault  # noqa: E402
from ekshume import EKSHUME, Case, shared_evidence, unpacked, work_folder  # noqa: E402


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
        aws.skip_without_moto()
        cls.moto = aws.Moto()
        cls.proxy = aws.Proxy(cls.moto)

    def setUp(self):
        self.proxy.reset()
        self.folder = work_folder() / self.id().rsplit(".", 1)[1]
        self.folder.mkdir()

    def tearDown(self):
        self.assertEqual(self.proxy.signature_errors, [])

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

    def test_a_token_that_is_refused_is_asked_for_anew(self):
        self.proxy.faults = [Fault("ebs:GetSnapshotBlock", "token", 1, 2)]
        self.run_ok("image", "info", self.NAME)
        self.assertGreater(self.proxy.count("ebs:ListSnapshotBlocks"), self.total // aws.PAGE + 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
