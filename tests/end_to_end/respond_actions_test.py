#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every action of `ekshume respond` in Kubernetes, applied to a real cluster and undone; the objects are compared. What cannot be undone is shown to have
happened once, and with its approval only."""
import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import lab  # noqa: E402
from lab import kubectl, objects  # noqa: E402
from respond_case import RespondCase, bare, container, deployment  # noqa: E402

NODES = "- rolearn: arn:aws:iam::123456789012:role/nodes\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n"
ROWS = ("# of the platform team\n" + NODES +
        "- rolearn: arn:aws:iam::123456789012:role/ci\n  username: ci\n  groups:\n  - system:masters\n")


def crd(group, plural, kind, version, scope="Namespaced"):
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}", "annotations": {"api-approved.kubernetes.io": "unapproved, a test"}},
            "spec": {"group": group, "scope": scope, "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                     "versions": [{"name": version, "served": True, "storage": True,
                                   "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


class Actions(RespondCase):
    def test_scale(self):
        self.make(deployment("scaled", 2, container("exec sleep 86400")))
        before = bare(objects("-n", "shop", "deployment", "scaled"))
        path, steps, _ = self.plan("scale.case", "deployment/shop/scaled", "--memory", "none")
        self.assertEqual(steps["scale-to-zero"]["state"], "disabled")
        self.assertTrue(steps["scale-to-zero"]["approval"])
        self.enable(path, "mark-workload", "pause", "scale-to-zero", approve=False)
        self.assertIn("needs an approval", self.apply(path, "--confirm", "deployment/shop/scaled", code=3).stderr)
        self.run_verb("approve", path, "--operator", "bob")
        # Two pods that nobody acquired: --yes does not cover them.
        self.assertIn("--confirm deployment/shop/scaled", self.apply(path, code=3).stderr)
        self.assertEqual(len(self.pods(app="scaled")), 2)
        self.apply(path, "--confirm", "deployment/shop/scaled")
        self.until("no pods", lambda: not self.pods(app="scaled"))
        self.run_verb("undo", path, "--yes")
        self.until("two pods", lambda: len(self.pods(app="scaled")) == 2)
        self.assertEqual(bare(objects("-n", "shop", "deployment", "scaled")), before)

    def test_rollback(self):
        self.make(deployment("rolled", 1, container("exec sleep 86400"), nodeSelector={"kubernetes.io/os": "linux"}))
        first = objects("-n", "shop", "deployment", "rolled")["spec"]["template"]
        bad = {"spec": {"template": {"metadata": {"annotations": {"bad": "yes"}}, "spec": {
            "hostPID": True, "nodeSelector": None, "containers": [container("echo bad; exec sleep 86400")]}}}}
        kubectl("-n", "shop", "patch", "deployment", "rolled", "--type=merge", "-p", json.dumps(bad))
        kubectl("-n", "shop", "rollout", "status", "deployment/rolled", "--timeout=90s")
        before = bare(objects("-n", "shop", "deployment", "rolled"))
        path, steps, _ = self.plan("rollback.case", "deployment/shop/rolled", "--memory", "none")
        self.assertIn("revision 1", steps["rollback"]["what"])
        self.enable(path, "pause", "rollback")
        self.apply(path, "--confirm", "deployment/shop/rolled")
        kubectl("-n", "shop", "rollout", "status", "deployment/rolled", "--timeout=90s")
        self.assertEqual(objects("-n", "shop", "deployment", "rolled")["spec"]["template"], first)
        self.run_verb("undo", path, "--yes")
        kubectl("-n", "shop", "rollout", "status", "deployment/rolled", "--timeout=90s")
        self.assertEqual(bare(objects("-n", "shop", "deployment", "rolled")), before)
        self.run_verb("plan", "deployment/shop/rolled", "--revision", "99", "--case", self.folder / "rollback.case", code=3)

    def test_orphan(self):
        self.make(deployment("orphaned", 2, container("exec sleep 86400")))
        before = bare(objects("-n", "shop", "deployment", "orphaned"))
        pods = {pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["containerID"] for pod in self.pods(app="orphaned")}
        path, _, _ = self.plan("orphan.case", "deployment/shop/orphaned", "--memory", "none")
        self.enable(path, "orphan", "orphan-replicaset", approve=False)
        self.apply(path)
        self.until("no owner", lambda: all("ownerReferences" not in pod["metadata"] for pod in self.pods(app="orphaned")))
        self.until("no replica set", lambda: not objects("-n", "shop", "replicasets", "-l", "app=orphaned")["items"])
        time.sleep(3)
        self.assertEqual({pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["containerID"] for pod in self.pods(app="orphaned")}, pods)
        self.run_verb("undo", path, "--yes")
        self.until("owned again", lambda: all("ownerReferences" in pod["metadata"] for pod in self.pods(app="orphaned")))
        kubectl("-n", "shop", "rollout", "status", "deployment/orphaned", "--timeout=90s")
        time.sleep(3)  # the collector of garbage must find nothing to take
        self.assertEqual({pod["metadata"]["uid"] for pod in self.pods(app="orphaned")}, set(pods))
        self.assertEqual(bare(objects("-n", "shop", "deployment", "orphaned")), before)
        sets = objects("-n", "shop", "replicasets", "-l", "app=orphaned")["items"]
        self.assertEqual([item["spec"]["replicas"] for item in sets], [2])

    def test_cronjob(self):
        job = {"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": {"name": "nightly", "namespace": "shop"},
               "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": {
                   "restartPolicy": "Never", "containers": [container("true")]}}}}}}
        self.make(job)
        before = bare(objects("-n", "shop", "cronjob", "nightly"))
        path, _, _ = self.plan("cronjob.case", "cronjob/shop/nightly")
        self.apply(path)
        self.assertTrue(objects("-n", "shop", "cronjob", "nightly")["spec"]["suspend"])
        self.run_verb("undo", path, "--yes")
        self.assertEqual(bare(objects("-n", "shop", "cronjob", "nightly")), before)

    def test_webhook_and_apiservice(self):
        hook = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "injector"},
                "webhooks": [{"name": "inject.evil.test", "clientConfig": {"url": "https://evil.test/"}, "sideEffects": "None", "failurePolicy": "Ignore",
                              "admissionReviewVersions": ["v1"], "rules": [{"apiGroups": ["evil.test"], "apiVersions": ["v1"], "operations": ["CREATE"],
                                                                            "resources": ["things"]}]}]}
        service = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.evil.test"},
                   "spec": {"group": "evil.test", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": True,
                            "service": {"namespace": "shop", "name": "evil"}}}
        self.make(hook, service)
        self.addCleanup(kubectl, "delete", "mutatingwebhookconfiguration", "injector", "--ignore-not-found")
        self.addCleanup(kubectl, "delete", "apiservice", "v1.evil.test", "--ignore-not-found")
        for target, kind, name in (("webhook/injector", "mutatingwebhookconfiguration", "injector"), ("apiservice/v1.evil.test", "apiservice", "v1.evil.test")):
            before = bare(objects(kind, name))
            path, steps, _ = self.plan(f"{kind}.case", target)
            self.assertIn("evil", next(iter(steps.values()))["what"])
            self.apply(path)
            self.assertEqual(kubectl("get", kind, name, check=False), "")
            self.run_verb("undo", path, "--yes")
            self.assertEqual(bare(objects(kind, name)), before)

    def test_aws_auth(self):
        self.make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": ROWS}})
        self.addCleanup(kubectl, "-n", "kube-system", "delete", "configmap", "aws-auth")
        get = lambda: objects("-n", "kube-system", "configmap", "aws-auth")  # noqa: E731
        before = bare(get())
        path, _, run = self.plan("aws-auth.case", "aws-auth/arn:aws:sts::123456789012:assumed-role/ci/session")
        self.assertIn("- mapRoles: - rolearn: arn:aws:iam::123456789012:role/ci", run.stderr)
        self.apply(path)
        self.assertEqual(get()["data"]["mapRoles"], "# of the platform team\n" + NODES)
        self.run_verb("undo", path, "--yes")
        self.assertEqual(bare(get()), before)
        # Rows of nodes: not by the plan, and not by a plan that was changed by hand.
        run = self.run_verb("plan", "aws-auth/arn:aws:iam::123456789012:role/nodes", "--case", self.folder / "aws-auth.case", code=3)
        self.assertIn("locked out", run.stderr)
        path, _, _ = self.plan("aws-auth-2.case", "aws-auth/arn:aws:iam::123456789012:role/ci")
        text = path.read_text()
        at = text.index('"mapRoles": ')
        end = text.index("\n", at)
        path.write_text(text[:at] + '"mapRoles": "[]"' + text[end:])
        self.assertIn("would lock nodes out", self.apply(path, code=3).stderr)
        self.assertEqual(bare(get()), before)

    def test_tokens_and_accounts(self):
        kubectl("-n", "shop", "create", "serviceaccount", "deployer")
        kubectl("-n", "shop", "create", "rolebinding", "deployer", "--clusterrole=view", "--serviceaccount=shop:deployer")
        config = lab.config_of("shop", "deployer", self.folder / "deployer.conf")
        self.assertIn("pods", self.kubectl_as(config, "auth", "can-i", "--list", "-n", "shop"))
        account = objects("-n", "shop", "serviceaccount", "deployer")
        path, steps, _ = self.plan("account.case", "serviceaccount/shop/deployer")
        self.assertEqual(steps["delete-token"]["state"], "disabled")
        self.enable(path, "renew-account", approve=False)
        self.assertIn("needs an approval", self.apply(path, code=3).stderr)
        self.run_verb("approve", path, "--operator", "bob")
        self.apply(path)
        renewed = objects("-n", "shop", "serviceaccount", "deployer")
        self.assertNotEqual(renewed["metadata"]["uid"], account["metadata"]["uid"])
        self.until("the old token is refused", lambda: "nauthorized" in self.kubectl_as(config, "get", "pods", "-n", "shop"), 90)
        self.assertIn("cannot be undone", self.run_verb("undo", path, "--yes").stderr)

    def kubectl_as(self, config, *arguments):
        run = subprocess.run([lab.LAB / "bin/kubectl", "--kubeconfig", config, *arguments], capture_output=True, text=True)
        return run.stdout + run.stderr

    def test_secret(self):
        value = base64.b64encode(b"hunter2 of the shop").decode()
        self.make({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}, "data": {"password": value}})
        path, steps, _ = self.plan("secret.case", "secret/shop/db")
        self.assertEqual(list(steps), ["hash-secret", "rotate", "delete-secret"])
        self.apply(path, "--step", "hash-secret")
        self.enable(path, "hash-secret", "rotate", "delete-secret")
        self.apply(path)
        self.assertEqual(kubectl("-n", "shop", "get", "secret", "db", check=False), "")
        # The hash of the value is in the case, the value nowhere.
        digest = hashlib.sha256(b"hunter2 of the shop").hexdigest()
        files = [file for file in (self.folder / "secret.case").rglob("*") if file.is_file()]
        self.assertTrue(any(digest in file.read_text(errors="replace") for file in files))
        for file in files:
            self.assertNotIn(value, file.read_text(errors="replace"), file)
            self.assertNotIn("hunter2", file.read_text(errors="replace"), file)

    def test_policies_of_network_plugins(self):
        """Only their definitions: nothing enforces them, which the verification says."""
        self.make(deployment("meshed", 1, container("exec sleep 86400")))
        for group, plural, kind, version, scope in (("projectcalico.org", "networkpolicies", "NetworkPolicy", "v3", "Namespaced"),
                                                    ("cilium.io", "ciliumnetworkpolicies", "CiliumNetworkPolicy", "v2", "Namespaced"),
                                                    ("networking.k8s.aws", "clusternetworkpolicies", "ClusterNetworkPolicy", "v1alpha1", "Cluster")):
            with self.subTest(plural=plural, group=group):
                self.make(crd(group, plural, kind, version, scope))
                name = f"{plural}.{group}"
                try:
                    kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=30s")
                    self.until("served", lambda: plural in kubectl("get", "--raw", f"/apis/{group}/{version}", check=False))
                    pod = self.pods(app="meshed")[0]["metadata"]["name"]
                    path, steps, _ = self.plan(f"{name}.case", f"pod/shop/{pod}", "--memory", "none")
                    self.assertIn(kind.lower(), steps["cut-network"]["object"].replace("-", ""))
                    self.enable(path, "mark-pod", "cut-network", approve=False)
                    self.apply(path)
                    made = objects(name, "-A")["items"]
                    self.assertEqual([item["kind"] for item in made], [kind])
                    self.assertIn("Deny", json.dumps(made[0]["spec"]).replace("egressDeny", "Deny"))
                    self.run_verb("undo", path, "--yes")
                    self.assertEqual(objects(name, "-A")["items"], [])
                finally:
                    kubectl("delete", "crd", name, "--wait=true")

    def test_budget_of_a_fargate_pod(self):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "fargate", "namespace": "shop", "labels": {"eks.amazonaws.com/fargate-profile": "shop"}},
               "spec": {"terminationGracePeriodSeconds": 0, "containers": [container("exec sleep 86400")]}}
        self.make(pod)
        kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/fargate", "--timeout=90s")
        before = bare(objects("-n", "shop", "pod", "fargate"))
        path, steps, run = self.plan("fargate.case", "pod/shop/fargate")
        self.assertNotIn("cut-network", steps)
        self.assertIn("network policies do nothing on Fargate", run.stderr)
        self.assertLess(list(steps).index("acquire-pod"), list(steps).index("delete-pod"))
        self.enable(path, "mark-pod", "hold-eviction", approve=False)
        self.apply(path)
        self.until("the budget counts the pod", lambda: objects("-n", "shop", "pdb")["items"][0].get("status", {}).get("expectedPods") == 1)
        eviction = {"apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": {"name": "fargate", "namespace": "shop"}}
        refused = kubectl("create", "--raw", "/api/v1/namespaces/shop/pods/fargate/eviction", "-f", "-", stdin=json.dumps(eviction), check=False)
        self.assertEqual(refused, "")
        self.assertNotIn("deletionTimestamp", objects("-n", "shop", "pod", "fargate")["metadata"])
        self.run_verb("undo", path, "--yes")
        self.assertEqual(bare(objects("-n", "shop", "pod", "fargate")), before)
        self.assertEqual(objects("-n", "shop", "pdb")["items"], [])


if __name__ == "__main__":
    lab.main()
