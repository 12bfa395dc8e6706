# SPDX-License-Identifier: Apache-2.0
"""The channels of `ekshume acquire pod` and what becomes of those that fail, on a real cluster (tests/support/lab.py)."""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402
import lab  # noqa: E402
import pod_scene  # noqa: E402
from collection import Collection  # noqa: E402
from lab import LAB, kubectl, objects  # noqa: E402
from pod_scene import DISTROLESS, MARK  # noqa: E402

MISSING = "registry.test/missing:1"  # no such image, and no such registry


def pid_in(uid, name):
    """The process of a pod by its name, as this machine numbers it."""
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if uid in (folder / "cgroup").read_text() and (folder / "comm").read_text().strip() == name:
                return int(folder.name)
        except OSError:
            pass
    raise AssertionError(f"{uid} runs no {name}")


class Channels(pod_scene.PodTest):
    NAMESPACE = "channels"

    def left_behind(self):
        return kubectl("-n", "ekshume", "get", "pods", "-o", "name", check=False).strip()

    def test_by_an_ephemeral_container(self):
        out, record, run = self.acquire("ephemeral", "--via", "ephemeral")
        self.assertIn(run.returncode, (0, 1), run.stderr)
        row = self.check_scene([out / "collection/part-1.ekc"])
        # Only the target's processes, not our own shell and sleep beside them.
        rows = Collection((out / "collection/part-1.ekc").read_bytes()).table("live/processes.jsonl")
        self.assertEqual({r["container_id"] for r in rows}, {row["container_id"]})
        name = record["notes"]["ephemeral_container"]
        self.assertIn("stays in the pod's description until the pod is deleted", run.stderr)
        for _ in range(20):
            states = objects("-n", self.NAMESPACE, "pod", "web")["status"].get("ephemeralContainerStatuses", [])
            ended = [state for state in states if state["name"] == name and "terminated" in state["state"]]
            if ended:
                break
            time.sleep(1)
        self.assertTrue(ended, states)

    def test_by_its_own_tools(self):
        out, record, run = self.acquire("tools", "--via", "tools")
        self.assertIn(run.returncode, (0, 1), run.stderr)
        part = out / "collection/part-1.ekc"
        self.check_scene([part])
        collection = Collection(part.read_bytes())
        self.assertGreater(collection.check_manifest(), 10)
        self.assertEqual(collection.members["root/etc/passwd"], b"root:x:0:0:root:/root:/bin/sh\n")
        self.assertEqual({r["what"] for r in collection.table("traces.jsonl")},
                         {"process", "access_time", "page_cache", "memory_read", "disk_writes"})
        self.assertEqual(record["method"], "the container's own shell and programs, over exec")
        left = kubectl("-n", self.NAMESPACE, "exec", "web", "--", "find", "/", "-xdev", "-name", ".ekshume*").strip()
        self.assertEqual(left, "")
        said = subprocess.run([ekshume.EKSHUME, "investigate", part, "--case", self.folder / "tools.case"], capture_output=True,
                              text=True, timeout=300)
        self.assertIn(said.returncode, (0, 1), said.stderr)
        self.assertIn("busybox-implant", said.stdout)

    def test_goes_on_to_the_next_channel(self):
        out, record, run = self.acquire("fallback", image=MISSING)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.check_scene([out / "collection/part-1.ekc"])
        self.assertEqual(record["method"], "collector in the container, over exec")
        self.assertRegex(record["method_reason"], "not by node: .*ErrImage|not by node: .*ImagePull")
        failed = {failure["what"] for failure in record["failures"]}
        self.assertLessEqual({"by node", "by ephemeral"}, failed)
        self.assertIn("not_by_ephemeral", record["notes"])
        self.assertEqual(self.left_behind(), "")

    def test_distroless(self):
        pod_scene.make_pod(self.NAMESPACE, "bare", image=DISTROLESS)
        out, _, run = self.acquire("bare", pod="bare")
        self.assertIn(run.returncode, (0, 1), run.stderr)
        collection = Collection((out / "collection/part-1.ekc").read_bytes())
        self.assertFalse(collection.cut)
        self.assertIn("/app", {row["exe"] for row in collection.table("live/processes.jsonl")})
        for via, words in (("tools", "the container has no shell"), ("exec", "has no shell or no place to start from")):
            _, _, run = self.acquire(f"bare-{via}", "--via", via, pod="bare")
            self.assertEqual(run.returncode, 3)
            self.assertIn(words, run.stderr)
        out, _, run = self.acquire("bare-ephemeral", "--via", "ephemeral", pod="bare")
        self.assertIn(run.returncode, (0, 1), run.stderr)
        collection = Collection((out / "collection/part-1.ekc").read_bytes())
        self.assertEqual({row["exe"] for row in collection.table("live/processes.jsonl")}, {"/app"})

    def test_kube_system_and_a_cut_network(self):
        pod_scene.make_pod("kube-system", "agent", ["sleep", "86400"])
        self.addCleanup(kubectl, "-n", "kube-system", "delete", "pod", "agent", "--wait=false")
        uid = objects("-n", "kube-system", "pod", "agent")["metadata"]["uid"]
        pid = pid_in(uid, "sleep")
        subprocess.run(["nsenter", "-t", str(pid), "-n", "ip", "link", "set", "eth0", "down"], check=True)
        out, record, run = self.acquire("system", pod="agent", namespace="kube-system")
        self.assertIn(run.returncode, (0, 1), run.stderr)
        collection = Collection((out / "collection/part-1.ekc").read_bytes())
        self.assertIn(pid, [row["pid"] for row in collection.table("live/processes.jsonl")])
        self.assertGreater(collection.check_manifest(), 10)
        self.assertIn("SHA-256", record["notes"]["checked"])
        self.assertIn("the most complete way", record["method_reason"])

    def test_fargate(self):
        kubectl("-n", self.NAMESPACE, "label", "pod", "web", "eks.amazonaws.com/fargate-profile=fp")
        try:
            out, record, run = self.acquire("fargate")
            self.assertIn(run.returncode, (0, 1), run.stderr)
            self.assertIn("ephemeral container", record["method"])
            self.assertIn("Fargate", record["method_reason"])
            self.check_scene([out / "collection/part-1.ekc"])
            self.assertIn("deleting it is the only way to stop it", run.stderr)
            self.assertIn("It was acquired", record["notes"]["warning"])
            _, record, run = self.acquire("fargate-node", "--via", "node")
            self.assertEqual(run.returncode, 3)
            self.assertIn("do not delete it yet", record["notes"]["warning"])
        finally:
            kubectl("-n", self.NAMESPACE, "label", "pod", "web", "eks.amazonaws.com/fargate-profile-")

    def test_checkpoint_says_what_is_missing(self):
        _, _, run = self.acquire("checkpoint", "--via", "checkpoint")
        self.assertEqual(run.returncode, 3)
        self.assertIn("the kubelet has no checkpoint API: it needs Kubernetes 1.30", run.stderr)

    def interrupt(self, name, *arguments):
        """Ends an acquisition by Ctrl-C as soon as something of its collection is here."""
        run = subprocess.Popen(self.command(name, *arguments), stderr=subprocess.PIPE, text=True)
        collection = self.folder / name / "collection"
        for _ in range(600):
            if any(file.stat().st_size > 300_000 for file in collection.glob("*") if file.exists()):
                break
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        error = run.communicate(timeout=60)[1]
        return run.returncode, error

    def test_ctrl_c_cleans_up_and_is_resumed(self):
        for via in ("node", "exec"):
            slow = ["--via", via, "--collect=--rate", "--collect=300000"]
            code, error = self.interrupt(f"stopped-{via}", *slow)
            self.assertEqual(code, 3, error)
            out = self.folder / f"stopped-{via}"
            record = json.loads((out / "acquisition.json").read_text())
            self.assertTrue(record["complete"])
            part = Collection((out / "collection/part-1.ekc").read_bytes())
            self.assertTrue(part.cut)
            self.assertEqual(self.left_behind(), "")
            if via == "exec":
                script = "for p in /proc/[0-9]*; do ls -l $p/exe; done 2>/dev/null | grep -c ekshume; find / -xdev -name '.ekshume*'"
                left = kubectl("-n", self.NAMESPACE, "exec", "web", "--", "busybox", "sh", "-c", script.replace("grep", "busybox grep"))
                self.assertEqual(left.strip(), "0")
            out, record, run = self.acquire(f"resumed-{via}", "--via", via, "--resume", out)
            self.assertIn(run.returncode, (0, 1), run.stderr)
            parts = sorted((out / "collection").iterdir())
            self.assertEqual(len(parts), 2)
            self.check_scene(parts)
            again = set(Collection(parts[1].read_bytes()).members) & {n for n in part.members if n.startswith("deleted/")}
            self.assertEqual(again, set())

    def test_files_are_those_of_the_nodes_disk(self):
        script = "mkdir -p /opt/x; echo evil > /opt/x/drop; chmod 4755 /opt/x/drop; ln -s drop /opt/x/link; touch -d 2001-02-03 /opt/x/drop"
        kubectl("-n", self.NAMESPACE, "exec", "web", "--", "sh", "-c", script)
        out, _, run = self.acquire("full", "--via", "node", "--collect=--profile", "--collect=full", memory="none")
        self.assertIn(run.returncode, (0, 1), run.stderr)
        collection = Collection((out / "collection/part-1.ekc").read_bytes())
        status = objects("-n", self.NAMESPACE, "pod", "web")["status"]["containerStatuses"][0]
        container = status["containerID"].split("://")[1]
        inside = {}
        for name, info in collection.infos.items():
            root = f"containers/{container}/root/"
            if name.startswith(root) or name.startswith("root/"):
                path = name.removeprefix(root).removeprefix("root/")
                inside[path] = (info, collection.members[name])
        # ekshume reads the same container off the node's disk, from containerd's store.
        archive = self.folder / "disk.tar"
        subprocess.run([ekshume.EKSHUME, "containers", "export", LAB / "node", container[:16], "--output", archive], check=True)
        compared = 0
        with tarfile.open(archive) as disk:
            for info in disk:
                path = info.name.removeprefix("./").strip("/")
                if not path or path not in inside:
                    # What lies behind mounts of the running container is not in its layers, and the reverse.
                    self.assertTrue(path.split("/")[0] in ("", "dev", "proc", "sys"), path)
                    continue
                if path in ("etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mark") or path.startswith(("etc/mark/", "dev", "proc", "sys", "var/run/secrets")):
                    continue  # the kubelet's own files and the kernel's filesystems are mounted over them
                live, content = inside[path]
                self.assertEqual((live.type, live.mode, live.uid, live.gid), (info.type, info.mode, info.uid, info.gid), path)
                if info.isreg():
                    self.assertEqual(content, disk.extractfile(info).read(), path)
                    self.assertEqual(int(live.mtime), int(info.mtime), path)
                    compared += 1
        self.assertIn("opt/x/drop", inside)
        self.assertEqual(inside["opt/x/drop"][1], b"evil\n")
        self.assertGreater(compared, 2)

    def test_each_missing_permission_is_named(self):
        """Takes one permission at a time away from the least that a channel needs."""
        config, _ = pod_scene.account_config(self.folder, self.NAMESPACE, "ir")
        everything = {  # as deploy/kubernetes grants them
            "node": [("ekshume", "create", "pods"), ("ekshume", "get", "pods"), ("ekshume", "delete", "pods"),
                     ("ekshume", "create", "pods/exec"), ("ekshume", "get", "pods/exec")],
            "ephemeral": [(self.NAMESPACE, "patch", "pods/ephemeralcontainers"), (self.NAMESPACE, "create", "pods/exec"),
                          (self.NAMESPACE, "get", "pods/exec")],
            "exec": [(self.NAMESPACE, "create", "pods/exec"), (self.NAMESPACE, "get", "pods/exec")],
            "tools": [(self.NAMESPACE, "create", "pods/exec"), (self.NAMESPACE, "get", "pods/exec")],
        }
        kubectl("create", "namespace", "ekshume", check=False)
        for via, needed in everything.items():
            for missing in needed:
                for namespace in ("ekshume", self.NAMESPACE):
                    rules = [{"apiGroups": [""], "resources": [resource], "verbs": [verb]} for where, verb, resource in needed
                             if where == namespace and (where, verb, resource) != missing]
                    if namespace == self.NAMESPACE:
                        rules.append({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]})
                    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                            "metadata": {"name": "ir", "namespace": namespace}, "rules": rules}
                    kubectl("apply", "-f", "-", stdin=json.dumps(role))
                    kubectl("-n", namespace, "create", "rolebinding", "ir", "--role=ir",
                            f"--serviceaccount={self.NAMESPACE}:ir", check=False)
                name = f"without-{via}-{needed.index(missing)}"
                _, record, run = self.acquire(name, "--via", via, config=config)
                sentence = f"the permission to {missing[1]} {missing[2]} in namespace {missing[0]} is missing"
                self.assertEqual(run.returncode, 3, run.stderr)
                self.assertIn(sentence, run.stderr)
                self.assertEqual(record["failures"][-1]["missing_permission"],
                                 f"{missing[1]} {missing[2]} in namespace {missing[0]}")
        kubectl("-n", "ekshume", "delete", "role,rolebinding", "ir")

    def test_the_audit_log_shows_no_secret(self):
        self.acquire("audited", "--via", "tools")
        audit = (LAB / "cp/audit.log").read_text()
        self.assertIn("/exec?", audit)
        self.assertNotIn(MARK, audit)
        self.assertNotIn("X-Amz-Signature", audit)


if __name__ == "__main__":
    lab.main()
