# SPDX-License-Identifier: Apache-2.0
"""A pod that was broken into, in the cluster of lab.py, and what its acquisitions must hold."""
import json
import pathlib
import secrets
import shutil
import subprocess
import tempfile
import time
import unittest

import ekshume
import lab
from collection import Collection
from lab import CONFIG, IMAGE, kubectl, objects

DISTROLESS = "registry.test/distroless:1"
MARK = "ek-" + secrets.token_hex(16)
# What an intruder leaves: a copy of busybox that runs and is deleted, with a secret in its environment, that listens.
SCENE = ("ln -s busybox /bin/dd; cp /bin/busybox /tmp/busybox-implant; echo tail >> /tmp/busybox-implant; "
         "env SECRET=$(cat /etc/mark/mark) /tmp/busybox-implant nc -l -p 4444 & sleep 1; rm /tmp/busybox-implant; sleep 86400")


def make_pod(namespace, name, command=None, image=IMAGE, **spec):
    """Makes a pod of one container `app` and waits until it runs."""
    container = {"name": "app", "image": image, "imagePullPolicy": "IfNotPresent"}
    if command:
        container["command"] = command
    container.update(spec.pop("container", {}))
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": spec.pop("labels", {})},
           "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **spec}}
    kubectl("create", "-f", "-", stdin=json.dumps(pod))
    kubectl("-n", namespace, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=90s")


def make_scene(namespace):
    """The pod `web` in which an intruder's program runs. Returns its uid."""
    kubectl("-n", namespace, "create", "configmap", "mark", f"--from-literal=mark={MARK}")
    make_pod(namespace, "web", ["sh", "-c", SCENE], volumes=[{"name": "mark", "configMap": {"name": "mark"}}],
             container={"volumeMounts": [{"name": "mark", "mountPath": "/etc/mark"}]})
    time.sleep(3)
    return objects("-n", namespace, "pod", "web")["metadata"]["uid"]


def account_config(folder, namespace, name):
    """A kubeconfig of a service account, which is made, and its token."""
    kubectl("-n", namespace, "create", "serviceaccount", name)
    config = lab.config_of(namespace, name, folder / f"{name}.conf")
    return config, lab.token_of(namespace, name)


class PodTest(unittest.TestCase):
    """Tests that acquire the pod of make_scene() in a namespace of their own, or others in it."""
    NAMESPACE = "shop"

    @classmethod
    def setUpClass(cls):
        lab.make_namespace(cls.NAMESPACE)
        cls.uid = make_scene(cls.NAMESPACE)
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.implant = pathlib.Path("/bin/busybox").read_bytes() + b"tail\n"

    @classmethod
    def tearDownClass(cls):
        kubectl("delete", "namespace", cls.NAMESPACE, "--wait=false")
        shutil.rmtree(cls.folder)

    def command(self, name, *arguments, config=CONFIG, pod="web", namespace=None, image=IMAGE, memory="all"):
        return [ekshume.EKSHUME, "acquire", "pod", f"{namespace or self.NAMESPACE}/{pod}", "--kubeconfig", config, "--image", image,
                "--memory", memory, "--output-folder", self.folder / name, *arguments]

    def acquire(self, name, *arguments, **options):
        """Runs it. The folder, its record, and the run."""
        run = subprocess.run(self.command(name, *arguments, **options), capture_output=True, text=True, timeout=300)
        record = self.folder / name / "acquisition.json"
        return self.folder / name, json.loads(record.read_text()) if record.exists() else None, run

    def check_scene(self, parts, memory=True):
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
        self.assertIn(f"SECRET={MARK}", rows[0]["environ"])
        if memory:
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
