#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The static collector writes to S3 with credentials of its own (`--to s3://...`), against moto's S3 and STS; botocore computes every signature
again. Needs root."""
import hashlib
import json
import os
import pathlib
import platform
import secrets
import shutil
import subprocess
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import aws  # noqa: E402
import ekshume  # noqa: E402
from collection import Collection  # noqa: E402

LIBEXEC = pathlib.Path(os.environ.get("EKSHUME_LIBEXEC", pathlib.Path(ekshume.EKSHUME).resolve().parent.parent / "libexec/ekshume"))
COLLECTOR = LIBEXEC / f"ekshume-collect-{platform.machine()}"


class CollectToS3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.moto = aws.Moto()
        cls.proxy = aws.Proxy(cls.moto)
        cls.s3 = cls.moto.client("s3")
        cls.s3.create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        cls.noise = ekshume.work_folder() / "noise"
        cls.noise.write_bytes(secrets.token_bytes(12 << 20))

    def setUp(self):
        self.proxy.reset()

    def collect(self, to, *arguments, code=(0, 1), program=(COLLECTOR,), **environment):
        variables = self.proxy.environment(**environment)
        run = subprocess.run([*program, "--pid", str(os.getpid()), "--profile", "none", "--glob", str(self.noise), "--part-bytes", "5M", "--to", to,
                              *arguments], capture_output=True, text=True, timeout=120, env=variables)
        self.assertIn(run.returncode, code, run.stderr)
        self.assertNotIn("X-Amz", run.stderr + run.stdout)
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            if variables.get(name):
                self.assertNotIn(variables[name], run.stderr + run.stdout)
        return run

    def check_signatures(self):
        from botocore.auth import S3SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        checked = 0
        for action, path, _ in self.proxy.requests:
            if not action.startswith("s3:"):
                continue
            url, query = path.split("?")
            pairs = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
            method = "PUT" if "partNumber" in pairs else "POST"
            auth = S3SigV4QueryAuth(Credentials(aws.KEY_ID, aws.SECRET), "s3", aws.REGION, expires=900)
            unsigned = "&".join(pair for pair in query.split("&") if not pair.startswith("X-Amz-Signature="))
            copy = AWSRequest(method, f"http://127.0.0.1:{self.proxy.port}{url}?{unsigned}", headers={})
            copy.context["timestamp"] = pairs["X-Amz-Date"]
            self.assertEqual(auth.signature(auth.string_to_sign(copy, auth.canonical_request(copy)), copy), pairs["X-Amz-Signature"], path)
            checked += 1
        self.assertGreaterEqual(checked, 5)

    def test_keys_of_the_environment(self):
        self.proxy.faults = [aws.Fault("s3:PutObject", "500", times=1, skip=2)]
        run = self.collect("s3://evidence/case 1/node.ekc")
        parts = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual([part["part"] for part in parts], [1, 2, 3])
        data = self.s3.get_object(Bucket="evidence", Key="case 1/node.ekc")["Body"].read()
        self.assertEqual([part["sha256"] for part in parts],
                         [hashlib.sha256(data[at:at + (5 << 20)]).hexdigest() for at in range(0, len(data), 5 << 20)])
        got = Collection(data)
        self.assertFalse(got.cut)
        self.assertEqual(got.members[f"root{self.noise}"], self.noise.read_bytes())
        self.assertEqual(set(self.proxy.actions), {"s3:PutObject"})
        self.check_signatures()

    def test_the_program_for_arm64(self):
        program = LIBEXEC / "ekshume-collect-aarch64"
        emulator = shutil.which("qemu-aarch64-static")
        if not program.is_file() or not emulator:
            self.skipTest("not built, or no qemu-aarch64-static to run it")
        self.proxy.faults = [aws.Fault("s3:PutObject", "500", times=1, skip=1)]
        self.collect("s3://evidence/arm64.ekc", program=(emulator, program))
        got = Collection(self.s3.get_object(Bucket="evidence", Key="arm64.ekc")["Body"].read())
        self.assertFalse(got.cut)
        got.check_manifest()
        self.assertEqual(got.members[f"root{self.noise}"], self.noise.read_bytes())
        self.assertEqual(set(self.proxy.actions), {"s3:PutObject"})
        self.check_signatures()

    def test_web_identity(self):
        token = ekshume.work_folder() / "token"
        token.write_text("eyJhbGciOiJub25lIn0.e30.x")
        self.collect("s3://evidence/web.ekc", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
                     AWS_ROLE_ARN=f"arn:aws:iam::{aws.ACCOUNT}:role/collector")
        self.assertFalse(Collection(self.s3.get_object(Bucket="evidence", Key="web.ekc")["Body"].read()).cut)
        self.assertEqual(self.proxy.count("sts:AssumeRoleWithWebIdentity"), 1)
        self.assertTrue(all("X-Amz-Security-Token" in path for action, path, _ in self.proxy.requests if action.startswith("s3:")))

    def test_what_fails_is_said(self):
        self.proxy.faults = [aws.Fault("s3:PutObject", "denied", times=1)]
        run = self.collect("s3://evidence/denied.ekc", code=(3,))
        self.assertIn("s3:PutObject (to begin an upload) was answered by 403 AccessDenied", run.stderr)
        self.proxy.faults = [aws.Fault("s3:PutObject", "denied", times=1, skip=1)]
        self.assertIn("part 1 was not sent", self.collect("s3://evidence/denied.ekc", code=(3,)).stderr)
        self.assertEqual(self.s3.list_objects_v2(Bucket="evidence", Prefix="denied").get("Contents", []), [])
        for to, words in (("s3://evidence/folder/", "is no s3://BUCKET/KEY"), ("evidence/x", "is no s3://BUCKET/KEY")):
            self.assertIn(words, self.collect(to, code=(2,)).stderr)
        self.assertIn("neither AWS_ACCESS_KEY_ID", self.collect("s3://evidence/x", code=(2,), AWS_ACCESS_KEY_ID=None).stderr)
        self.assertIn("AWS_REGION", self.collect("s3://evidence/x", code=(2,), AWS_REGION=None).stderr)
        self.assertIn("--to goes alone", self.collect("s3://evidence/x", "--output", "/dev/null", code=(2,)).stderr)

    def test_the_program_stays_small(self):
        self.assertLess(COLLECTOR.stat().st_size, 8 << 20)


if __name__ == "__main__":
    if os.geteuid() != 0:
        ekshume.skip_all("needs root: other processes' memory and files")
    if not COLLECTOR.is_file():
        ekshume.skip_all(f"{COLLECTOR} was not built")
    aws.skip_without_moto()
    unittest.main()
