#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ekshume acquire node --via ssh` through a real sshd on loopback, with keys and configuration in a temporary folder. Needs root and sshd
(openssh-server)."""
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402
from cutter import Cutter  # noqa: E402
from collection import Collection  # noqa: E402
from ekshume import work_folder  # noqa: E402

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Sshd:
    def __init__(self):
        self.folder, self.port = work_folder() / "sshd", free_port()
        self.folder.mkdir(mode=0o700)
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / key], check=True)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized")
        public = (self.folder / "host.pub").read_text()
        (self.folder / "known").write_text(f"[127.0.0.1]:* {public}")
        (self.folder / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nAuthorizedKeysFile {self.folder}/authorized\nPidFile {self.folder}/pid\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n")
        os.makedirs("/run/sshd", exist_ok=True)
        self.process = subprocess.Popen([SSHD, "-D", "-f", self.folder / "config", "-E", self.folder / "log"])
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        ekshume.skip_all(f"sshd does not start: {(self.folder / 'log').read_text()[-500:]}")

    def arguments(self, port=None):
        return [f"--ssh={word}" for word in ("-F", "none", "-i", str(self.folder / "user"), "-p", str(port or self.port), "-o",
                                            f"UserKnownHostsFile={self.folder}/known", "-o", "IdentitiesOnly=yes")]


class AcquireSsh(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sshd = Sshd()
        cls.mark = "ek-" + secrets.token_hex(16)
        cls.victim = subprocess.Popen(["sleep", "1000"], env={"SECRET": cls.mark, "PATH": os.environ["PATH"]})

    @classmethod
    def tearDownClass(cls):
        cls.victim.terminate()
        cls.victim.wait(10)
        cls.sshd.process.terminate()
        cls.sshd.process.wait(10)

    def acquire(self, name, *arguments, host="root@127.0.0.1", port=None):
        out = work_folder() / name
        run = subprocess.run([ekshume.EKSHUME, "acquire", "node", host, "--via", "ssh", "--output-folder", out, *self.sshd.arguments(port),
                              "--collect=--profile", "--collect=none", "--collect=--pid", f"--collect={self.victim.pid}", *arguments],
                             capture_output=True, text=True, timeout=200)
        record = json.loads((out / "acquisition.json").read_text()) if (out / "acquisition.json").exists() else {}
        return out, record, run

    def check(self, parts):
        collections = [Collection(part.read_bytes()) for part in parts]
        self.assertFalse(collections[-1].cut)
        rows = [row for one in collections if "live/processes.jsonl" in one.members for row in one.table("live/processes.jsonl")]
        row = next(row for row in rows if row["pid"] == self.victim.pid)
        self.assertIn(f"SECRET={self.mark}", row["environ"])
        held = [name for one in collections for name, content in one.members.items()
                if name.startswith(f"memory/{self.victim.pid}/") and content and self.mark.encode() in content]
        self.assertTrue(held)

    def left(self):
        return [str(path) for folder in ("/dev/shm", "/run", "/tmp", "/var/tmp") for path in pathlib.Path(folder).glob(".ekshume-*")]

    def test_whole(self):
        before = self.left()
        out, record, run = self.acquire("whole", "--memory", "all")
        self.assertIn(run.returncode, (0, 1), run.stderr)
        self.check([out / "collection/part-1.ekc"])
        self.assertEqual(record["failures"], [])
        self.assertEqual(record["method"], "collector over ssh")
        self.assertEqual(self.left(), before)
        self.assertNotIn(self.mark, json.dumps(record))

    def test_a_cut_stream_is_taken_up_again(self):
        cutter = Cutter(self.sshd.port, 150_000)
        out, record, run = self.acquire("cut", "--memory", "all", port=cutter.port)
        self.assertEqual(cutter.cuts, 1)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        parts = sorted((out / "collection").iterdir())
        self.assertEqual(len(parts), 2, record)
        self.assertTrue(Collection(parts[0].read_bytes()).cut)
        self.check(parts)

    def test_what_fails_is_said(self):
        _, record, run = self.acquire("refused", host="nobody@127.0.0.1")
        self.assertEqual(run.returncode, 3)
        self.assertIn("Permission denied", run.stderr)
        self.assertEqual(len(record["failures"]), 1)
        _, _, run = self.acquire("option", host="-oProxyCommand=true")
        self.assertIn(run.returncode, (2, 3))
        _, _, run = self.acquire("no-collector", "--collector", "/dev/null")
        self.assertIn(run.returncode, (2, 3))


if __name__ == "__main__":
    if os.geteuid() != 0 or not os.path.exists(SSHD) or shutil.which("ssh") is None:
        ekshume.skip_all("acquiring over ssh is tested as root with sshd (openssh-server)")
    unittest.main()
