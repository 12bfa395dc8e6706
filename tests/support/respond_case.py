# SPDX-License-Identifier: Apache-2.0
"""What the tests of `ekshume respond` on the lab cluster share."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import ekshume
import lab
from lab import kubectl, objects


def bare(item):
    """An object without what the server counts and dates."""
    item = json.loads(json.dumps(item))
    for member in ("resourceVersion", "managedFields", "generation", "uid", "creationTimestamp", "selfLink", "ownerReferences"):
        item["metadata"].pop(member, None)
    item.pop("status", None)
    # The control plane's own taint comes and goes with the cordon, a moment later; so does the number of a rollout.
    taints = [taint for taint in item.get("spec", {}).pop("taints", []) if not taint["key"].startswith("node.kubernetes.io/")]
    if taints:
        item["spec"]["taints"] = taints
    item["metadata"].get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    if not item["metadata"].get("annotations", True):
        item["metadata"].pop("annotations")
    return item


def container(command, image=lab.IMAGE, name="app", **more):
    return {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", command], **more}


def deployment(name, replicas, *containers, **pod):
    labels = {"app": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": {"terminationGracePeriodSeconds": 0, "containers": list(containers), **pod}}}}


class RespondCase(unittest.TestCase):
    """A namespace `shop`, and the verbs of respond."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        lab.make_namespace("shop")

    @classmethod
    def tearDownClass(cls):
        kubectl("delete", "namespace", "shop", "--wait=true", "--timeout=120s")
        shutil.rmtree(cls.folder)

    def make(self, *items):
        for item in items:
            kubectl("create", "-f", "-", stdin=json.dumps(item))
            if item["kind"] == "Deployment":
                kubectl("-n", "shop", "rollout", "status", f"deployment/{item['metadata']['name']}", "--timeout=120s")

    def pods(self, **labels):
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        return [pod for pod in objects("-n", "shop", "pods", "-l", selector)["items"] if "deletionTimestamp" not in pod["metadata"]]

    def until(self, what, found, seconds=60):
        for _ in range(seconds * 2):
            if found():
                return
            time.sleep(0.5)
        self.fail(f"not within {seconds} s: {what}")

    def run_verb(self, *arguments, config=None, code=0):
        command = [ekshume.EKSHUME, "respond", *map(str, arguments)]
        if arguments[0] in ("plan", "apply", "verify", "undo"):
            command += ["--kubeconfig", str(config or lab.CONFIG)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run

    def plan(self, name, target, *arguments, config=None):
        case = self.folder / name
        run = self.run_verb("plan", target, "--case", case, "--operator", "alice", "--format", "json", *arguments, config=config)
        steps = {row["step"]: row for row in json.loads(run.stdout)}
        return sorted((case / "respond").glob("*.yaml"))[-1], steps, run

    def enable(self, path, *steps, approve=True):
        """Turns steps on and every other off, and has the plan approved by bob."""
        lines, step = path.read_text().splitlines(), ""
        for i, line in enumerate(lines):
            word = line.strip().removeprefix("- ")
            if word.startswith("id: "):
                step = word.removeprefix("id: ")
            if word.startswith("enabled: "):
                lines[i] = line[:line.index("enabled: ")] + f"enabled: {str(step in steps).lower()}"
        path.write_text("\n".join(lines) + "\n")
        if approve:
            self.run_verb("approve", path, "--operator", "bob")

    def apply(self, path, *arguments, code=0, config=None):
        return self.run_verb("apply", path, "--yes", "--operator", "carol", *arguments, code=code, config=config)

    def states(self, path):
        return {row["step"]: row["state"] for row in json.loads(self.run_verb("show", path, "--format", "json").stdout)}
