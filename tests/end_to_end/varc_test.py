# SPDX-License-Identifier: Apache-2.0
"""Investigates what varc, the Volatile Artifact Collector, itself makes here and now: it runs in a process namespace of its own, with one program to find. Needs root
and varc, which tools/install-dependencies puts into third_party/python."""
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402

# Writes its secret byte by byte into a buffer of its own, so that no other copy of it is anywhere.
IMPLANT = """
import ctypes, socket, sys, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
hidden = bytes.fromhex(sys.argv[2])
buffer = ctypes.create_string_buffer(1 << 20)
for i, byte in enumerate(hidden):
    buffer[4321 + i] = byte ^ 0x55
print("up", flush=True)
time.sleep(600)
"""
# The first process of the namespace: starts the program, lets varc look, and says which process it was.
FIRST = """
import json, os, subprocess, sys
implant, port, hidden, varc, script = sys.argv[1:]
child = subprocess.Popen([implant, "-c", script, port, hidden], stdout=subprocess.PIPE, env={**os.environ, "PYTHONHOME": sys.base_prefix})
child.stdout.readline()
done = subprocess.run([varc, "-m", "varc"], capture_output=True, text=True)
child.kill()
print(json.dumps({"pid": child.pid, "code": done.returncode, "said": done.stderr[-500:]}))
"""


def python_with_varc():
    for python in (sys.executable, str(ekshume.ROOT / "third_party/python/bin/python")):
        if pathlib.Path(python).exists() and subprocess.run([python, "-c", "import varc_core.systems"], capture_output=True).returncode == 0:
            return python
    ekshume.skip_all("varc is not installed; run tools/install-dependencies, or pip install varc==1.0.9 lz4")


def run(*arguments):
    done = subprocess.run([ekshume.EKSHUME, *map(str, arguments)], capture_output=True)
    if done.returncode not in (0, 1):
        raise AssertionError(f"{arguments}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


class Varc(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            ekshume.skip_all("a process namespace and other processes' memory need root")
        python = python_with_varc()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="ekshume-varc-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.implant = cls.folder / "implant"
        shutil.copy(os.path.realpath(sys.executable), cls.implant)
        listener = socket.create_server(("127.0.0.1", 0))
        cls.addClassCleanup(listener.close)
        cls.port = listener.getsockname()[1]
        cls.secret = f"secret-{secrets.token_hex(12)}"
        hidden = bytes(byte ^ 0x55 for byte in cls.secret.encode()).hex()
        cls.started = time.time()
        first = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", FIRST, cls.implant, str(cls.port), hidden, python, IMPLANT],
                               cwd=cls.folder, capture_output=True, text=True, timeout=500)
        bundles = list(cls.folder.glob("*.zip"))
        assert len(bundles) == 1, (first.stdout, first.stderr)
        cls.truth = json.loads(first.stdout)
        rules = cls.folder / "secret.yar"
        rules.write_text(f'rule TheSecret {{ strings: $secret = "{cls.secret}" condition: $secret }}\n')
        cls.case = cls.folder / "case"
        run("investigate", bundles[0], "--case", cls.case, "--yara", rules)
        report = json.loads((cls.case / "report.json").read_text())
        assert len(report["live"]) == 1, report["live"]
        cls.live = report["live"][0]
        cls.diagnostics = report["diagnostics"]

    def test_its_processes(self):
        self.assertEqual(self.live["format"], "varc")
        processes = {process["pid"]: process for process in self.live["processes"]}
        self.assertLessEqual({1, self.truth["pid"]}, set(processes))
        process = processes[self.truth["pid"]]
        self.assertEqual(process["ppid"], 1)
        self.assertEqual(process["executable"], str(self.implant))
        self.assertEqual(process["arguments"][0], str(self.implant))
        self.assertIn(str(self.port), process["command_line"])
        self.assertEqual(process["user"], "root")
        start = time.mktime(time.strptime(process["start"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        self.assertLess(abs(start - self.started), 30)

    def test_its_connection(self):
        ends = [one for one in self.live["sockets"] if one["remote"] and one["remote"]["port"] == self.port]
        self.assertEqual(len(ends), 1)
        self.assertEqual(ends[0]["remote"]["address"], "127.0.0.1")
        self.assertEqual([holder["pid"] for holder in ends[0]["processes"]], [self.truth["pid"]])

    def test_its_memory(self):
        findings = [json.loads(line) for line in run("findings", self.case, "--format", "jsonl").splitlines()]
        found = [finding for finding in findings if finding["rule"] == "TheSecret"]
        self.assertEqual([finding["object"] for finding in found], [f"process {self.truth['pid']} implant"])

    def test_the_timeline_has_the_process(self):
        rows = [json.loads(line) for line in run("search", self.case, f"source:process AND pid:{self.truth['pid']}", "--format", "jsonl").splitlines()]
        self.assertEqual([row["path"] for row in rows], [str(self.implant)])

    def test_the_program_is_taken_out_whole_where_varc_kept_it(self):
        process = next(one for one in self.live["processes"] if one["pid"] == self.truth["pid"])
        if self.implant.stat().st_size > 10 << 20:
            self.assertIsNone(process["executable_member"])  # varc leaves out larger files
            return
        self.assertEqual(process["sha256"], hashlib.sha256(self.implant.read_bytes()).hexdigest())

    def test_nothing_was_left_out(self):
        self.assertEqual(self.live["not_read"], [])
        self.assertEqual([one for one in self.diagnostics if one["severity"] == "data_loss"], [])


if __name__ == "__main__":
    unittest.main()
