# SPDX-License-Identifier: Apache-2.0
"""Investigates a collection of real processes of this machine: a program that was deleted while it runs and has a connection.
Needs root."""
import hashlib
import json
import os
import pathlib
import platform
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
        shutil.copy(os.path.realpath(sys.executable), implant)
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


def collected(pid, target, *options):
    """A collection of one process of this machine."""
    with open(target, "wb") as out:
        done = subprocess.run([str(COLLECTOR), "--pid", str(pid), "--profile", "none", *options], stdout=out, stderr=subprocess.PIPE)
    assert done.returncode in (0, 1), done.stderr
    return target


def mapping_of(pid, address):
    """(permissions, path) of the mapping that holds the address, as the kernel has it."""
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        start, end = (int(part, 16) for part in fields[0].split("-"))
        if start <= address < end:
            return fields[1], fields[5] if len(fields) > 5 else ""
    raise AssertionError(f"{address:#x} is in no mapping")


class Memory(unittest.TestCase):
    """A secret that only the memory of a process holds is found by a YARA rule and as an indicator."""

    # Writes the secret byte by byte into a buffer of its own, so that no other copy of it is anywhere.
    SCRIPT = """
import ctypes, sys, time
hidden = bytes.fromhex(sys.argv[1])
buffer = ctypes.create_string_buffer(9 << 20)
at = int(sys.argv[2])
for i, byte in enumerate(hidden):
    buffer[at + i] = byte ^ 0x55
print(ctypes.addressof(buffer) + at, flush=True)
time.sleep(600)
"""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            ekshume.skip_all("other processes can be collected by root only")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="ekshume-memory-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        secret = f"secret-{secrets.token_hex(12)}"
        cls.domain = f"c2-{secrets.token_hex(4)}.evil.test"
        cls.text = f"{secret} {cls.domain} "
        hidden = bytes(byte ^ 0x55 for byte in cls.text.encode()).hex()
        cls.process = subprocess.Popen([sys.executable, "-c", cls.SCRIPT, hidden, str((4 << 20) + 12345)], stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.end)
        cls.address = int(cls.process.stdout.readline())
        cls.permissions, cls.mapping = mapping_of(cls.process.pid, cls.address)
        rules = cls.folder / "secret.yar"
        rules.write_text('rule TheSecret { meta: description = "Knows the secret" level = "high" attack = "T1552"\n'
                         f'strings: $secret = "{secret}" condition: $secret }}\n')
        indicators = cls.folder / "list.txt"
        indicators.write_text(f"{cls.domain} # of the test\n")
        collection = collected(cls.process.pid, cls.folder / "one.ekc", "--memory", "anonymous")
        cls.case = cls.folder / "case"
        run("investigate", collection, "--case", cls.case, "--yara", rules, "--indicators", indicators)
        cls.findings = [json.loads(line) for line in run("findings", cls.case, "--format", "jsonl").splitlines()]

    @classmethod
    def end(cls):
        cls.process.kill()
        cls.process.wait()
        cls.process.stdout.close()

    def found(self, **fields):
        found = [f for f in self.findings if all(f[key] == value for key, value in fields.items())]
        self.assertEqual(len(found), 1, self.findings)
        return found[0]

    def place(self, address):
        return f"{address:#x} in {self.mapping or 'anonymous memory'} ({self.permissions})"

    def test_yara_finds_it_at_its_address(self):
        finding = self.found(rule="TheSecret")
        self.assertEqual(finding["title"], "Knows the secret")
        self.assertEqual(finding["level"], "high")
        self.assertIn("attack.t1552", finding["tags"])
        self.assertEqual(finding["object"], f"process {self.process.pid} {pathlib.Path(os.readlink(f'/proc/{self.process.pid}/exe')).name}")
        self.assertIn(f"$secret at {self.place(self.address)}", finding["explanation"])

    def test_the_indicator_is_found_at_its_address(self):
        finding = self.found(rule=self.domain)
        self.assertEqual(finding["level"], "medium")
        self.assertIn(f"{self.place(self.address + self.text.index(self.domain))} is the domain {self.domain}", finding["explanation"])

    def test_a_finding_leads_to_the_process_on_the_timeline(self):
        event = self.found(rule="TheSecret")["events"]
        self.assertEqual(len(event), 1)
        rows = [json.loads(line) for line in run("search", self.case, f"id:{event[0]}", "--format", "jsonl").splitlines()]
        self.assertEqual([(row["source"], row["pid"]) for row in rows], [("process", self.process.pid)])


