# SPDX-License-Identifier: Apache-2.0
"""Investigates bundles of other collectors, made here and now of real processes with the commands that those collectors run:
UAC's artifacts (live_response/process, network, bodyfile) and the log collector of the EKS AMI. Needs root."""
import glob
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402

CONTAINER, SANDBOX = "b" * 64, "c" * 64


def run(*arguments, codes=(0, 1)):
    done = subprocess.run([ekshume.EKSHUME, *map(str, arguments)], capture_output=True)
    if done.returncode not in codes:
        raise AssertionError(f"{arguments}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def shell(command):
    return subprocess.run(command, shell=True, capture_output=True, env={**os.environ, "LC_ALL": "C"}).stdout


class Bundles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            ekshume.skip_all("other processes can be seen by root only")
        for program in ("ps", "ss", "netstat"):
            if not shutil.which(program):
                ekshume.skip_all(f"{program} is not installed")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="ekshume-bundles-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        implant = cls.folder / "implant"
        shutil.copy(os.path.realpath(sys.executable), implant)
        cls.program = implant.read_bytes()
        listener = socket.create_server(("127.0.0.1", 0))
        cls.addClassCleanup(listener.close)
        cls.port = listener.getsockname()[1]
        script = f"import socket,time; s=socket.create_connection(('127.0.0.1',{cls.port})); print('up',flush=True); time.sleep(600)"
        home = subprocess.run([sys.executable, "-c", "import sys; print(sys.base_prefix)"], capture_output=True,
                              text=True).stdout.strip()
        cls.process = subprocess.Popen([str(implant), "-c", script], stdout=subprocess.PIPE,
                                       env={"PYTHONHOME": home, "MARK": "of-the-test"})
        cls.addClassCleanup(cls.end)
        cls.started = time.time()
        assert cls.process.stdout.readline() == b"up\n"
        cls.connection, _ = listener.accept()
        cls.addClassCleanup(cls.connection.close)
        implant.unlink()
        cls.implant = str(implant)

    @classmethod
    def end(cls):
        cls.process.kill()
        cls.process.wait()
        cls.process.stdout.close()

    def put(self, root, name, content):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def uac(self):
        """What UAC's artifacts for these folders write."""
        root = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        process, pid = "live_response/process", self.process.pid
        self.put(root, "uac.log", time.strftime("%Y-%m-%d %H:%M:%S %z INF x\n").encode())
        for options in ("auxwww", "auxwwwf", "-ef", "-efl", "-axo pid,user,lstart,args", "-axo pid,user,cgroup"):
            name = options.replace(" ", "_").replace(",", "_")
            self.put(root, f"{process}/ps_{name}.txt", shell(f"ps {options}"))
        self.put(root, f"{process}/running_processes_full_paths.txt", shell("ls -l /proc/[0-9]*/exe"))
        self.put(root, f"{process}/ls_-l_proc_pid_cwd.txt", shell("ls -l /proc/[0-9]*/cwd"))
        for each in (pid, os.getpid()):
            folder = f"{process}/proc/{each}"
            for name in ("stat", "status", "comm", "cmdline", "maps"):
                self.put(root, f"{folder}/{name}.txt", pathlib.Path(f"/proc/{each}/{name}").read_bytes())
            self.put(root, f"{folder}/environ.txt", pathlib.Path(f"/proc/{each}/environ").read_bytes().replace(b"\0", b"\n"))
            self.put(root, f"{folder}/fd.txt", shell(f"ls -la /proc/{each}/fd"))
        self.put(root, f"{process}/proc/{pid}/recovered_exe.dd.swab",
                 shell(f"dd if=/proc/{pid}/exe conv=swab bs=1024 count=50000 2>/dev/null"))
        self.put(root, "live_response/network/ss_-anp.txt", shell("ss -anp"))
        self.put(root, "live_response/network/netstat_-anp.txt", shell("netstat -anp"))
        self.put(root, "live_response/system/uname_-a.txt", b"Linux host7 6.1.0 #1 SMP x86_64 GNU/Linux\n")
        self.put(root, "bodyfile/bodyfile.txt", b"0|/tmp/dropped|77|-rwxr-xr-x|0|0|12|1764252003|1764252000|1764252000|0\n")
        self.put(root, "[root]/var/log/auth.log",
                 b"Nov 27 14:00:00 host7 sshd[99]: Accepted password for ann from 192.0.2.8 port 5000 ssh2\n")
        self.put(root, "chkrootkit/etc_ld_so_preload.txt", b"/lib/x.so\n")
        return root

    def eks(self):
        """What the functions of eks-log-collector.sh write."""
        root = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.put(root, "system/ps.txt", shell("ps fauxwww --headers"))
        self.put(root, "system/ps-threads.txt", shell("ps -eTF --headers"))
        self.put(root, "system/netstat.txt", shell("netstat -plant"))
        self.put(root, "system/procstat.txt", shell("cat /proc/stat"))
        self.put(root, "system/allprocstat.txt", shell("cat /proc/[0-9]*/stat"))
        self.put(root, "system/top.txt", b"top - 14:00:00 up 1 day\n")
        self.put(root, "system/instance-id.txt", b"i-0123456789abcdef0\n")
        self.put(root, "kernel/uname.txt", b"Linux ip-10-0-0-7 6.1.0 #1 SMP x86_64 GNU/Linux\n")
        self.put(root, "containerd/containerd-tasks.txt", f"TASK    PID    STATUS\n{CONTAINER}    {self.process.pid}    RUNNING\n".encode())
        self.put(root, "containerd/containerd-containers.txt",
                 f"CONTAINER    IMAGE    RUNTIME\n{CONTAINER}    registry.example/app:1    io.containerd.runc.v2\n".encode())
        self.put(root, "networking/conntrack.txt",
                 b"tcp 6 431999 ESTABLISHED src=10.0.0.9 dst=192.0.2.8 sport=40000 dport=443 src=192.0.2.8 dst=10.0.0.9 sport=443 dport=40000 use=1\n")
        self.put(root, "ipamd/ipam.json", json.dumps({"version": "vpc-cni-ipam/1", "allocations": [
            {"containerID": SANDBOX, "ipv4": "10.0.0.9", "metadata": {"k8sPodNamespace": "shop", "k8sPodName": "web-1"}}]}).encode())
        self.put(root, "kubelet/kubelet.log",
                 b'Nov 27 14:00:00 ip-10-0-0-7 kubelet[812]: E1127 14:00:00.000001     812 kuberuntime_manager.go:1 "went wrong" pod="shop/web-1"\n')
        self.put(root, "var_log/messages",
                 b"Nov 27 14:00:00 ip-10-0-0-7 sshd[99]: Accepted password for ann from 192.0.2.8 port 5000 ssh2\n")
        return root

    def pack(self, root, kind, top=""):
        """The bundle of that kind, with everything in the folder `top` if it is given."""
        path = self.folder / f"bundle-{len(glob.glob(str(self.folder / 'bundle-*')))}.{kind}"
        if kind == "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in sorted(root.rglob("*")):
                    if file.is_file():
                        archive.write(file, f"{top}{file.relative_to(root)}")
        else:
            with tarfile.open(path, "w:gz" if kind.endswith("gz") else "w") as archive:
                archive.add(root, arcname=top or ".")
        if kind == "tar.zst":
            plain = path.with_suffix(".plain")
            path.rename(plain)
            subprocess.run(["zstd", "-q", "--rm", plain, "-o", path], check=True)
        return path

    def investigate(self, bundle):
        case = pathlib.Path(tempfile.mkdtemp(dir=self.folder)) / "case"
        run("investigate", bundle, "--case", case)
        report = json.loads((case / "report.json").read_text())
        self.assertEqual(len(report["live"]), 1, bundle)
        return case, report, report["live"][0]

    def rows(self, case, query):
        return [json.loads(line) for line in run("search", case, query, "--format", "jsonl").splitlines()]

    def check_process(self, live, exact_arguments):
        found = [p for p in live["processes"] if p["pid"] == self.process.pid]
        self.assertEqual(len(found), 1)
        process = found[0]
        self.assertEqual(process["ppid"], os.getpid())
        self.assertEqual(process["arguments"][0], self.implant)
        if exact_arguments:
            self.assertEqual(len(process["arguments"]), 3)
        start = time.mktime(time.strptime(process["start"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        self.assertLess(abs(start - self.started), 10)
        ends = [s for s in live["sockets"] if s["remote"] and s["remote"]["port"] == self.port]
        self.assertEqual(len(ends), 1)
        self.assertEqual(ends[0]["local"]["port"], self.connection.getpeername()[1])
        self.assertEqual([h["pid"] for h in ends[0]["processes"]], [self.process.pid])
        return process

    def test_uac(self):
        root = self.uac()
        for bundle in (self.pack(root, "tar.gz"), self.pack(root, "zip"), self.pack(root, "tar.zst", "uac-host7-linux-1/"), root):
            with self.subTest(bundle=bundle.name):
                case, report, live = self.investigate(bundle)
                self.assertEqual(live["format"], "uac")
                self.assertEqual(live["hostname"], "host7")
                process = self.check_process(live, True)
                self.assertEqual(process["executable"], self.implant)
                self.assertTrue(process["executable_deleted"])
                self.assertIn("MARK=of-the-test", process["environment"])
                # The program's own bytes, although UAC swaps each two of them.
                self.assertEqual(process["sha256"], hashlib.sha256(self.program).hexdigest())
                times = self.rows(case, "source:file AND path:/tmp/dropped")
                self.assertEqual(sorted(row["action"] for row in times), ["accessed", "modified"])
                self.assertEqual(times[0]["time"][:4], "2025")
                logins = self.rows(case, "user_name:ann AND source_ip:192.0.2.8")
                self.assertEqual(len(logins), 1)
                self.assertEqual(live["not_read"], ["chkrootkit/etc_ld_so_preload.txt"])
                codes = {d["code"] for d in report["diagnostics"]}
                self.assertIn("log_file_unknown", codes)

    def test_eks_log_collector(self):
        root = self.eks()
        for bundle in (self.pack(root, "tar.gz"), root):
            with self.subTest(bundle=bundle.name):
                case, report, live = self.investigate(bundle)
                self.assertEqual(live["format"], "eks-log-collector")
                process = self.check_process(live, False)
                self.assertEqual(process["container_id"], CONTAINER)
                self.assertEqual(process["image"], "registry.example/app:1")
                everyone = {p["pid"] for p in live["processes"]}
                self.assertLessEqual({1, os.getpid()}, everyone)
                flows = self.rows(case, "source:conntrack")
                self.assertEqual([(f["source_ip"], f["destination_ip"], f["destination_port"]) for f in flows],
                                 [("10.0.0.9", "192.0.2.8", 443)])
                self.assertEqual(len(self.rows(case, "user_name:ann AND source_ip:192.0.2.8")), 1)
                self.assertGreaterEqual(len(self.rows(case, "\"went wrong\"")), 1)
                self.assertEqual(sorted(live["not_read"]), ["system/instance-id.txt", "system/top.txt"])
                again = run("sql", case, "SELECT count(*) FROM events", "--format", "csv")
                run("investigate", bundle, "--case", case)
                self.assertEqual(run("sql", case, "SELECT count(*) FROM events", "--format", "csv"), again)

    def test_an_archive_whose_first_member_is_large_is_known(self):
        root = self.eks()
        path = self.folder / "large-first.tar"
        with tarfile.open(path, "w") as archive:
            large = self.folder / "large"
            large.write_bytes(os.urandom(1 << 20))
            archive.add(large, arcname="var_log/a-large-one")
            archive.add(root, arcname=".")
        self.assertEqual(self.investigate(path)[2]["format"], "eks-log-collector")

    def test_an_archive_of_logs_stays_one(self):
        path = self.folder / "logs.tar"
        with tarfile.open(path, "w") as archive:
            archive.add(self.eks() / "var_log/messages", arcname="logs/messages")
        case = self.folder / "logs.case"
        run("investigate", path, "--case", case)
        self.assertEqual(len(self.rows(case, "user_name:ann")), 1)
        self.assertFalse(json.loads((case / "report.json").read_text()).get("live"))


if __name__ == "__main__":
    unittest.main()
