# SPDX-License-Identifier: Apache-2.0
"""`ekshume acquire cluster|node|pod` against a real Kubernetes under exactly the roles of deploy/kubernetes."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402
import lab  # noqa: E402
from collection import Collection  # noqa: E402
from lab import kubectl, objects  # noqa: E402

RBAC = ekshume.ROOT / "deploy/kubernetes/rbac.yaml"
PASSWORD = "cGFzc3dvcmQtb2YtdGhlLXNob3A="  # what no acquisition may hold
CRD = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "clusterpolicies.kyverno.io"},
       "spec": {"group": "kyverno.io", "scope": "Cluster", "names": {"kind": "ClusterPolicy", "plural": "clusterpolicies", "singular": "clusterpolicy"},
                "versions": [{"name": "v1", "served": True, "storage": True,
                              "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}, "data": {"password": PASSWORD}}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"},
       "spec": {"terminationGracePeriodSeconds": 0,
                "containers": [{"name": name, "image": lab.IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "86400"]}
                               for name in ("app", "sidecar")]}}


class AcquireRoles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        kubectl("apply", "-f", str(RBAC))
        lab.make_namespace("shop")
        kubectl("apply", "-f", "-", stdin=json.dumps(SECRET))  # apply writes the value into an annotation as well
        kubectl("apply", "-f", "-", stdin=json.dumps(CRD))
        kubectl("create", "-f", "-", stdin=json.dumps(POD))
        for _ in range(30):
            policy = {"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": {"name": "no-privileged"}, "spec": {"rules": []}}
            if kubectl("create", "-f", "-", stdin=json.dumps(policy), check=False):
                break
            time.sleep(1)
        kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/web", "--timeout=90s")
        cls.reader = lab.config_of("ekshume", "ekshume-reader", cls.folder / "reader.conf")
        cls.responder = lab.config_of("ekshume", "ekshume-responder", cls.folder / "responder.conf")

    @classmethod
    def tearDownClass(cls):
        kubectl("delete", "namespace", "shop", "--wait=false")
        kubectl("delete", "crd", "clusterpolicies.kyverno.io", "--wait=false")
        kubectl("delete", "-f", str(RBAC), "--wait=false", "--ignore-not-found")
        shutil.rmtree(cls.folder)

    def acquire(self, name, *arguments, config):
        out = self.folder / name
        run = subprocess.run([ekshume.EKSHUME, "acquire", *arguments, "--kubeconfig", config, "--output-folder", out], capture_output=True,
                             text=True, timeout=300)
        record = json.loads((out / "acquisition.json").read_text()) if (out / "acquisition.json").exists() else None
        return out, record, run

    @staticmethod
    def rows(path):
        return [json.loads(line) for line in path.read_text().splitlines()]

    def test_cluster(self):
        kubectl("create", "clusterrolebinding", "ekshume-secrets", "--clusterrole=ekshume-secrets-metadata", "--serviceaccount=ekshume:ekshume-reader")
        try:
            out, record, run = self.acquire("cluster", "cluster", config=self.reader)
        finally:
            kubectl("delete", "clusterrolebinding", "ekshume-secrets")
        self.assertEqual(record["failures"], [])
        self.assertEqual(run.returncode, 0, run.stderr)
        core = out / "objects/core"
        for resource in ("pods", "nodes", "namespaces", "serviceaccounts", "configmaps", "services", "secrets"):
            names = {(o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects(resource, "-A")["items"]}
            acquired = {(o["metadata"].get("namespace"), o["metadata"]["name"]) for o in self.rows(core / f"{resource}.jsonl")}
            self.assertEqual(acquired, names, resource)
        for group, resource in (("rbac.authorization.k8s.io", "clusterroles"), ("rbac.authorization.k8s.io", "clusterrolebindings"),
                                ("apiextensions.k8s.io", "customresourcedefinitions"), ("kyverno.io", "clusterpolicies")):
            rows = self.rows(out / "objects" / group / f"{resource}.jsonl")
            names = {row["metadata"]["name"] for row in rows} - {"ekshume-secrets"}
            self.assertEqual(names, {o["metadata"]["name"] for o in objects(resource)["items"]}, resource)
            self.assertTrue(all(row["kind"] and row["apiVersion"].startswith(group) for row in rows))
        pod = next(o for o in self.rows(core / "pods.jsonl") if o["metadata"]["name"] == "web")
        self.assertEqual(pod["kind"], "Pod")
        self.assertTrue(any(entry["manager"].startswith("kubectl") for entry in pod["metadata"]["managedFields"]))
        secret = next(o for o in self.rows(core / "secrets.jsonl") if o["metadata"]["name"] == "db")
        self.assertNotIn("data", secret)
        self.assertEqual(secret["metadata"]["annotations"], {"kubectl.kubernetes.io/last-applied-configuration": ""})
        self.assertIn(PASSWORD, kubectl("-n", "shop", "get", "secret", "db", "-o", "yaml"))
        for path in out.rglob("*"):
            if path.is_file():
                self.assertNotIn(PASSWORD.encode(), path.read_bytes(), path)
        self.assertIn("gitVersion", (out / "version.json").read_text())

        case = self.folder / "cluster.case"
        done = subprocess.run([ekshume.EKSHUME, "investigate", out, "--case", case], capture_output=True, text=True, timeout=300)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        found = subprocess.run([ekshume.EKSHUME, "search", case, "source:k8s_event AND pod:web AND action:Started", "--format", "jsonl"],
                               capture_output=True, text=True, check=True)
        events = [json.loads(line) for line in found.stdout.splitlines()]
        uid = objects("-n", "shop", "pod", "web")["metadata"]["uid"]
        self.assertEqual({event["pod_uid"] for event in events}, {uid})
        self.assertEqual({event["container"] for event in events}, {"app", "sidecar"})

    def test_cluster_names_what_it_may_not(self):
        out, record, run = self.acquire("no-secrets", "cluster", config=self.reader)
        self.assertEqual([failure["missing_permission"] for failure in record["failures"]], ["list secrets"])
        self.assertEqual(run.returncode, 1)
        self.assertIn("the permission to list secrets is missing", run.stderr)
        self.assertTrue((out / "objects/core/pods.jsonl").exists())
        self.assertFalse((out / "objects/core/secrets.jsonl").exists())

    def test_node(self):
        out, record, run = self.acquire("node", "node", lab.NODE, "--image", lab.IMAGE, "--collect=--profile", "--collect=none", config=self.responder)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        self.assertEqual([failure for failure in record["failures"] if failure["missing_permission"]], [])
        collection = Collection((out / "collection/part-1.ekc").read_bytes())
        self.assertFalse(collection.cut)
        seen = {(row["pod_uid"], row["container_id"]) for row in collection.table("live/processes.jsonl") if row["pod_uid"]}
        for pod in objects("pods", "-A", f"--field-selector=spec.nodeName={lab.NODE}")["items"]:
            if pod["metadata"]["namespace"] == "ekshume":
                continue
            for status in pod["status"]["containerStatuses"]:
                self.assertIn((pod["metadata"]["uid"], status["containerID"].split("://")[1]), seen, pod["metadata"]["name"])
        self.assertTrue(any(row["pod_uid"] is None for row in collection.table("live/processes.jsonl")), "the node's own processes")
        pods = {row["metadata"]["name"] for row in self.rows(out / "state/pods.jsonl")}
        self.assertLessEqual({"web", "hello"}, pods)
        self.assertEqual(json.loads((out / "state/node.json").read_text())["metadata"]["name"], lab.NODE)
        self.assertEqual(kubectl("-n", "ekshume", "get", "pods", "-o", "name").strip(), "")

    def test_node_names_what_it_may_not(self):
        out, record, run = self.acquire("node-denied", "node", lab.NODE, "--image", lab.IMAGE, config=self.reader)
        self.assertEqual(run.returncode, 3)
        self.assertIn("the permission to create pods/exec in namespace ekshume is missing", run.stderr)
        self.assertEqual([failure["missing_permission"] for failure in record["failures"]], ["create pods/exec in namespace ekshume"])
        self.assertTrue((out / "state/pods.jsonl").exists())
        _, _, run = self.acquire("node-unknown", "node", "i-0123456789abcdef0", "--image", lab.IMAGE, config=self.responder)
        self.assertEqual(run.returncode, 3)
        self.assertIn("no node of the cluster is the instance i-0123456789abcdef0", run.stderr)

    def test_pod_by_the_node(self):
        out, record, run = self.acquire("pod", "pod", "shop/web", "--via", "node", "--image", lab.IMAGE, "--collect=--profile", "--collect=none",
                                        config=self.responder)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        self.assertEqual([failure for failure in record["failures"] if failure["missing_permission"]], [])
        self.assertFalse(Collection((out / "collection/part-1.ekc").read_bytes()).cut)

    def test_pod_inside_the_container(self):
        account = ("--serviceaccount=ekshume:ekshume-reader",)
        kubectl("-n", "shop", "create", "rolebinding", "ekshume-in-pod", "--clusterrole=ekshume-collect-in-pod", *account)
        try:
            out, record, run = self.acquire("in-pod", "pod", "shop/web", "--via", "exec", "--container", "app", "--collect=--profile", "--collect=none",
                                            config=self.reader)
        finally:
            kubectl("-n", "shop", "delete", "rolebinding", "ekshume-in-pod")
        self.assertIn(run.returncode, (0, 1), run.stderr)
        self.assertEqual([failure for failure in record["failures"] if failure["missing_permission"]], [])
        self.assertFalse(Collection((out / "collection/part-1.ekc").read_bytes()).cut)

    def test_pod_names_what_it_may_not(self):
        _, record, run = self.acquire("pod-denied", "pod", "shop/web", "--via", "exec", config=self.reader)
        self.assertEqual(run.returncode, 3)
        self.assertIn("the permission to create pods/exec in namespace shop is missing", run.stderr)
        self.assertIn("create pods/exec in namespace shop", [failure["missing_permission"] for failure in record["failures"]])


if __name__ == "__main__":
    lab.main()
