#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `ekshume respond` promises, on a real cluster: containment leaves the victim's processes, memory and files as they were while its siblings serve;
who lacks a right is told before; freezing and killing do what they say; every failure is a sentence."""
import hashlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402
import lab  # noqa: E402
from collection import Collection  # noqa: E402
from lab import kubectl, objects  # noqa: E402
from respond_case import RespondCase, container, deployment  # noqa: E402

HTTPD = "mkdir -p /tmp/www; echo $HOSTNAME > /tmp/www/index.html; exec busybox httpd -f -p 8080 -h /tmp/www"


def id_of(pod, name):
    status = next(status for status in pod["status"]["containerStatuses"] if status["name"] == name)
    return status["containerID"].split("://")[1]


def processes(container_id):
    """PID to start ticks of a container's processes, by this machine's /proc."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if container_id in (folder / "cgroup").read_text():
                found[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[19])
        except OSError:
            pass
    return found


def writable_layer(pid):
    """What is in the upper directory of the container's overlay: path to mode, owner, times and content."""
    upper = re.search(r" / / .*upperdir=([^, ]+)", pathlib.Path(f"/proc/{pid}/mountinfo").read_text()).group(1)
    root = lab.LAB / "node" / upper.lstrip("/")
    tree = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        tree[str(path.relative_to(root))] = (status.st_mode, status.st_uid, status.st_size, status.st_mtime_ns, status.st_ctime_ns, content)
    return tree


class Enforcer:
    """Does what the network plugin of a real cluster does and the lab's does not: drops the packets of pods that a deny-all policy of ours selects."""

    def __init__(self):
        self.rules, self.stopped = set(), False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stopped:
            wanted = set()
            for policy in objects("-n", "shop", "networkpolicies")["items"]:
                labels = ",".join(f"{name}={value}" for name, value in policy["spec"]["podSelector"].get("matchLabels", {}).items())
                wanted |= {pod["status"]["podIP"] for pod in objects("-n", "shop", "pods", "-l", labels)["items"]}
            self.set(wanted)
            time.sleep(0.3)
        self.set(set())

    def set(self, wanted):
        for verb, addresses in (("-I", wanted - self.rules), ("-D", self.rules - wanted)):
            for address in addresses:
                for chain in ("INPUT", "FORWARD"):
                    subprocess.run(["iptables", "-w", verb, chain, "-s", address, "-j", "DROP"], check=True)
        self.rules = wanted

    def stop(self):
        self.stopped = True
        self.thread.join()


class Client(threading.Thread):
    """Asks a service through the API server, again and again, and keeps who answered."""

    def __init__(self, service):
        super().__init__()
        self.path, self.answers, self.failures, self.stopped = f"/api/v1/namespaces/shop/services/{service}:80/proxy/", [], [], False
        self.start()

    def run(self):
        while not self.stopped:
            answer = kubectl("get", "--raw", self.path, check=False).strip()
            (self.answers if answer else self.failures).append(answer)
            time.sleep(0.1)

    def stop(self):
        self.stopped = True
        self.join()


