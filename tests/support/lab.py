# SPDX-License-Identifier: Apache-2.0
"""The real one-node Kubernetes (1.20, containerd) that tests start on loopback. Needs root, and its programs in LAB: where they are missing, CI
builds them, which takes twenty minutes; elsewhere the test skips."""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

import ekshume

LAB = pathlib.Path(os.environ.get("LAB", "/var/tmp/k8s-lab"))
SCRIPT = pathlib.Path(ekshume.SHARED) / "lab/cluster"
CONFIG = LAB / "admin.conf"
NODE = "ip-10-0-1-23.ec2.internal"
IMAGE = "registry.test/busybox:1"


def kubectl(*arguments, stdin=None, check=True):
    run = subprocess.run([LAB / "bin/kubectl", "--kubeconfig", CONFIG, *arguments], input=stdin, capture_output=True, text=True)
    if check and run.returncode != 0:
        raise AssertionError(f"kubectl {arguments}: {run.stderr}")
    return run.stdout


def objects(*arguments):
    return json.loads(kubectl("get", *arguments, "-o", "json"))


def make_namespace(name):
    for _ in range(120):  # one of the test before may still be on its way out
        if "Terminating" not in kubectl("get", "namespace", name, "--ignore-not-found", check=False):
            break
        time.sleep(1)
    kubectl("create", "namespace", name)
    for _ in range(30):  # its service account comes a moment later
        if kubectl("-n", name, "get", "serviceaccount", "default", check=False):
            return
        time.sleep(1)
    raise AssertionError(f"namespace {name} has no service account")


def token_of(namespace, account):
    """The token that the cluster made for a service account (as clusters did up to 1.23)."""
    for _ in range(30):
        for secret in objects("-n", namespace, "secrets")["items"]:
            if secret["metadata"].get("annotations", {}).get("kubernetes.io/service-account.name") == account and "token" in secret.get("data", {}):
                return base64.b64decode(secret["data"]["token"]).decode()
        time.sleep(1)
    raise AssertionError(f"{namespace}/{account} has no token")


def config_of(namespace, account, path):
    """A kubeconfig of a service account."""
    path.write_text(re.sub(r"users:.*", f"users: [{{name: u, user: {{token: {token_of(namespace, account)}}}}}]", CONFIG.read_text()))
    return path


def answers():
    """Whether a cluster is up."""
    return CONFIG.exists() and kubectl("get", "--raw", "/readyz", "--request-timeout=10s", check=False).strip() == "ok"


def forget_others():
    """Takes from the script's list of processes to end those of a cluster that a restarted machine took with it: their numbers may be anybody's now."""
    def is_ours(pid):
        try:
            return f"LAB={LAB}".encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False
    pids = LAB / "pids"
    if pids.exists():
        pids.write_text("".join(f"{pid}\n" for pid in pids.read_text().split() if is_ours(pid)))


def script(verb):
    return subprocess.run([SCRIPT, verb], timeout=3000, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def start():
    """Starts the cluster, or ends this test program as skipped."""
    if os.geteuid() != 0 or not SCRIPT.exists():
        ekshume.skip_all("the lab cluster needs root and EKSHUME_SHARED")
    if not (LAB / "bin/kubectl").exists() and not os.environ.get("CI"):
        ekshume.skip_all(f"Kubernetes is not built in {LAB}; `{SCRIPT} up` does it, or set CI")
    forget_others()
    if script("up") != 0:
        script("down")
        ekshume.skip_all("the lab cluster cannot be started on this machine")


def main():
    """Runs the tests of the calling program with the lab up; ends the program. What was up before stays up."""
    was_up = answers()
    if not was_up:
        start()
    try:
        program = unittest.main(module="__main__", exit=False)
    finally:
        if not was_up:
            script("down")
    sys.exit(not program.result.wasSuccessful())
