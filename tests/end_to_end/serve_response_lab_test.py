#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A plan of response for a pod of the lab cluster, applied and taken back on the page: with the kubeconfig that `serve` was given, and no other."""
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import lab  # noqa: E402
import serve  # noqa: E402
from lab import objects  # noqa: E402
from respond_case import RespondCase, bare, container, deployment  # noqa: E402


class OnThePage(RespondCase):
    def open_page(self, path, *options):
        environment = {**os.environ, "KUBECONFIG": "/nowhere"}
        server = serve.Server(path.parent.parent, "--operator", "carol", "--allow-response", *map(str, options), environment=environment)
        self.addCleanup(server.stop)
        self.session = server.session()
        return server

    def work(self, verb):
        """What a plan of the case came to on the page."""
        (plan,) = self.session.rows("/response")["plans"]
        reply = self.session.post(f"/response/{verb}", {"plan": plan["id"], "digest": plan["digest"]})
        self.assertEqual(reply.status, 200, reply.body)
        deadline = time.monotonic() + 120
        while (job := self.session.rows("/response/job"))["state"] == "running":
            self.assertLess(time.monotonic(), deadline, job)
            time.sleep(0.1)
        return job

    def test_a_pod_is_contained_and_let_go(self):
        self.make(deployment("web", 1, container("sleep 600")))
        (pod,) = self.pods(app="web")
        name = pod["metadata"]["name"]

        def state():
            return bare(objects("-n", "shop", "pod", name)), bare(objects("-n", "shop", "deployment", "web"))
        before = state()
        path, steps, _ = self.plan("page", f"pod/shop/{name}")
        enabled = ("mark-pod", "shield-pod", "pause-deployment")
        self.assertLessEqual(set(enabled), set(steps))
        self.enable(path, *enabled)
        server = self.open_page(path)
        job = self.work("apply")
        self.assertEqual(job["outcome"], "failed", "without a kubeconfig")
        self.assertEqual(state(), before)
        self.assertEqual(server.stop(), 0)
        self.open_page(path, "--kubeconfig", lab.CONFIG)
        job = self.work("apply")
        self.assertEqual(job["outcome"], "done", job)
        self.assertEqual({step: at for step, at in self.states(path).items() if at == "done"}, dict.fromkeys(enabled, "done"))
        self.assertNotEqual(state()[0], before[0])
        self.assertTrue(state()[1]["spec"]["paused"])
        job = self.work("undo")
        self.assertEqual(job["outcome"], "done", job)
        self.assertEqual(state(), before)
        # No key or token of the kubeconfig is told.
        ledger = (path.parent.parent / "custody.jsonl").read_text()
        secrets = [word for word in lab.CONFIG.read_text().split() if len(word) > 100]
        for told in (ledger, str(job), self.session.get("/response").body.decode()):
            self.assertFalse([word for word in secrets if word in told])


if __name__ == "__main__":
    lab.main()