class Suspects(unittest.TestCase):
    """Processes as intruders leave them, each with its finding, and ordinary ones without any above low."""

    SHELL = """
import os, socket, subprocess, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
child = subprocess.Popen(["/bin/sh", "-c", "read line; sleep 600"], stdin=s, stdout=s, stderr=s)
print(child.pid, flush=True)
time.sleep(600)
"""
    MEMORY = """
import os, sys
program = open(sys.argv[1], "rb").read()
fd = os.memfd_create("innocent")
os.write(fd, program)
os.execve(fd, ["[kworker/0:1]", "600"], {})
"""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            ekshume.skip_all("other processes can be collected by root only")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="ekshume-suspects-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.children = []
        cls.addClassCleanup(cls.end)
        listener = socket.create_server(("127.0.0.1", 0))
        cls.addClassCleanup(listener.close)
        cls.port = listener.getsockname()[1]
        parent = cls.start([sys.executable, "-c", cls.SHELL, str(cls.port)], stdout=subprocess.PIPE)
        cls.shell = int(parent.stdout.readline())
        cls.addClassCleanup(parent.stdout.close)
        connection, _ = listener.accept()
        cls.addClassCleanup(connection.close)
        # coreutils' sleep may be busybox or multi-call elsewhere; a copy of it is a program of its own.
        sleep = shutil.which("sleep")
        cls.memory = cls.start([sys.executable, "-c", cls.MEMORY, sleep])
        deleted = cls.folder / "sleep"
        shutil.copy(sleep, deleted)
        cls.deleted = cls.start([str(deleted), "600"])
        cls.preloaded = cls.start([sleep, "600"], env={"LD_PRELOAD": "/dev/shm/.x/none-such.so"}, stderr=subprocess.DEVNULL)
        cls.benign = cls.start([sleep, "600"])
        cls.wait_until(lambda: "memfd:" in os.readlink(f"/proc/{cls.memory.pid}/exe"))
        cls.wait_until(lambda: os.readlink(f"/proc/{cls.deleted.pid}/exe") == str(deleted))
        deleted.unlink()
        cls.collection = cls.folder / "node.ekc"
        with open(cls.collection, "wb") as out:
            done = subprocess.run([str(COLLECTOR), "--profile", "none", "--memory", "none"], stdout=out, stderr=subprocess.PIPE)
        assert done.returncode in (0, 1), done.stderr
        cls.case = cls.folder / "case"
        run("investigate", cls.collection, "--case", cls.case)
        findings = [json.loads(line) for line in run("findings", cls.case, "--format", "jsonl").splitlines()]
        cls.findings = [finding for finding in findings if finding["rule"].startswith("running.")]
        cls.pids = {}
        for row in map(json.loads, run("search", cls.case, "source:process", "--format", "jsonl").splitlines()):
            cls.pids[row["id"]] = row["pid"]

    @classmethod
    def start(cls, command, **options):
        process = subprocess.Popen(command, **options)
        cls.children.append(process)
        return process

    @classmethod
    def end(cls):
        os.kill(cls.shell, 9)
        for process in cls.children:
            process.kill()
            process.wait()

    @staticmethod
    def wait_until(holds):
        for _ in range(200):
            if holds():
                return
            time.sleep(0.05)
        raise AssertionError("it did not come to that")

    def of(self, pid):
        """{rule: level} of what was found of a process."""
        return {finding["rule"]: finding["level"] for finding in self.findings if pid in [self.pids[event] for event in finding["events"]]}

    def test_a_shell_on_a_connection(self):
        self.assertEqual(self.of(self.shell).get("running.shell_on_socket"), "high")
        found = [f for f in self.findings if f["rule"] == "running.shell_on_socket" and self.shell in [self.pids[e] for e in f["events"]]]
        self.assertIn(f"127.0.0.1 port {self.port}", found[0]["explanation"])

    def test_a_program_in_memory_that_calls_itself_a_thread_of_the_kernel(self):
        found = self.of(self.memory.pid)
        self.assertEqual(found.get("running.memory_program"), "high")
        self.assertEqual(found.get("running.kernel_look_alike"), "high")

    def test_a_deleted_program(self):
        self.assertIn(self.of(self.deleted.pid).get("running.deleted_program"), ("medium", "high"))

    def test_a_preloaded_library(self):
        self.assertEqual(self.of(self.preloaded.pid), {"running.library_preload": "high"})

    def test_ordinary_processes_give_no_alarm(self):
        self.assertEqual(self.of(self.benign.pid), {})
        own = {self.shell, *(process.pid for process in self.children)}
        for finding in self.findings:
            pids = {self.pids[event] for event in finding["events"]}
            # Other tests and builds of this machine run programs from folders for temporary files, and
            # where tests run in a sandbox, its own programs may have no file: there a finding is right.
            if pids & own or (finding["path"] or "").startswith(("/tmp/", "/var/tmp/", "/memfd:")):
                continue
            self.assertIn(finding["level"], ("informational", "low"), finding)

    def test_findings_have_techniques_and_say_why(self):
        for finding in self.findings:
            self.assertTrue([tag for tag in finding["tags"] if tag.startswith("attack.t1")], finding)
            self.assertIn("Its command line: ", finding["explanation"])


