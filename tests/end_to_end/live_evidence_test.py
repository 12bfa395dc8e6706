# SPDX-License-Identifier: Apache-2.0
"""Investigates a collection of real processes of this machine: a program that was deleted while it runs and has a connection.
Needs root."""
import hashlib
import json
import os
import pathlib
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402

PROGRAM = pathlib.Path(ekshume.EKSHUME).resolve()
LIBEXEC = pathlib.Path(os.environ.get("EKSHUME_LIBEXEC", PROGRAM.parent.parent / "libexec/ekshume"))
COLLECTOR = LIBEXEC / f"ekshume-collect-{platform.machine()}"


def run(*arguments, codes=(0, 1)):
    done = subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True)
    if done.returncode not in codes:
        raise AssertionError(f"{arguments}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


class LiveEvidence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            ekshume.skip_all("other processes can be collected by root only")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="ekshume-live-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        implant = cls.folder / "implant"
        shutil.copy(shutil.which("python3"), implant)
        cls.sha256 = hashlib.sha256(implant.read_bytes()).hexdigest()
        listener = socket.create_server(("127.0.0.1", 0))
        cls.addClassCleanup(listener.close)
        cls.port = listener.getsockname()[1]
        script = f"import socket,time; s=socket.create_connection(('127.0.0.1',{cls.port})); print('up',flush=True); time.sleep(600)"
        # The copy finds its library by the environment, as its place says nothing of it.
        home = subprocess.run([sys.executable, "-c", "import sys; print(sys.base_prefix)"], capture_output=True,
                              text=True).stdout.strip()
        cls.process = subprocess.Popen([str(implant), "-c", script], stdout=subprocess.PIPE,
                                       env={"PYTHONHOME": home, "MARK": "of-the-test"})
        cls.addClassCleanup(cls.end)
        assert cls.process.stdout.readline() == b"up\n"
        cls.connection, _ = listener.accept()
        cls.addClassCleanup(cls.connection.close)
        implant.unlink()
        cls.implant = str(implant)
        cls.collection = cls.folder / "node.ekc"
        began = time.time()
        with open(cls.collection, "wb") as out:
            done = subprocess.run([str(COLLECTOR), "--profile", "none", "--memory", "none"], stdout=out,
                                  stderr=subprocess.PIPE)
        assert done.returncode in (0, 1), done.stderr
        cls.seconds = (began, time.time())
        cls.case = cls.folder / "case"
        cls.page = run("investigate", cls.collection, "--case", cls.case)
        cls.report = json.loads((cls.case / "report.json").read_text())

    @classmethod
    def end(cls):
        cls.process.kill()
        cls.process.wait()
        cls.process.stdout.close()

    def test_the_process_is_in_the_report_as_the_kernel_had_it(self):
        live = self.report["live"]
        self.assertEqual(len(live), 1)
        self.assertEqual(live[0]["format"], "collection")
        found = [p for p in live[0]["processes"] if p["pid"] == self.process.pid]
        self.assertEqual(len(found), 1)
        process = found[0]
        self.assertEqual(process["executable"], self.implant)
        self.assertTrue(process["executable_deleted"])
        self.assertEqual(process["sha256"], self.sha256)
        self.assertEqual(process["ppid"], os.getpid())
        self.assertIn("MARK=of-the-test", process["environment"])
        self.assertEqual(process["namespaces"]["net"],
                         int(os.readlink(f"/proc/{self.process.pid}/ns/net").split("[")[1][:-1]))
        parent = [p for p in live[0]["processes"] if p["pid"] == os.getpid()]
        self.assertEqual(len(parent), 1)
        self.assertFalse(parent[0]["executable_deleted"])

    def test_the_connection_belongs_to_the_process(self):
        ends = [s for s in self.report["live"][0]["sockets"]
                if s["remote"] and s["remote"]["port"] == self.port and s["remote"]["address"] == "127.0.0.1"]
        self.assertEqual(len(ends), 1)
        self.assertEqual(ends[0]["local"]["port"], self.connection.getpeername()[1])
        self.assertEqual([h["pid"] for h in ends[0]["processes"]], [self.process.pid])

    def test_the_page_shows_both(self):
        self.assertIn("WHAT WAS RUNNING", self.page)
        self.assertIn(str(self.process.pid), self.page)

    def test_it_is_on_the_timeline_with_its_start(self):
        rows = [json.loads(line) for line in
                run("search", self.case, f"source:process AND pid:{self.process.pid}", "--format", "jsonl").splitlines()]
        running = [row for row in rows if row["action"] == "running"]
        self.assertEqual(len(running), 1)
        self.assertEqual(running[0]["path"], self.implant)
        self.assertEqual(running[0]["sha256"], self.sha256)
        self.assertIn("whose executable is deleted", running[0]["message"])
        seconds = time.mktime(time.strptime(running[0]["time"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        self.assertLess(abs(seconds - self.seconds[0]), 60)

    def test_again_adds_nothing(self):
        before = run("sql", self.case, "SELECT count(*) FROM events", "--format", "csv")
        run("investigate", self.collection, "--case", self.case)
        self.assertEqual(run("sql", self.case, "SELECT count(*) FROM events", "--format", "csv"), before)


if __name__ == "__main__":
    unittest.main()
