#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ekshume operator` on a real Kubernetes under exactly its roles, with moto's S3 as the destination: as a program of this machine, and as the Deployment of
deploy/kubernetes with the image that tools/make-image makes."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import aws  # noqa: E402
import ekshume  # noqa: E402
import lab  # noqa: E402
from collection import Collection  # noqa: E402
from lab import kubectl, objects  # noqa: E402

DEPLOY = ekshume.ROOT / "deploy/kubernetes"
BUILD = pathlib.Path(ekshume.EKSHUME).resolve().parents[2]
OWN_IMAGE = "registry.test/ekshume:1"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"},
       "spec": {"terminationGracePeriodSeconds": 0,
                "containers": [{"name": "app", "image": lab.IMAGE, "imagePullPolicy": "IfNotPresent",
                                "command": ["sh", "-c", "echo hello; exec sleep 86400"]}]}}


class Operator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.moto = aws.Moto()
        cls.proxy = aws.Proxy(cls.moto)
        cls.s3 = cls.moto.client("s3")
        cls.s3.create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        kubectl("apply", "-f", str(DEPLOY / "rbac.yaml"), "-f", str(DEPLOY / "podcheckpoint-crd.yaml"))
        # All of the manifest but the Deployment: tests start operators as they need them.
        kubectl("apply", "--dry-run=server", "-f", str(DEPLOY / "operator.yaml"))
        kubectl("apply", "-f", "-", stdin="---".join(part for part in (DEPLOY / "operator.yaml").read_text().split("---") if "kind: Deployment" not in part))
        lab.make_namespace("shop")
        kubectl("create", "-f", "-", stdin=json.dumps(POD))
        kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/web", "--timeout=90s")
        cls.config = lab.config_of("ekshume", "ekshume-operator", cls.folder / "operator.conf")

    @classmethod
    def tearDownClass(cls):
        kubectl("delete", "namespace", "shop", "--wait=false")
        kubectl("delete", "--wait=false", "--ignore-not-found", "-f", str(DEPLOY / "operator.yaml"), "-f", str(DEPLOY / "podcheckpoint-crd.yaml"),
                "-f", str(DEPLOY / "rbac.yaml"))
        shutil.rmtree(cls.folder)

    def start(self, name, *arguments):
        log = open(self.folder / f"{name}.log", "wb")
        return subprocess.Popen([ekshume.EKSHUME, "operator", "--kubeconfig", self.config, "--identity", name, "--destination", "s3://evidence/ir",
                                 "--image", lab.IMAGE, "--work-folder", self.folder / f"{name}.work", *arguments], stdout=log, stderr=log,
                                env=self.proxy.environment())

    def checkpoint(self, name, **spec):
        kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "forensics.keikoproj.io/v1alpha1", "kind": "PodCheckpoint",
                                                       "metadata": {"name": name, "namespace": "ekshume"}, "spec": spec}))

    def status(self, name):
        return objects("-n", "ekshume", "podcheckpoint", name).get("status", {})

    def wait(self, name, seconds=120):
        for _ in range(seconds * 2):
            if self.status(name).get("phase") in ("Succeeded", "Failed"):
                return self.status(name)
            time.sleep(0.5)
        self.fail(f"{name}: {self.status(name)} {[p.read_text() for p in self.folder.glob('*.log')]}")

    def keys(self, prefix):
        return {o["Key"][len(prefix):] for o in self.s3.list_objects_v2(Bucket="evidence", Prefix=prefix).get("Contents", [])}

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        return process.wait(60)

    def test_acquires_to_s3(self):
        operators = [self.start("op-a"), self.start("op-b")]  # two do no harm
        try:
            time.sleep(2)
            self.checkpoint("web", destination="s3://evidence/ir", subpath="case-1", pod="web", namespace="shop", clusterName="lab", memory="anonymous")
            status = self.wait("web")
            self.checkpoint("nobody", pod="nobody", namespace="shop")
            self.checkpoint("elsewhere", destination="s3://elsewhere", pod="web", namespace="shop")
            missing, elsewhere = self.wait("nobody"), self.wait("elsewhere")
        finally:
            codes = [self.stop(one) for one in operators]
        self.assertEqual(codes, [0, 0], [p.read_text() for p in self.folder.glob("*.log")])
        self.assertEqual(status["phase"], "Succeeded", status)
        condition = status["conditions"][0]
        self.assertEqual((condition["type"], condition["status"]), ("Complete", "True"))
        self.assertEqual((status["active"], status["succeeded"], status["failed"], status["attempts"]), (0, 1, 0, 1))
        self.assertLessEqual(status["startTime"], status["completionTime"])
        prefix = re.fullmatch(r"s3://evidence/(ir/case-1/lab/\d+_shop_web)", status["location"]).group(1) + "/"
        keys = self.keys(prefix)
        self.assertLessEqual({"acquisition.json", "state/pod.json", "logs/app.current.log", "collection/part-1.ekc"}, keys)
        read = lambda key: self.s3.get_object(Bucket="evidence", Key=prefix + key)["Body"].read()
        record = json.loads(read("acquisition.json"))
        self.assertEqual(hashlib.sha256(read("acquisition.json")).hexdigest(), status["sha256"])
        self.assertEqual({f["name"] for f in record["files"]}, keys - {"acquisition.json"})
        for file in record["files"]:
            self.assertEqual(hashlib.sha256(read(file["name"])).hexdigest(), file["sha256"], file["name"])
        self.assertEqual([f for f in record["failures"] if f["missing_permission"]], [])
        uid = objects("-n", "shop", "pod", "web")["metadata"]["uid"]
        collection = Collection(read("collection/part-1.ekc"))
        self.assertFalse(collection.cut)
        self.assertTrue(any(row["pod_uid"] == uid for row in collection.table("live/processes.jsonl")))
        self.assertEqual(len([k for k in self.keys("ir/case-1/") if k.endswith("acquisition.json")]), 1, "acquired once")
        self.assertEqual((missing["phase"], missing["conditions"][0]["type"], missing["conditions"][0]["reason"]), ("Failed", "Failed", "NotFound"))
        self.assertEqual(elsewhere["conditions"][0]["reason"], "Invalid")
        self.assertEqual(self.proxy.signature_errors, [])
        self.assertLessEqual({action for action in self.proxy.actions if action.startswith("s3:")}, {"s3:PutObject"})
        self.assertEqual([path for name in ("op-a", "op-b") for path in (self.folder / f"{name}.work").glob("*")], [])
        self.assertEqual(kubectl("-n", "ekshume", "get", "pods", "-o", "name").strip(), "")
        # After a restart there is nothing to do.
        before = len(self.proxy.actions)
        self.assertEqual(self.start("op-a", "--once").wait(60), 0)
        self.assertEqual(len([a for a in self.proxy.actions[before:] if a.startswith("s3:")]), 0)

    def import_image(self):
        """The image of this build, on the cluster's node. EKSHUME_PREFIX: an ekshume that is installed already."""
        prefix = pathlib.Path(os.environ.get("EKSHUME_PREFIX", self.folder / "prefix"))
        if "EKSHUME_PREFIX" not in os.environ:
            subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix, "--strip"], check=True, stdout=subprocess.DEVNULL)
        archive = self.folder / "image.tar"
        subprocess.run([ekshume.ROOT / "tools/make-image", "--name", OWN_IMAGE, prefix, archive], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ctr", "--address", lab.LAB / "run/containerd/containerd.sock", "--namespace", "k8s.io", "images", "import", archive], check=True,
                       stdout=subprocess.DEVNULL)
        archive.unlink()

    def deployment(self):
        """The Deployment of the manifest, filled in as its comment says, for a cluster whose pods reach neither the API server nor S3 but through the node's network."""
        text = next(part for part in (DEPLOY / "operator.yaml").read_text().split("---") if "kind: Deployment" in part)
        aws_names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED")
        variables = {name: self.proxy.environment()[name] for name in aws_names}
        variables.update(KUBERNETES_SERVICE_HOST="127.0.0.1", KUBERNETES_SERVICE_PORT="6443")
        home = "- {name: HOME, value: /work}\n"
        for was, becomes in (("image: IMAGE", f"image: {OWN_IMAGE}"), ("s3://EVIDENCE-BUCKET/pods", "s3://evidence/ir"), ("eu-central-1", aws.REGION),
                             ("--work-folder, /work/acquired]", f"--work-folder, /work/acquired, --image, {json.dumps(lab.IMAGE)}]"),
                             ("    spec:\n      serviceAccountName:", "    spec:\n      hostNetwork: true\n      serviceAccountName:"),
                             (home, home + "".join(f"        - {{name: {name}, value: {json.dumps(value)}}}\n" for name, value in variables.items()))):
            self.assertEqual(text.count(was), 1, was)
            text = text.replace(was, becomes)
        return text

    def test_as_a_deployment(self):
        self.import_image()
        kubectl("apply", "-f", "-", stdin=self.deployment())
        try:
            kubectl("-n", "ekshume", "rollout", "status", "deployment/ekshume-operator", "--timeout=120s")
            self.checkpoint("deployed", pod="web", namespace="shop", subpath="case-2")
            status = self.wait("deployed")
            self.checkpoint("deployed-nobody", pod="nobody", namespace="shop")
            missing = self.wait("deployed-nobody")
            pods = objects("-n", "ekshume", "pods", "-l", "app.kubernetes.io/name=ekshume-operator")["items"]
            said = kubectl("-n", "ekshume", "logs", "deployment/ekshume-operator")
        finally:
            kubectl("-n", "ekshume", "delete", "deployment", "ekshume-operator", "--wait=true")
            kubectl("-n", "ekshume", "wait", "--for=delete", "pod", "-l", "app.kubernetes.io/name=ekshume-operator", "--timeout=90s", check=False)
        self.assertEqual([p["status"]["containerStatuses"][0]["restartCount"] for p in pods], [0], said)
        self.assertEqual(status["phase"], "Succeeded", (status, said))
        condition = status["conditions"][0]
        self.assertEqual((condition["type"], condition["status"]), ("Complete", "True"))
        self.assertEqual((missing["phase"], missing["conditions"][0]["type"], missing["conditions"][0]["reason"]), ("Failed", "Failed", "NotFound"))
        prefix = re.fullmatch(r"s3://evidence/(ir/case-2/\d+_shop_web)", status["location"]).group(1) + "/"
        read = lambda key: self.s3.get_object(Bucket="evidence", Key=prefix + key)["Body"].read()
        record = json.loads(read("acquisition.json"))
        self.assertEqual(hashlib.sha256(read("acquisition.json")).hexdigest(), status["sha256"])
        self.assertEqual({f["name"] for f in record["files"]}, self.keys(prefix) - {"acquisition.json"})
        uid = objects("-n", "shop", "pod", "web")["metadata"]["uid"]
        collection = Collection(read("collection/part-1.ekc"))
        self.assertFalse(collection.cut)
        self.assertTrue(any(row["pod_uid"] == uid for row in collection.table("live/processes.jsonl")))
        self.assertNotIn(aws.SECRET, said)

    def test_upload_that_fails_is_said(self):
        self.proxy.faults.append(aws.Fault("s3:PutObject", "denied", times=99))
        self.checkpoint("denied", pod="web", namespace="shop")
        process = self.start("op-c", "--once")
        self.assertEqual(process.wait(120), 0)
        self.proxy.reset()
        condition = self.status("denied")["conditions"][0]
        self.assertEqual((condition["type"], condition["reason"]), ("Failed", "UploadFailed"))
        self.assertIn("s3:PutObject", condition["message"])


if __name__ == "__main__":
    aws.skip_without_moto()
    lab.main()
