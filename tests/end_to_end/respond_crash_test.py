#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ekshume respond` killed at every request that it makes of a real cluster: what is run again ends where a run without a crash ends, and does nothing twice."""
import collections
import itertools
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402
import lab  # noqa: E402
from crash_proxy import CrashProxy  # noqa: E402
from lab import kubectl  # noqa: E402
from respond_case import RespondCase, bare, container  # noqa: E402

KINDS = "pods,networkpolicies,nodes,clusterrolebindings"


def without_time(text):
    return re.sub(r"(?i)[0-9]{8}T[0-9]{6}Z", "PLAN", text)


def state():
    """What the steps touch, by kind and name; the plan's name, which holds when it was made, stands as PLAN."""
    text = without_time(kubectl("-n", "shop", "get", KINDS, "-o", "json"))
    names = ("bystander", lab.NODE, "crash")
    return {(item["kind"], item["metadata"]["name"]): bare(item) for item in json.loads(text)["items"]
            if item["kind"] == "NetworkPolicy" or item["metadata"]["name"] in names}


class Crash(RespondCase):
    maxDiff = None

    def setUp(self):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bystander", "namespace": "shop", "labels": {"app": "bystander"}},
               "spec": {"terminationGracePeriodSeconds": 0, "serviceAccountName": "crash", "containers": [container("exec sleep 86400")]}}
        kubectl("-n", "shop", "create", "serviceaccount", "crash")
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "crash"},
                   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
                   "subjects": [{"kind": "ServiceAccount", "name": "crash", "namespace": "shop"},
                                {"kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"}]}
        self.addCleanup(kubectl, "-n", "shop", "delete", "serviceaccount/crash", "pod/bystander", "--ignore-not-found")
        self.addCleanup(kubectl, "delete", "clusterrolebinding", "crash", "--ignore-not-found")
        self.make(pod, binding)
        kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/bystander", "--timeout=90s")
        self.proxy = CrashProxy(lab.CONFIG)
        self.addCleanup(self.proxy.close)
        self.config = self.folder / "proxy.conf"
        self.config.write_text("apiVersion: v1\nkind: Config\nclusters: [{name: lab, cluster: {server: \"%s\"}}]\nusers: [{name: u, user: {token: x}}]\n"
                               "contexts: [{name: lab, context: {cluster: lab, user: u}}]\ncurrent-context: lab\n" % self.proxy.url)

    def check(self, target, *steps):
        chosen = [word for step in steps for word in ("--step", step)]
        proxy = self.proxy
        plans = itertools.count()

        def plan():
            """A new one each time: what undo makes again is another object than the one before."""
            return self.plan(f"{target.replace('/', '-')}-{next(plans)}.case", target, config=self.config)[0]

        def run(verb, path, kill_at=None):
            """The number of requests, and what changed something: (number, method, path)."""
            proxy.reset(kill_at)
            arguments = [ekshume.EKSHUME, "respond", verb, path, *chosen, "--yes", "--operator", "carol", "--kubeconfig", self.config]
            with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
                proxy.victim = process
                errors = process.communicate(timeout=120)[1]
            self.assertEqual(process.returncode, -9 if kill_at else 0, f"{verb} {kill_at}: {errors}")
            return proxy.count, list(proxy.changes)

        def acts(changes):
            return collections.Counter((method, without_time(path)) for _, method, path in changes)

        # Without a crash: how many requests there are, what they change, where it ends.
        start = state()
        path = plan()
        apply_requests, applied = run("apply", path)
        contained = state()
        self.assertNotEqual(contained, start)
        self.assertEqual(len(applied), len(steps))
        undo_requests, undone = run("undo", path)
        self.assertEqual(state(), start)
        self.assertGreater(min(apply_requests, undo_requests), len(steps))
        for verb, requests, changes, end in (("apply", apply_requests, applied, contained), ("undo", undo_requests, undone, start)):
            # A request that only reads leaves the same behind before as after it.
            points = [(number, "before") for number in range(1, requests + 1)] + [(change[0], "after") for change in changes]
            for point in sorted(points):
                with self.subTest(target=target, verb=verb, point=point):
                    path = plan()
                    if verb == "undo":
                        run("apply", path)
                    _, first = run(verb, path, point)
                    _, then = run(verb, path)
                    self.assertEqual(acts(first + then), acts(changes), "something was done twice or not at all")
                    self.assertEqual(state(), end)
                    if verb == "apply":
                        run("undo", path)
            self.assertEqual(state(), start)

    def test_pod_and_node(self):
        self.check("pod/shop/bystander", "mark-pod", "shield-pod", "shield-node", "strip-binding", "cut-network")

    def test_binding(self):
        self.check("clusterrolebinding/crash", "delete-binding")


if __name__ == "__main__":
    lab.main()