class Verbs(unittest.TestCase):
    """`processes` and `sockets` over the collection that Suspects made, and what they take out of it."""

    @classmethod
    def setUpClass(cls):
        Suspects.setUpClass()
        cls.addClassCleanup(Suspects.doClassCleanups)

    def rows(self, *arguments):
        return [json.loads(line) for line in run(*arguments, "--format", "jsonl").splitlines()]

    def test_processes_are_those_of_the_report(self):
        report = json.loads((Suspects.case / "report.json").read_text())["live"][0]["processes"]
        rows = self.rows("processes", Suspects.case)
        self.assertEqual({row["pid"] for row in rows}, {row["pid"] for row in report})
        for row in rows:
            self.assertEqual(row["evidence"], "node.ekc")
        table = run("processes", Suspects.collection)
        self.assertIn(f"{Suspects.deleted.pid}", table)

    def test_filters(self):
        rows = self.rows("processes", Suspects.case, "--pid", str(Suspects.benign.pid))
        self.assertEqual([row["pid"] for row in rows], [Suspects.benign.pid])
        self.assertEqual(rows[0]["ppid"], os.getpid())
        deleted = self.rows("processes", Suspects.case, "--deleted")
        self.assertIn(Suspects.deleted.pid, [row["pid"] for row in deleted])
        self.assertTrue(all(row["executable_deleted"] for row in deleted))
        run("processes", Suspects.case, "--pid", "999999999", codes=(3,))
        run("processes", Suspects.case, "--container", "none-such", codes=(3,))

    def test_maps_and_files(self):
        maps = self.rows("processes", Suspects.case, "--pid", str(Suspects.benign.pid), "--maps")
        listed = [line.split()[0] for line in pathlib.Path(f"/proc/{Suspects.benign.pid}/maps").read_text().splitlines()]
        self.assertEqual([f"{row['start']}-{row['end']}" for row in maps], [part.replace("00000000", "00000000") for part in
                         [f"{int(p.split('-')[0], 16):x}-{int(p.split('-')[1], 16):x}" for p in listed]])
        files = self.rows("processes", Suspects.case, "--pid", str(Suspects.shell), "--files")
        self.assertEqual({row["fd"] for row in files if row["path"].startswith("socket:[")} & {0, 1, 2}, {0, 1, 2})

    def test_sockets(self):
        rows = self.rows("sockets", Suspects.case, "--remote", f"127.0.0.1:{Suspects.port}")
        self.assertTrue(rows)
        holders = {holder["pid"] for row in rows for holder in row["processes"]}
        self.assertIn(Suspects.shell, holders)
        listening = self.rows("sockets", Suspects.case, "--listening")
        self.assertIn(Suspects.port, [row["local"]["port"] for row in listening])
        self.assertTrue(all(row["remote"] is None for row in listening))
        self.assertEqual({holder["pid"] for row in self.rows("sockets", Suspects.case, "--pid", str(Suspects.shell)) for holder in row["processes"]} & {Suspects.shell}, {Suspects.shell})

    def test_the_deleted_program_is_taken_out_whole(self):
        target = Suspects.folder / "program"
        run("processes", Suspects.case, "--pid", str(Suspects.deleted.pid), "--extract", "exe", "--to", target)
        self.assertEqual(target.read_bytes(), pathlib.Path(shutil.which("sleep")).read_bytes())
        run("processes", Suspects.case, "--pid", str(Suspects.benign.pid), "--extract", "exe", "--to", Suspects.folder / "none", codes=(3,))
        self.assertFalse((Suspects.folder / "none").exists())
        run("processes", Suspects.case, "--extract", "exe", "--to", Suspects.folder / "none", codes=(2,))

    def test_memory_is_taken_out_with_its_addresses(self):
        collection = collected(Suspects.benign.pid, Suspects.folder / "memory.ekc", "--memory", "anonymous")
        target = Suspects.folder / "memory"
        run("processes", collection, "--pid", str(Suspects.benign.pid), "--extract", "memory", "--to", target)
        names = sorted(path.name for path in target.iterdir())
        self.assertIn("maps.jsonl", names)
        with open(f"/proc/{Suspects.benign.pid}/mem", "rb") as memory:
            compared = 0
            for name in names:
                if name == "maps.jsonl":
                    continue
                start, end = (int(part, 16) for part in name.split("-"))
                content = (target / name).read_bytes()
                self.assertEqual(len(content), end - start)
                memory.seek(start)
                # A sleeping process does not change.
                self.assertEqual(content, memory.read(end - start), name)
                compared += len(content)
        self.assertGreater(compared, 4096)


if __name__ == "__main__":
    unittest.main()
