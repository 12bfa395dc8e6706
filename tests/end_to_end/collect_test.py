# SPDX-License-Identifier: Apache-2.0
"""The collector on this machine: real processes, deleted files, memory, network namespaces, cuts, and what it costs.

Runs the static program and the verb. Needs root."""
import base64
import ctypes
import hashlib
import http.server
import json
import mmap
import os
import pathlib
import platform
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402
from collection import Collection  # noqa: E402

PROGRAM = pathlib.Path(ekshume.EKSHUME).resolve()
LIBEXEC = pathlib.Path(os.environ.get("EKSHUME_LIBEXEC", PROGRAM.parent.parent / "libexec/ekshume"))
COLLECTOR = LIBEXEC / f"ekshume-collect-{platform.machine()}"
ID = "0123456789abcdef" * 4
UID = "8d9ec5a4-6b0e-4ae4-9c8a-3bd6f7c1a001"


def collect(*arguments, codes=(0, 1), program=(str(COLLECTOR),), stdin=b""):
    """The archive that a run writes to a pipe, and the run with its peak memory and seconds."""
    began = time.monotonic()
    process = subprocess.Popen([*program, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    if stdin:
        time.sleep(0.2)  # it is waited for
    out, err = process.communicate(stdin)
    run = {"seconds": time.monotonic() - began, "code": process.returncode, "err": err.decode()}
    if process.returncode not in codes:
        raise AssertionError(f"{arguments}: {run}")
    return out, run


class Child:
    """A process of ours, ended with the test. `script` is Python that prints one line when it is ready."""

    def __init__(self, test, script, prefix=()):
        self.process = subprocess.Popen([*prefix, sys.executable, "-c", script], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        test.addCleanup(self.end)
        self.line = self.process.stdout.readline().decode().strip()
        self.pid = self.process.pid

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Bucket(http.server.ThreadingHTTPServer):
    """Takes PUTs as S3 does with presigned URLs; `faults` are answers to give first: a status, or None to hang up."""

    def __init__(self, test, faults=(), certificate=None):
        self.objects, self.requests, self.faults = {}, 0, list(faults)
        bucket = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                bucket.requests += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fault = bucket.faults.pop(0) if bucket.faults else 200
                if fault is None:
                    self.connection.close()
                    return
                if base64.b64decode(self.headers["Content-MD5"]) != hashlib.md5(body).digest():
                    fault = 400
                answer = b"" if fault == 200 else b"<Error><Code>SlowDown</Code></Error>"
                self.send_response(fault)
                if fault == 200:
                    bucket.objects[self.path] = body
                    self.send_header("ETag", f'"{hashlib.md5(body).hexdigest()}"')
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            scheme = "https"
        self.base = f"{scheme}://localhost:{self.server_port}/bucket/node.ekc"
        thread = threading.Thread(target=self.serve_forever)
        thread.start()
        test.addCleanup(thread.join)
        test.addCleanup(self.server_close)
        test.addCleanup(self.shutdown)

    def handle_error(self, *_):
        pass  # faults are asked for

    def urls(self, count):
        return [f"{self.base}?partNumber={number + 1}&X-Amz-Signature=s3cr3t{number}" for number in range(count)]


def cached_pages(path):
    """How many pages of a file are in the page cache (mincore)."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    size = os.path.getsize(path)
    file = os.open(path, os.O_RDONLY | os.O_NOATIME)
    address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file, 0)
    os.close(file)
    vector = (ctypes.c_ubyte * ((size + 4095) // 4096))()
    assert libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), vector) == 0
    libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(size))
    return sum(page & 1 for page in vector)


class CollectTest(unittest.TestCase):
    def test_deleted_executable_is_exact(self):
        program = ekshume.work_folder() / "miner"
        program.write_bytes(pathlib.Path("/bin/sleep").read_bytes() + b"\0appended")
        program.chmod(0o755)
        genuine = program.read_bytes()
        process = subprocess.Popen([str(program), "600"], env={"SECRET_ENVIRONMENT": "v\xff".encode("latin-1")})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        program.unlink()
        got = Collection(collect("--profile", "none")[0])
        row = got.process(process.pid)
        self.assertEqual(row["exe"], str(program))
        self.assertIs(row["exe_deleted"], True)
        self.assertEqual(row["argv"], [str(program), "600"])
        self.assertEqual(row["ppid"], os.getpid())
        self.assertEqual(row["environ"], ["SECRET_ENVIRONMENT=v\ufffd"])
        self.assertEqual(row["environ_hex"], [b"SECRET_ENVIRONMENT=v\xff".hex()])
        self.assertEqual(row["namespaces"]["net"], os.stat(f"/proc/{process.pid}/ns/net").st_ino)
        self.assertEqual(got.members[row["exe_member"]], genuine)
        self.assertGreater(got.check_manifest(), 10)
        self.assertEqual(list(got.members)[:2], ["collection.json", "live/processes.jsonl"])
        about = json.loads(got.members["collection.json"])
        self.assertEqual((about["format"], about["version"], about["stream_id"], about["part"]),
                         ("ekshume-collection", 1, got.stream_id, 1))
        self.assertEqual(about["host"]["boot_id"], pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip())

    def test_memory_holds_the_secret_at_its_address(self):
        child = Child(self, """
import ctypes, os, sys
secret = ctypes.create_string_buffer(os.urandom(5000))
hidden = os.memfd_create("hidden"); os.write(hidden, b"in memory only")
print(f"{ctypes.addressof(secret):x} {secret.raw.hex()} {hidden}", flush=True)
sys.stdin.read()""")
        address, secret, memfd = child.line.split()
        address, secret = int(address, 16), bytes.fromhex(secret)
        out, _ = collect("--pid", child.pid, "--memory", "anonymous", "--profile", "none")
        got = Collection(out)
        for name, content in got.members.items():
            if not name.startswith(f"memory/{child.pid}/") or name.endswith("maps"):
                continue
            start, end = (int(part, 16) for part in name.rsplit("/", 1)[1].split("-"))
            self.assertEqual(end - start, len(content))
            if start <= address < end:
                self.assertEqual(content[address - start:address - start + len(secret)], secret)
                break
        else:
            self.fail("no member of its memory has the address")
        rows = [row for row in got.table("live/maps.jsonl") if int(row["start"], 16) <= address < int(row["end"], 16)]
        self.assertEqual([row["permissions"][:2] for row in rows], ["rw"])
        self.assertEqual({row["pid"] for row in got.table("live/processes.jsonl")}, {child.pid})
        file = [row for row in got.table("live/open_files.jsonl") if row["fd"] == int(memfd)][0]
        self.assertTrue(file["deleted"] and file["path"].startswith("/memfd:hidden"), file)
        self.assertEqual(got.members[file["member"]], b"in memory only")
        # Limits are kept, and told.
        less = Collection(collect("--pid", child.pid, "--memory", "all", "--memory-limit", "64K", "--profile", "none")[0])
        kept = sum(len(content) for name, content in less.members.items()
                   if name.startswith("memory/") and not name.endswith("maps"))
        self.assertLessEqual(kept, 64 << 10)
        self.assertIn(("limit", f"memory/{child.pid}"), {(row["severity"], row["what"]) for row in less.table("skipped.jsonl")})

    def test_connection_in_its_own_network_namespace(self):
        child = Child(self, """
import socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
server = socket.create_server(("127.0.0.1", 4444))
client = socket.create_connection(("127.0.0.1", 4444))
peer, _ = server.accept()
local = socket.socket(socket.AF_UNIX); local.bind("\\0abstract name"); local.listen()
print(client.fileno(), client.getsockname()[1], flush=True)
sys.stdin.read()""", prefix=["unshare", "--net"])
        fd, port = map(int, child.line.split())
        got = Collection(collect("--profile", "none")[0])
        netns = os.stat(f"/proc/{child.pid}/ns/net").st_ino
        self.assertNotEqual(netns, os.stat("/proc/self/ns/net").st_ino)
        rows = [row for row in got.table("live/sockets.jsonl") if row["netns"] == netns]
        client = [row for row in rows if row["local"] == {"address": "127.0.0.1", "port": port}]
        self.assertEqual(len(client), 1)
        self.assertEqual(client[0]["remote"], {"address": "127.0.0.1", "port": 4444})
        self.assertEqual((client[0]["protocol"], client[0]["state"]), ("tcp", "established"))
        self.assertEqual(client[0]["processes"], [{"pid": child.pid, "fd": fd}])
        self.assertEqual([row["processes"][0]["pid"] for row in rows if row["state"] == "listen" and row["family"] == "inet"],
                         [child.pid])
        self.assertEqual([row["path"] for row in rows if row["family"] == "unix"], ["@abstract name"])
        self.assertIn(f"live/network/{netns}.txt", got.members)

    def test_socket_of_a_namespace_without_processes(self):
        name = f"ekshume-{os.getpid()}"
        if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode != 0:
            self.skipTest("ip netns does not work here")
        self.addCleanup(subprocess.run, ["ip", "netns", "delete", name], check=True)
        child = Child(self, f"""
import ctypes, socket, sys
libc, own, other = ctypes.CDLL(None), open("/proc/self/ns/net"), open("/run/netns/{name}")
assert libc.setns(other.fileno(), 0x40000000) == 0
server = socket.create_server(("0.0.0.0", 5555))
assert libc.setns(own.fileno(), 0x40000000) == 0
print(server.fileno(), flush=True)
sys.stdin.read()""")
        got = Collection(collect("--profile", "none")[0])
        rows = [row for row in got.table("live/sockets.jsonl") if row["netns"] == os.stat(f"/run/netns/{name}").st_ino]
        self.assertEqual([(row["local"]["port"], row["state"], row["processes"]) for row in rows if row["family"] == "inet"],
                         [(5555, "listen", [{"pid": child.pid, "fd": int(child.line)}])])

    def test_container_and_pod_of_a_process(self):
        folder = pathlib.Path("/sys/fs/cgroup/pids")
        folder = folder if folder.is_dir() else pathlib.Path("/sys/fs/cgroup")
        child = Child(self, "import sys; print(1, flush=True); sys.stdin.read()")
        made = []
        try:
            for part in ("kubepods", "burstable", f"pod{UID}", ID):
                folder = folder / part
                if not folder.is_dir():
                    folder.mkdir()
                    made.append(folder)
            (folder / "cgroup.procs").write_text(str(child.pid))
        except OSError as error:
            self.skipTest(f"no cgroup can be made: {error}")
        try:
            for scope in (["--pod-uid", UID], ["--container", ID[:12]]):
                got = Collection(collect(*scope, "--profile", "none")[0])
                rows = got.table("live/processes.jsonl")
                self.assertEqual([row["pid"] for row in rows], [child.pid])
                self.assertEqual((rows[0]["container_id"], rows[0]["pod_uid"], rows[0]["pod_qos"]), (ID, UID, "burstable"))
            got = Collection(collect("--pod-uid", UID.replace("8", "9"), "--profile", "none")[0])
            self.assertEqual(got.table("live/processes.jsonl"), [])
        finally:
            child.end()
            for each in reversed(made):
                each.rmdir()

    def test_cut_stream_is_seen_and_resumed(self):
        child = Child(self, """
import os, sys
blocks = [os.urandom(1 << 20) for _ in range(12)]
print(1, flush=True)
sys.stdin.read()""")
        files = ekshume.work_folder() / "resumed"
        files.mkdir()
        for number in range(5):
            (files / f"file{number}").write_bytes(secrets.token_bytes(2 << 20))
        scope = ["--pid", child.pid, "--memory", "anonymous", "--profile", "none", "--glob", f"{files}/*"]
        whole, _ = collect(*scope)
        first = Collection(whole[:len(whole) - (5 << 20)])
        self.assertTrue(first.cut)
        self.assertFalse(Collection(whole).cut)
        received = [name for name in first.members if name.split("/")[0] in ("memory", "root", "deleted")]
        self.assertGreater(len(received), 3)
        out, _ = collect(*scope, "--skip", "-", "--resumes", first.stream_id,
                         stdin="\n".join(received + ["", "not read"]).encode())
        second = Collection(out)
        self.assertFalse(second.cut)
        self.assertEqual(second.part, 2)
        self.assertEqual(json.loads(second.members["collection.json"])["resumes"], first.stream_id)
        self.assertEqual([name for name in received if name in second.members and not name.endswith("/maps")], [])
        for number in range(5):
            name = f"root{files}/file{number}"
            content = first.members.get(name, second.members.get(name))
            self.assertEqual(content, (files / f"file{number}").read_bytes())
        self.assertLess(len(out), len(whole) // 2 + (2 << 20))

    def test_interrupted_run_closes_its_archive(self):
        files = ekshume.work_folder() / "many"
        files.mkdir()
        for number in range(40):
            (files / f"file{number}").write_bytes(secrets.token_bytes(1 << 20))
        process = subprocess.Popen([str(COLLECTOR), "--pid", str(os.getpid()), "--profile", "none", "--glob",
                                    f"{files}/*", "--rate", "4M"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        out = process.stdout.read(6 << 20)
        process.send_signal(signal.SIGTERM)
        out += process.stdout.read()
        process.stdout.close()
        self.assertEqual(process.wait(), 1)
        got = Collection(out)
        self.assertTrue(not got.cut and got.early)
        self.assertLess(len([name for name in got.members if name.startswith("root/")]), 40)
        got.check_manifest()

    def test_rate_is_kept(self):
        file = ekshume.work_folder() / "rate"
        file.write_bytes(secrets.token_bytes(6 << 20))
        _, run = collect("--pid", os.getpid(), "--profile", "none", "--glob", file, "--rate", "3M")
        self.assertGreater(run["seconds"], 1.9)

    def test_files_keep_their_metadata_and_leave_no_trace(self):
        folder = ekshume.work_folder() / "files"
        folder.mkdir()
        file = folder / b"name \xff".decode("utf-8", "surrogateescape")
        file.write_bytes(secrets.token_bytes(1 << 20))
        os.setxattr(file, "user.note", b"kept\0")
        os.chown(file, 1234, 4321)
        os.chmod(file, 0o4750)
        os.link(file, folder / "other name")
        (folder / "link").symlink_to("name")
        os.mkfifo(folder / "pipe")
        (folder / "large").write_bytes(b"x" * 3000)
        os.utime(file, ns=(1_500_000_000_123_456_789, 1_600_000_000_987_654_321))
        with open(file, "rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        before = cached_pages(file)
        out, run = collect("--pid", os.getpid(), "--profile", "none", "--glob", f"{folder}/**")
        after = cached_pages(file)
        status = os.stat(file)
        got = Collection(out)
        name = f"root{file}"
        self.assertEqual(got.members[name], file.read_bytes())
        info = got.infos[name]
        self.assertEqual((info.mode, info.uid, info.gid), (0o4750, 1234, 4321))
        self.assertEqual(info.pax_headers["mtime"], "1600000000.987654321")
        self.assertEqual(info.pax_headers["atime"], "1500000000.123456789")
        self.assertEqual(info.pax_headers["SCHILY.xattr.user.note"], "kept\0")
        self.assertEqual(got.infos[f"root{folder}/other name"].linkname, name)
        self.assertEqual(got.infos[f"root{folder}/link"].linkname, "name")
        self.assertTrue(got.infos[f"root{folder}/pipe"].isfifo())
        row = [row for row in got.table("files.jsonl") if row.get("path_hex") == os.fsencode(file).hex()][0]
        self.assertEqual((row["inode"], row["links"], row["type"]), (status.st_ino, 2, "f"))
        self.assertEqual(status.st_atime_ns, 1_500_000_000_123_456_789)
        if before == 0:
            self.assertEqual(after, 0, "pages that were not cached before stayed in the page cache")
        traces = {(row["what"], row["detail"].split(" (")[0]): row for row in got.table("traces.jsonl")}
        self.assertEqual([row["bytes"] for key, row in traces.items() if key[0] == "disk_writes"], [0])
        total = Collection(collect("--pid", os.getpid(), "--profile", "none", "--glob", f"{folder}/**",
                                   "--files-total", 3500)[0])
        self.assertEqual([name for name in total.members if total.members[name] is not None and name.startswith("root/")],
                         [f"root{folder}/large"])
        self.assertIn("--files-total", total.table("skipped.jsonl")[-1]["reason"])
        limited = Collection(collect("--pid", os.getpid(), "--profile", "none", "--glob", f"{folder}/*",
                                     "--file-limit", 4096)[0])
        self.assertIn(f"root{folder}/large", limited.members)
        self.assertEqual([row["severity"] for row in limited.table("skipped.jsonl") if row["what"] == name.encode(
            "utf-8", "surrogateescape").decode("utf-8", "replace")], ["limit"])

    def test_the_verb_is_the_same_code(self):
        out, _ = collect("collect", "--pid", os.getpid(), "--profile", "none", program=(str(PROGRAM),))
        got = Collection(out)
        self.assertEqual([row["pid"] for row in got.table("live/processes.jsonl")], [os.getpid()])
        target = ekshume.work_folder() / "out.ekc"
        collect("--pid", os.getpid(), "--profile", "none", "--output", target)
        self.assertFalse(Collection(target.read_bytes()).cut)
        _, run = collect("--pid", os.getpid(), "--output", target, codes=(3,))
        self.assertIn("EEXIST", run["err"])

    def test_in_a_root_with_nothing_else(self):
        # As in a distroless image: no shell, no libraries; the host is at /host, read-only.
        root = ekshume.work_folder() / "distroless"
        for name in ("proc", "host", "dev"):
            (root / name).mkdir(parents=True)
        shutil.copy(COLLECTOR, root / "collector")
        script = (f"mount --rbind /proc {root}/proc && mount --bind / {root}/host && mount -o remount,bind,ro {root}/host && "
                  f"exec chroot {root} /collector --root /host --profile none --glob /etc/hostname --glob /etc/passwd")
        out, run = collect(program=("unshare", "--mount", "sh", "-c", script))
        got = Collection(out)
        self.assertEqual(got.members["root/etc/passwd"], pathlib.Path("/etc/passwd").read_bytes())
        self.assertIn(os.getpid(), {row["pid"] for row in got.table("live/processes.jsonl")})
        about = json.loads(got.members["collection.json"])
        self.assertEqual(about["collector"]["root"], "/host")
        self.assertEqual(about["host"]["hostname"], pathlib.Path("/etc/hostname").read_text().strip())

    def test_process_under_a_mount(self):
        child = Child(self, "import sys; print(1, flush=True); sys.stdin.read()")
        empty = ekshume.work_folder() / "empty"
        empty.mkdir()
        script = f"mount --bind {empty} /proc/{child.pid} && exec {COLLECTOR} --profile none"
        out, _ = collect(program=("unshare", "--mount", "sh", "-c", script), codes=(1,))
        rows = [row for row in Collection(out).table("skipped.jsonl") if row.get("pid") == child.pid]
        self.assertEqual([(row["severity"], "mounted over" in row["reason"]) for row in rows], [("loss", True)])

    def test_the_program_for_arm64(self):
        program = LIBEXEC / "ekshume-collect-aarch64"
        emulator = shutil.which("qemu-aarch64-static")
        if not program.is_file() or not emulator:
            self.skipTest("not built, or no qemu-aarch64-static to run it")
        self.assertEqual(program.read_bytes()[18:20], b"\xb7\0")  # EM_AARCH64
        self.assertLess(program.stat().st_size, 8 << 20)
        scope = self.noise("arm", 1 << 20)
        got = Collection(collect(*scope, program=(emulator, str(program)))[0])
        self.assertEqual(got.members[f"root{scope[-1]}"], scope[-1].read_bytes())
        self.assertEqual([row["pid"] for row in got.table("live/processes.jsonl")], [os.getpid()])
        got.check_manifest()

    def test_usage(self):
        for arguments in (["--nothing"], ["--memory", "some"], ["--pid", "x"], ["--glob", "relative"], ["--rate", "1X"],
                          ["--resumes", "12"], ["--pid"]):
            out, run = collect(*arguments, codes=(2,))
            self.assertEqual(out, b"")
            self.assertIn(arguments[0], run["err"])
        self.assertIn(b"order of", collect("--help", codes=(0,))[0])
        self.assertIn(b"order of", collect("collect", "--help", codes=(0,), program=(str(PROGRAM),))[0])

    def noise(self, name, size):
        file = ekshume.work_folder() / name
        file.write_bytes(secrets.token_bytes(size))
        return ["--pid", os.getpid(), "--profile", "none", "--glob", file]

    def test_presigned_parts(self):
        bucket = Bucket(self, faults=[503, None, 200, 429])
        scope = self.noise("parts", 12 << 20)
        urls = bucket.urls(5)
        out, run = collect(*scope, "--put-urls", "-", "--part-bytes", "5M", stdin="\n".join(urls + ["", ""]).encode())
        parts = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([part["part"] for part in parts], [1, 2, 3])
        self.assertEqual(bucket.requests, 6)
        sent = [bucket.objects[url.split(str(bucket.server_port))[1]] for url in urls[:3]]
        for part, content in zip(parts, sent):
            self.assertEqual(part["bytes"], len(content))
            self.assertEqual(part["sha256"], hashlib.sha256(content).hexdigest())
            self.assertEqual(part["etag"], f'"{hashlib.md5(content).hexdigest()}"')
        self.assertEqual([len(content) for content in sent[:2]], [5 << 20, 5 << 20])
        got = Collection(b"".join(sent))
        self.assertEqual(got.members[f"root{scope[-1]}"], scope[-1].read_bytes())
        self.assertNotIn("s3cr3t", run["err"])
        self.assertNotIn(b"s3cr3t", b"".join(got.members[name] for name in got.members if name.endswith("jsonl")))

    def test_presigned_parts_that_are_refused(self):
        bucket = Bucket(self, faults=[200, 403])
        scope = self.noise("refused", 8 << 20)
        file = ekshume.work_folder() / "urls"
        file.write_text("\n".join(bucket.urls(2)))
        out, run = collect(*scope, "--put-urls", file, "--part-bytes", "5M", codes=(3,))
        self.assertEqual(len(out.splitlines()), 1)
        self.assertIn("part 2 was not sent: localhost answered 403", run["err"])
        self.assertNotIn("s3cr3t", run["err"])
        self.assertEqual(bucket.requests, 2)
        file.write_text(bucket.urls(1)[0])
        _, run = collect(*scope, "--put-urls", file, "--part-bytes", "5M", codes=(3,))
        self.assertIn("1 URLs were given, and all are used", run["err"])
        file.write_text("ftp://example.test/x?X-Amz-Signature=s3cr3t\n")
        _, run = collect(*scope, "--put-urls", file, codes=(2,))
        self.assertNotIn("s3cr3t", run["err"])

    def test_presigned_parts_over_tls(self):
        folder = ekshume.work_folder()
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        bucket = Bucket(self, certificate=(certificate, key))
        scope = self.noise("tls", 1 << 20)
        file = folder / "tls-urls"
        file.write_text(bucket.urls(1)[0])
        collect(*scope, "--put-urls", file, "--ca-file", certificate)
        self.assertFalse(Collection(next(iter(bucket.objects.values()))).cut)
        bucket.objects.clear()
        file.write_text(bucket.urls(1)[0].replace("localhost", "127.0.0.1"))  # a name that it is not for
        _, run = collect(*scope, "--put-urls", file, "--ca-file", certificate, codes=(3,))
        self.assertIn("TLS with 127.0.0.1", run["err"])
        self.assertEqual(bucket.objects, {})

    def test_two_thousand_processes(self):
        group = subprocess.Popen([sys.executable, "-c", """
import os, signal, sys
for _ in range(2000):
    if os.fork() == 0:
        signal.pause()
print(1, flush=True)
sys.stdin.read()
os.killpg(0, signal.SIGKILL)"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self.addCleanup(group.wait)
        self.addCleanup(os.killpg, group.pid, signal.SIGKILL)
        self.addCleanup(group.stdin.close)
        self.addCleanup(group.stdout.close)
        group.stdout.readline()
        for _ in range(3):  # what else the machine does makes it slower, never faster
            out, run = collect("--profile", "none", "--nice", 0)
            if run["seconds"] < 30:
                break
        got = Collection(out)
        rows = got.table("live/processes.jsonl")
        self.assertGreaterEqual(len([row for row in rows if row["ppid"] == group.pid]), 2000)
        peak = [row["bytes"] for row in got.table("traces.jsonl") if row["what"] == "memory"][0]
        writes = [row["bytes"] for row in got.table("traces.jsonl") if row["what"] == "disk_writes"][0]
        print(f"measured: {len(rows)} processes in {run['seconds']:.2f} s, {peak / 2**20:.1f} MiB resident, "
              f"{writes} bytes written to disk, {len(out)} bytes sent")
        self.assertLess(run["seconds"], 30)
        self.assertLess(peak, 64 << 20)
        self.assertEqual(writes, 0)
        self.assertLess(COLLECTOR.stat().st_size, 8 << 20)


if __name__ == "__main__":
    if os.geteuid() != 0:
        ekshume.skip_all("needs root: other processes' memory and files")
    if not COLLECTOR.is_file():
        ekshume.skip_all(f"{COLLECTOR} was not built")
    unittest.main()