class Proofs(RespondCase):
    def acquire(self, pod, name):
        out = self.folder / name
        run = subprocess.run([ekshume.EKSHUME, "acquire", "pod", f"shop/{pod}", "--via", "node", "--memory", "anonymous", "--image", lab.IMAGE,
                              "--collect=--profile", "--collect=none", "--kubeconfig", lab.CONFIG, "--output-folder", out], capture_output=True, text=True,
                             timeout=300)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        return Collection((out / "collection/part-1.ekc").read_bytes())

    @staticmethod
    def memory(collection, pid):
        return {name: hashlib.sha256(content).hexdigest() for name, content in collection.members.items() if name.startswith(f"memory/{pid}/")}

    def bridge(self):
        out = subprocess.run(["ip", "-o", "-4", "addr", "show", "cni0"], capture_output=True, text=True, check=True).stdout
        return out.split()[3].split("/")[0]

    def test_containment_leaves_the_victim_as_it_was(self):
        self.make(deployment("web", 2, container(HTTPD), container("SECRET=kept; export SECRET; echo mark > /tmp/mark; exec sleep 86400", name="quiet")),
                  {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
                   "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}})
        victim, sibling = self.pods(app="web")
        name = victim["metadata"]["name"]
        ids = {status["name"]: id_of(victim, status["name"]) for status in victim["status"]["containerStatuses"]}
        before = {which: processes(which_id) for which, which_id in ids.items()}
        quiet = next(iter(before["quiet"]))
        layers = {which: writable_layer(next(iter(before[which]))) for which in ids}
        self.assertIn("tmp/mark", layers["quiet"])
        memory = self.memory(self.acquire(name, "memory-before"), quiet)
        self.assertTrue(memory, "no memory of the quiet process")
        listener = socket.create_server(("", 0))
        self.addCleanup(listener.close)
        way = f"{self.bridge()}:{listener.getsockname()[1]}"
        path, steps, _ = self.plan("victim.case", f"pod/shop/{name}", "--memory", "none", "--probe", way)
        self.assertIn(way, path.read_text())
        # Where packets cannot be dropped here, the tool must say that nothing enforces the policy.
        enforces = subprocess.run(["iptables", "-w", "-nL"], capture_output=True).returncode == 0
        client, enforcer = Client("web"), Enforcer() if enforces else None
        try:
            self.until("the service answers", lambda: client.answers)
            contain = ("mark-pod", "shield-pod", "pause-deployment", "detach", "probe-before", "cut-network")
            self.apply(path, *(word for step in contain for word in ("--step", step)), "--image", lab.IMAGE)
            if enforces:
                self.until("the policy is enforced", lambda: enforcer.rules)
                run = self.apply(path, "--step", "verify-network", "--image", lab.IMAGE)
                self.assertIn(f"no way to {way}", run.stderr)
                self.assertNotIn("proves nothing", run.stderr)
            else:
                run = self.apply(path, "--step", "verify-network", "--image", lab.IMAGE, code=3)
                self.assertIn("does not enforce the policy", run.stderr)
            self.until("the replacement serves", lambda: len(self.pods(app="web")) == 2)
            self.until("only others answer", lambda: name not in client.answers[-5:], 60)
        finally:
            client.stop()
            if enforces:
                enforcer.stop()
        self.assertEqual(client.failures, [], "siblings did not keep serving")
        self.assertIn(sibling["metadata"]["name"], client.answers)
        self.assertEqual({which: processes(which_id) for which, which_id in ids.items()}, before)
        self.assertEqual({which: writable_layer(next(iter(before[which]))) for which in ids}, layers)
        self.assertEqual(self.memory(self.acquire(name, "memory-after"), quiet), memory)
        now = objects("-n", "shop", "pod", name)
        self.assertEqual([status["restartCount"] for status in now["status"]["containerStatuses"]], [0, 0])
        self.run_verb("undo", path, "--yes", "--image", lab.IMAGE)

    def test_roles(self):
        rbac = [ekshume.ROOT / "deploy/kubernetes/rbac.yaml", ekshume.ROOT / "deploy/kubernetes/respond-rbac.yaml"]
        for file in rbac:
            kubectl("apply", "-f", str(file))
            self.addCleanup(kubectl, "delete", "-f", str(file), "--wait=false", "--ignore-not-found")
        kubectl("-n", "ekshume", "create", "serviceaccount", "eradicator")
        for role, account in (("ekshume-contain", "ekshume-responder"), ("ekshume-reader", "eradicator"), ("ekshume-eradicate", "eradicator")):
            kubectl("create", "clusterrolebinding", f"{role}-{account}", f"--clusterrole={role}", f"--serviceaccount=ekshume:{account}")
            self.addCleanup(kubectl, "delete", "clusterrolebinding", f"{role}-{account}")
        responder = lab.config_of("ekshume", "ekshume-responder", self.folder / "responder.conf")
        eradicator = lab.config_of("ekshume", "eradicator", self.folder / "eradicator.conf")
        kubectl("create", "clusterrolebinding", "roles-backdoor", "--clusterrole=view", "--serviceaccount=shop:default")
        self.addCleanup(kubectl, "delete", "clusterrolebinding", "roles-backdoor", "--ignore-not-found")
        self.make({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bad", "namespace": "shop"},
                   "spec": {"terminationGracePeriodSeconds": 0, "containers": [container("exec sleep 86400")]}})
        kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/bad", "--timeout=90s")
        path, steps, _ = self.plan("roles.case", "pod/shop/bad", "--memory", "none", config=responder)
        self.assertEqual(steps["delete-pod"]["missing"], "delete pods in namespace shop")
        self.assertIn("patch clusterrolebindings", steps["strip-binding"]["missing"])
        for step in ("mark-pod", "shield-pod", "cut-network"):
            self.assertEqual(steps[step]["missing"], "", step)
        self.apply(path, "--step", "mark-pod", "--step", "cut-network", config=responder)
        # What is not the responder's is refused before anything is done.
        self.enable(path, "shield-pod", "delete-pod")
        journal = path.with_suffix(".jsonl").read_text()
        run = self.apply(path, "--confirm", "pod/shop/bad", config=responder, code=3)
        self.assertIn("the permission to delete pods in namespace shop is missing (step delete-pod)", run.stderr)
        self.assertIn("nothing was done", run.stderr)
        self.assertEqual(path.with_suffix(".jsonl").read_text(), journal)
        self.assertNotIn("annotations", objects("-n", "shop", "pod", "bad")["metadata"])
        # The eradicator strips and deletes; the responder's steps are not the eradicator's.
        path2, _, _ = self.plan("roles-2.case", "serviceaccount/shop/default", config=eradicator)
        self.apply(path2, "--step", "strip-binding", config=eradicator)
        self.assertNotIn("subjects", objects("clusterrolebinding", "roles-backdoor"))
        self.run_verb("undo", path2, "--yes", config=eradicator)
        self.assertEqual(len(objects("clusterrolebinding", "roles-backdoor")["subjects"]), 1)
        self.apply(path, "--step", "delete-pod", "--confirm", "pod/shop/bad", config=eradicator)
        self.until("the pod is gone", lambda: not kubectl("-n", "shop", "get", "pod", "bad", "-o", "name", "--ignore-not-found"))

    def test_freeze(self):
        probe = {"livenessProbe": {"exec": {"command": ["sh", "-c", ":"]}, "periodSeconds": 3, "failureThreshold": 4}}
        self.make({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "busy", "namespace": "shop"},
                   "spec": {"terminationGracePeriodSeconds": 0, "containers": [
                       container("i=0; while true; do i=$((i+1)); echo $i > /tmp/count; sleep 0.1; done"),
                       container("exec sleep 86400", name="probed", **probe)]}})
        kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/busy", "--timeout=90s")
        pod = objects("-n", "shop", "pod", "busy")
        path, steps, _ = self.plan("freeze.case", "pod/shop/busy", "--memory", "none")
        freezes = [step for step in steps if step.startswith("freeze")]
        self.assertEqual(len(freezes), 2)
        free = next(step for step in freezes if "container app" in steps[step]["what"])
        probed = next(step for step in freezes if step != free)
        self.enable(path, *freezes, approve=False)
        members = processes(id_of(pod, "app"))
        count = lambda: (writable_layer(min(members)).get("tmp/count") or [None])  # noqa: E731

        run = self.apply(path, "--step", free, "--image", lab.IMAGE)
        self.assertIn("frozen", run.stderr)
        self.addCleanup(lambda: self.run_verb("undo", path, "--yes", "--image", lab.IMAGE))
        still = count()
        time.sleep(2)
        self.assertEqual(count(), still, "it runs on")
        self.assertEqual(processes(id_of(pod, "app")).get(min(members)), members[min(members)])
        # The other is refused: its probe would fail, and how soon is a number.
        run = self.apply(path, "--step", probed, "--image", lab.IMAGE, code=3)
        self.assertRegex(run.stderr, r"restarts it after 10 s at least")
        run = self.run_verb("undo", path, "--yes", "--image", lab.IMAGE)
        self.assertIn("thawed", run.stderr)
        self.until("it goes on", lambda: count() != still, 20)
        now = objects("-n", "shop", "pod", "busy")
        self.assertEqual([status["restartCount"] for status in now["status"]["containerStatuses"]], [0, 0])
        self.until("no pod of ours is left", lambda: not kubectl("-n", "ekshume", "get", "pods", "-o", "name"))

    def test_kill(self):
        self.make({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "infected", "namespace": "shop"},
                   "spec": {"terminationGracePeriodSeconds": 0, "containers": [container("sleep 4711 & while true; do sleep 1; done")]}})
        kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/infected", "--timeout=90s")
        pod = objects("-n", "shop", "pod", "infected")
        members = processes(id_of(pod, "app"))
        first = min(members)
        bad = next(pid for pid in members if b"4711" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))
        path, steps, _ = self.plan("kill.case", "pod/shop/infected", "--memory", "none", "--kill", f"{bad}:{members[bad]}",
                                   "--kill", f"{first}:{members[first]}", "--kill", f"{os.getpid()}:1")
        kills = [step for step in steps if step.startswith("kill")]
        self.assertTrue(all(steps[step]["approval"] and steps[step]["state"] == "disabled" for step in kills))
        self.enable(path, *kills, approve=False)
        words = f"pod/shop/infected/{bad}"
        self.assertIn("needs an approval", self.apply(path, "--step", "kill", "--confirm", words, "--image", lab.IMAGE, code=3).stderr)
        self.run_verb("approve", path, "--operator", "bob")
        self.assertIn(f"--confirm {words}", self.apply(path, "--step", "kill", "--image", lab.IMAGE, code=3).stderr)
        self.assertTrue(pathlib.Path(f"/proc/{bad}").exists())
        run = self.apply(path, "--step", "kill", "--confirm", words, "--image", lab.IMAGE)
        self.assertIn(f"killed the process {bad}", run.stderr)
        self.assertNotIn(bad, processes(id_of(pod, "app")))
        # The first of the container is refused; a process that is another by now, or not of the pod, is left alone.
        run = self.apply(path, "--step", "kill-2", "--confirm", f"pod/shop/infected/{first}", "--image", lab.IMAGE, code=3)
        self.assertIn("the first process of its container", run.stderr)
        run = self.apply(path, "--step", "kill-3", "--confirm", f"pod/shop/infected/{os.getpid()}", "--image", lab.IMAGE)
        self.assertIn("nothing was killed", run.stderr)
        now = objects("-n", "shop", "pod", "infected")["status"]["containerStatuses"][0]
        self.assertEqual((now["restartCount"], now["containerID"].split("://")[1]), (0, id_of(pod, "app")))
        self.assertIn(first, processes(id_of(pod, "app")))

    def test_failures_are_sentences(self):
        self.make({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "brief", "namespace": "shop"},
                   "spec": {"terminationGracePeriodSeconds": 0, "containers": [container("exec sleep 86400")]}})
        kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/brief", "--timeout=90s")
        path, steps, run = self.plan("brief.case", "pod/shop/brief", "--memory", "none")
        # No policy engine of its own: the plan falls back, and says what that is worth.
        self.assertTrue(steps["cut-network"]["object"].startswith("networkpolicy/"))
        self.assertIn("the network plugin may not enforce policies at all", path.read_text().replace("\n", " "))
        self.assertIn("no ValidatingAdmissionPolicy", run.stderr)

        def sentence(run, *words):
            lines = [line for line in run.stderr.splitlines() if line]
            self.assertLessEqual(len(lines), 2, run.stderr)
            for word in words:
                self.assertIn(word, lines[-1] if word in lines[-1] else run.stderr)

        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            closed = self.folder / "closed.conf"
            closed.write_text(lab.CONFIG.read_text().replace("127.0.0.1:6443", f"127.0.0.1:{unused.getsockname()[1]}"))
            case = self.folder / "bad.case"
            sentence(self.run_verb("plan", "pod/shop/brief", "--case", case, config=closed, code=3), "the API server at https://127.0.0.1:")
        bad_token = self.folder / "token.conf"
        bad_token.write_text(re.sub(r"users:.*", "users: [{name: u, user: {token: expired}}]", lab.CONFIG.read_text()))
        sentence(self.run_verb("plan", "pod/shop/brief", "--case", case, config=bad_token, code=3), "does not accept our credentials")
        run = self.apply(path, "--step", "mark-pod", config=bad_token, code=3)
        self.assertIn("does not accept our credentials", run.stderr)
        # Whoever only reads: told before, and nothing is done.
        kubectl("create", "clusterrole", "only-see", "--verb=get,list", "--resource=pods,nodes,services,serviceaccounts")
        kubectl("create", "clusterrolebinding", "only-see", "--clusterrole=only-see", "--serviceaccount=shop:default")
        self.addCleanup(kubectl, "delete", "clusterrole,clusterrolebinding", "only-see")
        reader = lab.config_of("shop", "default", self.folder / "reader.conf")
        run = self.apply(path, "--step", "mark-pod", "--step", "shield-pod", config=reader, code=3)
        self.assertIn("the permission to patch pods in namespace shop is missing (step mark-pod); nothing was done", run.stderr)
        self.assertNotIn("labels", objects("-n", "shop", "pod", "brief")["metadata"])
        # The pod goes between plan and apply.
        kubectl("-n", "shop", "delete", "pod", "brief", "--wait=true")
        run = self.apply(path, "--step", "mark-pod", code=3)
        self.assertIn("mark-pod: pod/shop/brief is gone", run.stderr)
        self.assertEqual(self.states(path)["mark-pod"], "failed")
        last = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
        self.assertEqual({record["event"] for record in last}, {"failed"})
        run = self.run_verb("plan", "pod/shop/brief", "--case", self.folder / "bad.case", code=3)
        self.assertIn("brief", run.stderr)


if __name__ == "__main__":
    lab.main()
