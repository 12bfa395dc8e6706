#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ekshume respond` on a real Kubernetes: plan, apply, verify and undo for a pod, a node and a role binding; afterwards the objects are as
they were, and containment touched neither the processes nor the files of the pod."""
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402
import lab  # noqa: E402
from lab import kubectl, objects  # noqa: E402

DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}},
             "template": {"metadata": {"labels": {"app": "web", "tier": "front"}},
                          "spec": {"terminationGracePeriodSeconds": 0, "serviceAccountName": "deployer",
                                   "containers": [{"name": "app", "image": lab.IMAGE, "imagePullPolicy": "IfNotPresent",
                                                   "command": ["sh", "-c", "echo mark > /tmp/mark; exec sleep 86400"]}]}}}}
BINDING = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "backdoor"},
           "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
           "subjects": [{"kind": "ServiceAccount", "name": "deployer", "namespace": "shop"},
                        {"kind": "User", "name": "mallory", "apiGroup": "rbac.authorization.k8s.io"}]}


def bare(item):
    """An object without what the server counts and dates."""
    item = json.loads(json.dumps(item))
    for member in ("resourceVersion", "managedFields", "generation", "uid", "creationTimestamp", "selfLink", "ownerReferences"):
        item["metadata"].pop(member, None)
    item.pop("status", None)
    # The control plane's own taint comes and goes with the cordon, a moment later.
    taints = [taint for taint in item.get("spec", {}).pop("taints", []) if not taint["key"].startswith("node.kubernetes.io/")]
    if taints:
        item["spec"]["taints"] = taints
    return item


class Respond(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        lab.make_namespace("shop")
        kubectl("-n", "shop", "create", "serviceaccount", "deployer")
        kubectl("create", "-f", "-", stdin=json.dumps(DEPLOYMENT))
        kubectl("create", "-f", "-", stdin=json.dumps(BINDING))
        kubectl("-n", "shop", "rollout", "status", "deployment/web", "--timeout=90s")

    @classmethod
    def tearDownClass(cls):
        kubectl("delete", "namespace", "shop", "--wait=false")
        kubectl("delete", "clusterrolebinding", "backdoor", "--ignore-not-found")
        shutil.rmtree(cls.folder)

    def run_verb(self, *arguments, config=None, code=0):
        command = [ekshume.EKSHUME, "respond", *map(str, arguments)]
        if arguments[0] in ("plan", "apply", "verify", "undo"):
            command += ["--kubeconfig", str(config or lab.CONFIG)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run

    def plan(self, name, target, *arguments, by="alice"):
        case = self.folder / name
        run = self.run_verb("plan", target, "--case", case, "--operator", by, "--format", "json", *arguments)
        steps = {row["step"]: row for row in json.loads(run.stdout)}
        path = next((case / "respond").glob("*.yaml"))
        return case, path, steps, run

    def states(self, path):
        run = self.run_verb("show", path, "--format", "json")
        return {row["step"]: row["state"] for row in json.loads(run.stdout)}

    def pod(self):
        pods = [pod for pod in objects("-n", "shop", "pods")["items"] if "deletionTimestamp" not in pod["metadata"]]
        return next(pod for pod in pods if pod["metadata"]["labels"].get("tier") == "front")

    def test_a_pod(self):
        pod = self.pod()
        name = pod["metadata"]["name"]
        container = pod["status"]["containerStatuses"][0]["containerID"]
        before = {"pod": bare(pod), "binding": bare(objects("clusterrolebinding", "backdoor")), "node": bare(objects("node", lab.NODE))}
        # A way that the pod has: to us, over the bridge of its network.
        listener = socket.create_server(("", 0))
        self.addCleanup(listener.close)
        bridge = subprocess.run(["ip", "-o", "-4", "addr", "show", "cni0"], capture_output=True, text=True, check=True).stdout.split()[3]
        way = f"{bridge.split('/')[0]}:{listener.getsockname()[1]}"
        case, path, steps, run = self.plan("pod.case", f"pod/shop/{name}", "--memory", "none", "--probe", way)
        order = list(steps)
        for first, then in (("mark-pod", "shield-pod"), ("shield-pod", "save-state"), ("save-state", "strip-binding"),
                            ("strip-binding", "acquire-pod"), ("acquire-pod", "detach"), ("detach", "cut-network"),
                            ("cut-network", "verify-network"), ("verify-network", "delete-pod")):
            self.assertLess(order.index(first), order.index(then))
        self.assertEqual(steps["delete-pod"]["state"], "disabled")
        self.assertTrue(steps["delete-pod"]["approval"])
        self.assertEqual(steps["detach"]["missing"], "")

        # Nothing happens without --yes.
        run = self.run_verb("apply", path)
        self.assertIn("nothing was changed", run.stderr)
        self.assertEqual(bare(self.pod()), before["pod"])

        self.run_verb("apply", path, "--up-to", "cut-network", "--yes", "--image", lab.IMAGE)
        now = objects("-n", "shop", "pod", name)
        self.assertIn("ekshume.dev/quarantine", now["metadata"]["labels"])
        self.assertNotIn("app", now["metadata"]["labels"])
        self.assertEqual(now["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"], "true")
        subjects = objects("clusterrolebinding", "backdoor")["subjects"]
        self.assertEqual([subject["name"] for subject in subjects], ["mallory"])
        self.assertEqual(len(objects("-n", "shop", "networkpolicies")["items"]), 1)
        # The replacement serves; the victim runs on, the same container with its files.
        kubectl("-n", "shop", "rollout", "status", "deployment/web", "--timeout=90s")
        self.assertEqual(now["status"]["containerStatuses"][0]["containerID"], container)
        self.assertEqual(now["status"]["containerStatuses"][0]["restartCount"], 0)
        self.assertEqual(kubectl("-n", "shop", "exec", name, "--", "cat", "/tmp/mark"), "mark\n")
        kinds = sorted(json.loads(file.read_text())["kind"] for file in case.glob("acquired/*/acquisition.json"))
        self.assertEqual(kinds, ["pod", "probe", "state"])
        self.assertEqual(self.states(path)["acquire-pod"], "done")

        # A second time nothing is done twice.
        journal = next((case / "respond").glob("*.jsonl"))
        lines = journal.read_text().count("\n")
        self.run_verb("apply", path, "--up-to", "cut-network", "--yes", "--image", lab.IMAGE)
        self.assertEqual(journal.read_text().count("\n"), lines)

        # This lab's network plugin enforces no policies: the verification says so instead of believing.
        run = self.run_verb("verify", path, "--image", lab.IMAGE, code=3)
        self.assertIn(f"still reaches {way}: this network plugin does not enforce the policy", run.stderr)

        # What destroys needs an approval by another.
        run = self.run_verb("apply", path, "--step", "delete-pod", "--yes", code=3)
        self.assertIn("not enabled", run.stderr)

        run = self.run_verb("undo", path, "--yes")
        self.assertIn("cut-network: removed", run.stderr)
        for _ in range(30):
            if "deletionTimestamp" not in objects("-n", "shop", "pod", name)["metadata"] and len(objects("-n", "shop", "pods")["items"]) == 1:
                break
            time.sleep(1)
        self.assertEqual(bare(objects("-n", "shop", "pod", name)), before["pod"])
        self.assertEqual(bare(objects("clusterrolebinding", "backdoor")), before["binding"])
        self.assertEqual(bare(objects("node", lab.NODE)), before["node"])
        self.assertEqual(objects("-n", "shop", "networkpolicies")["items"], [])
        status = json.loads(self.run_verb("status", "--case", case, "--format", "json").stdout)
        self.assertEqual({row["state"] for row in status if row["step"] in ("mark-pod", "detach", "cut-network")}, {"undone"})
        ledger = [json.loads(line)["action"] for line in (case / "custody.jsonl").read_text().splitlines()]
        for action in ("respond plan", "respond apply", "respond undo"):
            self.assertIn(action, ledger)

    def test_a_node(self):
        before = bare(objects("node", lab.NODE))
        _, path, steps, _ = self.plan("node.case", f"node/{lab.NODE}")
        self.assertTrue(any(step.startswith("evict-") for step in steps))
        self.run_verb("apply", path, "--yes")
        now = objects("node", lab.NODE)
        self.assertTrue(now["spec"]["unschedulable"])
        self.assertIn("ekshume.dev/quarantine", [taint["key"] for taint in now["spec"]["taints"]])
        self.run_verb("undo", path, "--yes")
        self.assertEqual(bare(objects("node", lab.NODE)), before)

    def test_a_binding_deleted_and_made_again(self):
        before = bare(objects("clusterrolebinding", "backdoor"))
        _, path, _, _ = self.plan("binding.case", "clusterrolebinding/backdoor")
        self.assertIn("the API server accepts it", self.run_verb("apply", path).stderr)
        self.assertEqual(bare(objects("clusterrolebinding", "backdoor")), before)
        self.run_verb("apply", path, "--yes")
        self.assertEqual(kubectl("get", "clusterrolebinding", "backdoor", check=False), "")
        self.run_verb("undo", path, "--yes")
        self.assertEqual(bare(objects("clusterrolebinding", "backdoor")), before)

    def test_what_was_changed_since_stops_the_step(self):
        _, path, _, _ = self.plan("changed.case", "serviceaccount/shop/deployer")
        kubectl("label", "clusterrolebinding", "backdoor", "touched=yes")
        run = self.run_verb("apply", path, "--yes", code=3)
        self.assertIn("was changed by others since the plan was made", run.stderr)
        self.assertEqual(len(objects("clusterrolebinding", "backdoor")["subjects"]), 2)
        self.assertEqual(self.states(path)["strip-binding"], "failed")
        kubectl("label", "clusterrolebinding", "backdoor", "touched-")
        # What others change afterwards in the same place stops the undo.
        self.run_verb("apply", path, "--yes")
        kubectl("patch", "clusterrolebinding", "backdoor", "--type=merge", "-p", '{"subjects": null}')
        run = self.run_verb("undo", path, "--yes", code=3)
        self.assertIn("/subjects", run.stderr)
        self.run_verb("undo", path, "--yes", "--force")
        self.assertEqual(len(objects("clusterrolebinding", "backdoor")["subjects"]), 2)

    def test_approval(self):
        name = self.pod()["metadata"]["name"]
        victim = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "victim", "namespace": "shop"},
                  "spec": {"terminationGracePeriodSeconds": 0, "containers": [
                      {"name": "app", "image": lab.IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "86400"]}]}}
        kubectl("create", "-f", "-", stdin=json.dumps(victim))
        kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/victim", "--timeout=90s")
        _, path, _, _ = self.plan("approval.case", "pod/shop/victim")
        text = path.read_text()
        at = text.index("id: delete-pod")
        path.write_text(text[:at] + text[at:].replace("enabled: false", "enabled: true", 1))
        delete = ("apply", path, "--step", "delete-pod", "--yes", "--operator", "carol", "--confirm", "pod/shop/victim")
        self.assertIn("needs an approval", self.run_verb(*delete, code=3).stderr)
        self.assertIn("somebody else approves", self.run_verb("approve", path, "--operator", "alice", code=3).stderr)
        self.run_verb("approve", path, "--operator", "carol")
        self.assertIn("needs an approval", self.run_verb(*delete, code=3).stderr)  # who applies is no second person
        self.run_verb("approve", path, "--operator", "bob")
        # --yes alone does not destroy what was not acquired.
        self.assertIn("--confirm pod/shop/victim", self.run_verb(*delete[:-2], code=3).stderr)
        path.write_text(path.read_text().replace("memory: anonymous", "memory: all"))
        self.assertIn("needs an approval", self.run_verb(*delete, code=3).stderr)  # changed since
        self.run_verb("approve", path, "--operator", "bob")
        self.run_verb(*delete)
        for _ in range(30):
            if not kubectl("-n", "shop", "get", "pod", "victim", check=False):
                break
            time.sleep(1)
        self.assertEqual(kubectl("-n", "shop", "get", "pod", "victim", check=False), "")
        self.assertNotEqual(name, "victim")

    def test_without_rights(self):
        kubectl("create", "clusterrole", "see", "--verb=get,list", "--resource=pods,nodes,clusterrolebindings,rolebindings,serviceaccounts,services")
        kubectl("create", "clusterrolebinding", "see", "--clusterrole=see", "--serviceaccount=shop:default")
        config = lab.config_of("shop", "default", self.folder / "see.conf")
        try:
            run = self.run_verb("plan", "serviceaccount/shop/deployer", "--case", self.folder / "see.case", "--format", "json", config=config)
            steps = {row["step"]: row for row in json.loads(run.stdout)}
            self.assertEqual(steps["strip-binding"]["missing"], "patch clusterrolebindings of rbac.authorization.k8s.io")
            path = next((self.folder / "see.case/respond").glob("*.yaml"))
            run = self.run_verb("apply", path, "--yes", config=config, code=3)
            self.assertIn("the permission to patch clusterrolebindings", run.stderr)
        finally:
            kubectl("delete", "clusterrole,clusterrolebinding", "see")

    def test_bad_input(self):
        for target in ("pod/shop", "thing/x", "pod/../x/y", ""):
            self.run_verb("plan", target, "--case", self.folder / "bad.case", code=2)
        run = self.run_verb("plan", "pod/shop/none", "--case", self.folder / "bad.case", code=3)
        self.assertIn("none", run.stderr)


if __name__ == "__main__":
    lab.main()
