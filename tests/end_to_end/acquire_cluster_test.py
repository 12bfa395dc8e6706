# SPDX-License-Identifier: Apache-2.0
"""`ekshume acquire pod` against a real one-node Kubernetes (tests/support/lab.py)."""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402
import lab  # noqa: E402
import pod_scene  # noqa: E402
from collection import Collection  # noqa: E402
from cutter import Cutter  # noqa: E402
from lab import CONFIG, IMAGE, LAB, NODE, kubectl, objects  # noqa: E402


class AcquirePod(pod_scene.PodTest):
    def test_by_the_node(self):
        out, record, run = self.acquire("node", "--via", "node")
        self.assertIn(run.returncode, (0, 1), run.stderr)
        row = self.check_scene([out / "collection/part-1.ekc"])
        self.assertEqual(row["pod_uid"], self.uid)
        self.assertIn("node", json.dumps(record["method"]))
        for name in ("state/pod.json", "state/node.json", "state/events.json", "logs/app.current.log"):
            self.assertTrue((out / name).exists(), name)
        left = kubectl("-n", "ekshume", "get", "pods", "-o", "name")
        self.assertEqual(left.strip(), "")

    def test_inside_the_container(self):
        out, _, run = self.acquire("exec", "--via", "exec")
        self.assertIn(run.returncode, (0, 1), run.stderr)
        self.check_scene([out / "collection/part-1.ekc"])
        left = kubectl("-n", "shop", "exec", "web", "--", "sh", "-c",
                       "find /dev/shm /run /tmp /var/tmp / -maxdepth 1 -name '.ekshume*' 2>/dev/null; true")
        self.assertEqual(left.strip(), "")

    def test_a_cut_stream_is_taken_up_again(self):
        cutter = Cutter(6443, 600_000)
        config = self.folder / "proxy.conf"
        config.write_text(CONFIG.read_text().replace(":6443", f":{cutter.port}"))
        out, record, run = self.acquire("cut", "--via", "node", config=config)
        self.assertEqual(cutter.cuts, 1)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        parts = sorted((out / "collection").iterdir())
        self.assertEqual(len(parts), 2, record)
        self.assertTrue(Collection(parts[0].read_bytes()).cut)
        self.assertFalse(Collection(parts[1].read_bytes()).cut)
        self.check_scene(parts)

    def test_a_missing_permission_is_named_in_one_sentence(self):
        config, token = pod_scene.account_config(self.folder, "shop", "reader")
        kubectl("-n", "shop", "create", "role", "reader", "--verb=get,list", "--resource=pods")
        kubectl("-n", "shop", "create", "rolebinding", "reader", "--role=reader", "--serviceaccount=shop:reader")
        _, record, run = self.acquire("denied", config=config)
        self.assertEqual(run.returncode, 3)
        self.assertIn("the permission to create pods/exec in namespace ekshume is missing", run.stderr)
        self.assertIn("get pods/log in namespace shop", json.dumps(record))
        self.assertNotIn(token, json.dumps(record) + run.stderr)
        self.assertNotIn(token, (LAB / "cp/audit.log").read_text())

    def test_a_finding_of_guardduty_starts_the_acquisition_of_its_pod_and_its_node(self):
        instance = "i-0123456789abcdef0"
        if not objects("node", NODE)["spec"].get("providerID"):  # which a cloud's controller writes
            kubectl("patch", "node", NODE, "-p", json.dumps({"spec": {"providerID": f"aws:///eu-central-1a/{instance}"}}))
        reach = ["--kubeconfig", str(CONFIG), "--image", IMAGE, "--memory", "none"]
        policy = self.folder / "policy.json"  # JSON is YAML
        policy.write_text(json.dumps({"rules": [{"type": "Execution:*", "acquire": "pod", "arguments": reach},
                                                {"type": "Impact:*", "acquire": "node", "arguments": ["--via", "pod", *reach]}]}))
        of_pod = {"id": "f1", "type": "Execution:Kubernetes/ExecInKubeSystemPod", "severity": 5.0, "service": {"archived": False},
                  "resource": {"kubernetesDetails": {"kubernetesWorkloadDetails": {"name": "web", "namespace": "shop", "type": "pods"}}}}
        of_node = {"id": "f2", "type": "Impact:Runtime/CryptoMinerExecuted", "severity": 8.0, "service": {"archived": False},
                   "resource": {"instanceDetails": {"instanceId": instance}}}
        case = self.folder / "watched"
        run = subprocess.run([ekshume.EKSHUME, "watch", "--policy", policy, "--case", case, "--stdin", "--region", "eu-central-1"],
                             input="".join(json.dumps(f) + "\n" for f in (of_pod, of_node, of_pod)), capture_output=True, text=True, timeout=500,
                             env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true"})
        self.assertIn(run.returncode, (0, 1), run.stderr)
        self.assertEqual(run.stdout.count("acquiring the pod shop/web"), 1, run.stdout)
        self.assertEqual(run.stdout.count(f"acquiring the node {instance}"), 1, run.stdout)
        acquired = list((case / "acquired").iterdir())
        self.assertEqual(len(acquired), 2, acquired)
        for folder in acquired:  # the intruder is in both
            self.check_scene(sorted(folder.glob("**/*.ekc")), memory=False)


if __name__ == "__main__":
    lab.main()
