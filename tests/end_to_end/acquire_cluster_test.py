# SPDX-License-Identifier: Apache-2.0
"""`ekshume acquire pod` against a real one-node Kubernetes (1.20, containerd) on loopback. Needs root, and the lab cluster's
programs in LAB: where they are missing, CI builds them, which takes twenty minutes; elsewhere the test skips."""
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402
from collection import Collection  # noqa: E402

LAB = pathlib.Path(os.environ.get("LAB", "/var/tmp/k8s-lab"))
SCRIPT = pathlib.Path(ekshume.SHARED) / "lab/cluster"
CONFIG = LAB / "admin.conf"
IMAGE = "registry.test/busybox:1"
MARK = "ek-" + secrets.token_hex(16)
# What an intruder leaves: a copy of busybox that runs and is deleted, with a secret in its environment, that listens.
SCENE = ("cp /bin/busybox /tmp/busybox-implant; echo tail >> /tmp/busybox-implant; "
         "env SECRET=$(cat /etc/mark/mark) /tmp/busybox-implant nc -l -p 4444 & sleep 1; rm /tmp/busybox-implant; sleep 86400")


def kubectl(*arguments, stdin=None, check=True):
    run = subprocess.run([LAB / "bin/kubectl", "--kubeconfig", CONFIG, *arguments], input=stdin, capture_output=True,
                         text=True)
    if check and run.returncode != 0:
        raise AssertionError(f"kubectl {arguments}: {run.stderr}")
    return run.stdout


class Cutter:
    """A TCP proxy before the API server that cuts the first connection which has carried `after` bytes towards us."""

    def __init__(self, after):
        self.after, self.cuts = after, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", 6443))
            threading.Thread(target=self.copy, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self.copy, args=(far, near, True), daemon=True).start()

    def copy(self, source, target, counts):
        total = 0
        try:
            while data := source.recv(65536):
                total += len(data)
                if counts and total > self.after and not self.cuts:
                    self.cuts += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class AcquirePod(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        kubectl("create", "namespace", "shop")
        kubectl("-n", "shop", "create", "configmap", "mark", f"--from-literal=mark={MARK}")
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"},
               "spec": {"terminationGracePeriodSeconds": 0, "volumes": [{"name": "mark", "configMap": {"name": "mark"}}],
                        "containers": [{"name": "app", "image": IMAGE, "imagePullPolicy": "IfNotPresent",
                                        "command": ["sh", "-c", SCENE],
                                        "volumeMounts": [{"name": "mark", "mountPath": "/etc/mark"}]}]}}
        for _ in range(30):  # the namespace's service account comes a moment later
            if kubectl("-n", "shop", "get", "serviceaccount", "default", check=False):
                break
            time.sleep(1)
        kubectl("create", "-f", "-", stdin=json.dumps(pod))
        kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/web", "--timeout=90s")
        time.sleep(3)
        cls.uid = json.loads(kubectl("-n", "shop", "get", "pod", "web", "-o", "json"))["metadata"]["uid"]
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.implant = pathlib.Path("/bin/busybox").read_bytes() + b"tail\n"

    @classmethod
    def tearDownClass(cls):
        kubectl("delete", "namespace", "shop", "--wait=false")
        shutil.rmtree(cls.folder)

    def acquire(self, name, *arguments, config=CONFIG):
        out = self.folder / name
        run = subprocess.run([ekshume.EKSHUME, "acquire", "pod", "shop/web", "--kubeconfig", config, "--image", IMAGE,
                              "--memory", "all", "--output-folder", out, *arguments], capture_output=True, text=True,
                             timeout=300)
        return out, json.loads((out / "acquisition.json").read_text()), run

    def check_scene(self, parts):
        """The deleted executable, the secret in memory at its address, the socket with its process, in the parts."""
        collections = [Collection(part.read_bytes()) for part in parts]
        members = {}
        for collection in collections:
            for name, content in collection.members.items():
                members.setdefault(name, content)
        rows = [row for row in collections[-1].table("live/processes.jsonl") if "implant" in (row["exe"] or "")]
        self.assertEqual(len(rows), 1)
        pid = rows[0]["pid"]
        self.assertTrue(rows[0]["exe_deleted"])
        self.assertEqual(members[f"deleted/{pid}/exe"], self.implant)
        held = [name for name, content in members.items()
                if name.startswith(f"memory/{pid}/") and content and f"SECRET={MARK}".encode() in content]
        self.assertTrue(held, "the secret is in no memory of the implant")
        mappings = [(int(row["start"], 16), int(row["end"], 16)) for row in collections[-1].table("live/maps.jsonl")
                    if row["pid"] == pid]
        for name in held:  # at its address: the pages of a mapping that were there
            first, last = (int(word, 16) for word in name.rsplit("/", 1)[1].split("-"))
            self.assertTrue(any(start <= first and last <= end for start, end in mappings), name)
        listening = [row for row in collections[-1].table("live/sockets.jsonl")
                     if (row.get("local") or {}).get("port") == 4444]
        self.assertTrue(any(process["pid"] == pid for row in listening for process in row["processes"]), listening)
        return rows[0]

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
        cutter = Cutter(600_000)
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
        kubectl("-n", "shop", "create", "serviceaccount", "reader")
        kubectl("-n", "shop", "create", "role", "reader", "--verb=get,list", "--resource=pods")
        kubectl("-n", "shop", "create", "rolebinding", "reader", "--role=reader", "--serviceaccount=shop:reader")
        token = subprocess.run(["base64", "-d"], input=kubectl(
            "-n", "shop", "get", "secret", "-o", "jsonpath={.items[?(@.metadata.annotations.kubernetes\\.io/"
            "service-account\\.name=='reader')].data.token}"), capture_output=True, text=True, check=True).stdout
        config = self.folder / "reader.conf"
        text = re.sub(r"users:.*", f"users: [{{name: u, user: {{token: {token}}}}}]", CONFIG.read_text())
        config.write_text(text)
        _, record, run = self.acquire("denied", config=config)
        self.assertEqual(run.returncode, 3)
        self.assertIn("the permission to create pods/exec in namespace ekshume is missing", run.stderr)
        self.assertIn("get pods/log in namespace shop", json.dumps(record))
        self.assertNotIn(token, json.dumps(record) + run.stderr)
        self.assertNotIn(token, (LAB / "cp/audit.log").read_text())


if __name__ == "__main__":
    if os.geteuid() != 0 or not SCRIPT.exists():
        ekshume.skip_all("the lab cluster needs root and EKSHUME_SHARED")
    if not (LAB / "bin/kubectl").exists() and not os.environ.get("CI"):
        ekshume.skip_all(f"Kubernetes is not built in {LAB}; `{SCRIPT} up` does it, or set CI")
    started = not CONFIG.exists()
    if started and subprocess.run([SCRIPT, "up"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=3000).returncode != 0:
        subprocess.run([SCRIPT, "down"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ekshume.skip_all("the lab cluster cannot be started on this machine")
    try:
        program = unittest.main(exit=False)
    finally:
        if started:
            subprocess.run([SCRIPT, "down"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sys.exit(not program.result.wasSuccessful())
