#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens of EKS that ekshume makes itself: an API server on loopback takes only those that hold a call of STS with the signature that botocore
computes for it. moto is EKS. (moto's STS takes no call that is signed in its URL, so the call is not made.)"""
import base64
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import aws  # noqa: E402
from ekshume import EKSHUME, work_folder  # noqa: E402


class ApiServer:
    """Answers discovery and one list to whoever holds a token that STS would take."""

    def __init__(self, proxy):
        self.proxy, self.urls, self.callers = proxy, [], []
        folder = work_folder()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", folder / "api.key", "-out",
                        folder / "api.crt", "-subj", "/CN=api", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.ca = (folder / "api.crt").read_bytes()
        own = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                own.serve(self)

            do_POST = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "api.crt", folder / "api.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, request):
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        status = 200 if self.accepts(request.headers.get("Authorization", "")) else 401
        body = {"/version": {"gitVersion": "v1.30.1-eks"}, "/api/v1": {"resources": [{"name": "pods", "kind": "Pod", "verbs": ["list"]}]},
                "/apis": {"groups": []}, "/api/v1/pods": {"items": [{"metadata": {"name": "web"}}]}}.get(request.path.split("?")[0], {})
        data = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def accepts(self, authorization):
        if not authorization.startswith("Bearer k8s-aws-v1."):
            return False
        text = authorization[len("Bearer k8s-aws-v1."):]
        if "=" in text:
            return False
        url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        parts = urllib.parse.urlsplit(url)
        query = urllib.parse.parse_qs(parts.query)
        self.urls.append(url)
        if parts.netloc != f"127.0.0.1:{self.proxy.port}" or query["X-Amz-SignedHeaders"] != ["host;x-k8s-aws-id"] or not self.signed(parts, query):
            return False
        self.callers.append(query["X-Amz-Credential"][0].split("/")[0])
        return True

    @staticmethod
    def signed(parts, query):
        """Whether botocore signs the same URL with the same signature."""
        from botocore.auth import SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        auth = SigV4QueryAuth(Credentials(aws.KEY_ID, aws.SECRET), "sts", aws.REGION, expires=60)
        unsigned = "&".join(pair for pair in parts.query.split("&") if not pair.startswith("X-Amz-Signature="))
        copy = AWSRequest("GET", f"http://{parts.netloc}{parts.path}?{unsigned}", headers={"x-k8s-aws-id": "prod"})
        copy.context["timestamp"] = query["X-Amz-Date"][0]
        expected = auth.signature(auth.string_to_sign(copy, auth.canonical_request(copy)), copy)
        return query["X-Amz-Expires"] == ["60"] and query["X-Amz-Signature"] == [expected]


class EksToken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.moto = aws.Moto()
        cls.proxy = aws.Proxy(cls.moto)
        cls.api = ApiServer(cls.proxy)
        cls.moto.client("eks").create_cluster(name="prod", roleArn=f"arn:aws:iam::{aws.ACCOUNT}:role/eks", resourcesVpcConfig={})

        def describe(request):
            """moto's answer, with the API server that is there."""
            status, headers, body = cls.proxy.forward(request)
            if status == 200:
                answer = json.loads(body)
                answer["cluster"].update(endpoint=cls.api.url, certificateAuthority={"data": base64.b64encode(cls.api.ca).decode()})
                body = json.dumps(answer).encode()
            return status, {"Content-Type": "application/json"}, body

        for name in ("prod", "none"):
            cls.proxy.handlers[f"eks:GET/clusters/{name}"] = describe

    def setUp(self):
        self.proxy.reset()
        self.api.urls, self.api.callers = [], []

    def acquire(self, name, *arguments, **environment):
        out = work_folder() / name
        run = subprocess.run([EKSHUME, "acquire", "cluster", "--output-folder", out, *arguments], capture_output=True, text=True, timeout=120,
                             env=self.proxy.environment(**environment))
        return out, run

    def kubeconfig(self, command, *arguments):
        path = work_folder() / f"{os.path.basename(command)}.conf"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": self.api.url, "certificate-authority-data": base64.b64encode(self.api.ca).decode()}}],
            "users": [{"name": "u", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": command,
                                                      "args": list(arguments)}}}]}))
        return path

    def check(self, out, run):
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn('"name":"web"', (out / "objects/core/pods.jsonl").read_text())
        self.assertTrue(self.api.callers)
        self.assertEqual(set(self.api.callers), {aws.KEY_ID})
        record = (out / "acquisition.json").read_text()
        for url in self.api.urls:
            self.assertNotIn(urllib.parse.parse_qs(url)["X-Amz-Signature"][0], record + run.stderr)
        self.assertNotIn("k8s-aws-v1", record + run.stderr)

    def test_without_a_kubeconfig(self):
        out, run = self.acquire("eks", "--eks-cluster", "prod", "--region", aws.REGION)
        self.check(out, run)
        self.assertEqual(self.proxy.signature_errors, [])
        self.assertIn("EKS cluster prod", (out / "acquisition.json").read_text())

    def test_in_place_of_the_programs(self):
        for command, arguments in (("aws", ["--region", aws.REGION, "eks", "get-token", "--cluster-name", "prod", "--output", "json"]),
                                   ("aws-iam-authenticator", ["token", "-i", "prod"])):
            with self.subTest(command):
                out, run = self.acquire(f"by-{command}", "--kubeconfig", self.kubeconfig(f"/nowhere/{command}", *arguments))
                self.check(out, run)

    def test_the_program_is_run_when_that_is_wanted(self):
        program = work_folder() / "aws"
        program.write_text("#!/bin/sh\necho ran >> \"$0.ran\"\nexit 7\n")
        program.chmod(0o755)
        config = self.kubeconfig(str(program), "eks", "get-token", "--cluster-name", "prod")
        _, run = self.acquire("plugin", "--kubeconfig", config, "--exec-plugin")
        self.assertEqual(run.returncode, 3)
        self.assertIn("ended with status 7", run.stderr)
        self.assertTrue(pathlib.Path(f"{program}.ran").exists())
        self.assertEqual(self.api.urls, [])

    def test_what_is_missing_is_said(self):
        self.proxy.faults = [aws.Fault("eks:GET/clusters/prod", "denied", times=9)]
        _, run = self.acquire("denied", "--eks-cluster", "prod", "--region", aws.REGION)
        self.assertEqual(run.returncode, 3)
        self.assertIn("eks:DescribeCluster", run.stderr)
        _, run = self.acquire("none", "--eks-cluster", "none", "--region", aws.REGION)
        self.assertEqual(run.returncode, 3)
        _, run = self.acquire("both", "--eks-cluster", "prod", "--kubeconfig", "x")
        self.assertEqual(run.returncode, 2)


if __name__ == "__main__":
    aws.skip_without_moto()
    unittest.main()
