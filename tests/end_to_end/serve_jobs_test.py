# SPDX-License-Identifier: Apache-2.0
"""What the page of `ekshume serve` starts: evidence is added, watched and stopped; what may not be read is not; who may not, does not."""
import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume
import serve


def audit_log(path, count, name="shop"):
    """An audit log of the API server with that many requests."""
    with path.open("w") as file:
        for number in range(count):
            moment = f"2026-11-24T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
            file.write(json.dumps({
                "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": f"{name}-{number:012}", "stage": "ResponseComplete",
                "requestURI": "/api/v1/namespaces/shop/pods", "verb": "create", "user": {"username": "mallory", "groups": ["system:authenticated"]},
                "sourceIPs": ["198.51.100.9"], "userAgent": "kubectl", "objectRef": {"resource": "pods", "namespace": "shop", "name": f"{name}-{number}",
                "apiVersion": "v1"}, "responseStatus": {"metadata": {}, "code": 201},
                "requestReceivedTimestamp": moment + ".000000Z", "stageTimestamp": moment + ".100000Z"}) + "\n")
    return path


class Feed:
    """The server-sent events of a session, read on a thread of its own."""

    def __init__(self, session):
        self.events = []
        server = session.server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        self.connection.request("GET", "/api/v1/changes", headers={"Host": server.authority, "Cookie": session.cookie})
        self.reply = self.connection.getresponse()
        self.reply.readline()  # hello: from here on nothing is missed
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        kind = ""
        try:
            while line := self.reply.readline().decode():
                if line.startswith("event: "):
                    kind = line[7:].strip()
                elif line.startswith("data: ") and kind == "ingest":
                    self.events.append(json.loads(line[6:]))
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass  # the server ended


class Jobs(ekshume.FolderCase):
    def setUp(self):
        super().setUp()
        self.evidence = self.folder / "evidence"
        self.evidence.mkdir()
        self.case = self.folder / "incident.case"
        first = audit_log(self.folder / "first.log", 5, "first")
        self.assertIn(ekshume.Run("investigate", first, "--case", self.case).code, (0, 1))
        self.server = self.session = None

    def tearDown(self):
        if self.server:
            self.assertEqual(self.server.stop(), 0)

    def start(self, *options):
        self.server = serve.Server(self.case, "--operator", "ana", *map(str, options))
        self.session = self.server.session()
        return self.session

    def until(self, what, found, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found():
                return
            time.sleep(0.05)
        self.fail(f"not within {seconds} s: {what}; {self.session.get('/ingest').body}")

    def until_ended(self):
        self.until("the job ended", lambda: self.session.rows("/ingest")["state"] == "ended")
        return self.session.rows("/ingest")

    def add(self, *paths):
        return self.session.post("/ingest", {"evidence": [str(path) for path in paths]})

    def total(self):
        return self.session.rows("/events/histogram")["total"]

    def ledger(self):
        run = ekshume.Run("case", "verify", self.case)
        self.assertEqual(run.code, 0, run)
        return [record for record in ekshume.rows("case", "custody", self.case) if record["action"] in ("ingest", "investigate")]

    def test_a_log_is_added_and_watched(self):
        log = audit_log(self.evidence / "audit.log", 40)
        self.start("--evidence", self.evidence)
        self.assertEqual(self.session.rows("/ingest")["state"], "idle")
        self.assertEqual(self.session.rows("/ingest")["folders"], [str(self.evidence.resolve())])
        before = self.total()
        revision = self.session.annotate("tag", "event:x", "seen").status
        feed = Feed(self.session)
        reply = self.add(log)
        self.assertEqual((reply.status, reply.json["state"], reply.json["by"]), (200, "running", "ana"))
        ended = self.until_ended()
        self.assertIn(ended["outcome"], ("done", "done_with_losses"), ended)
        self.assertEqual(ended["about"]["evidence"], [str(log.resolve())])
        # Without starting the server anew: events, report, evidence.
        self.assertEqual(self.total(), before + 40)
        self.assertIn(str(log.resolve()), self.session.rows("/case")["evidence_paths"])
        self.assertTrue(any("audit.log" in item["name"] for item in self.session.rows("/case")["events"]["items"]))
        self.assertEqual(revision, 200)
        self.assertIn("event:x", self.session.rows("/annotations")["targets"])
        self.until("browsers were told", lambda: feed.events and feed.events[-1]["state"] == "ended", 10)
        self.assertEqual(feed.events[0]["state"], "running")
        acts = [(r["action"], r.get("analyst"), (r.get("change") or {}).get("event")) for r in self.ledger()]
        self.assertEqual(acts[-3:], [("ingest", "ana", "started"), ("investigate", "ana", None), ("ingest", "ana", "ended")])
        # And once more: a second job, with a name that looks like an option.
        second = audit_log(self.evidence / "--help", 3, "second")
        self.assertEqual(self.add(second).status, 200)
        self.assertIn(self.until_ended()["outcome"], ("done", "done_with_losses"))
        self.assertEqual(self.total(), before + 43)

    def test_what_runs_can_be_stopped_and_there_is_one_at_a_time(self):
        log = audit_log(self.evidence / "large.log", 150_000)
        self.start("--evidence", self.evidence)
        before = self.total()
        self.assertEqual(self.session.post("/ingest/cancel", {}).status, 409)
        self.assertEqual(self.add(log).status, 200)
        again = self.add(log)
        self.assertEqual((again.status, again.json["error"]["code"]), (409, "running"))
        events = self.session.get("/events")
        self.assertEqual((events.status, events.json["error"]["code"]), (503, "busy"))
        self.assertEqual(self.session.get("/case").status, 200)
        self.assertEqual(self.session.post("/ingest/cancel", {}).status, 200)
        ended = self.until_ended()
        self.assertEqual(ended["outcome"], "stopped", ended)
        self.assertGreaterEqual(self.total(), before)
        self.assertEqual([(r.get("change") or {}).get("event") for r in self.ledger()][-3:], ["started", "stop_asked", "ended"])
        # The case takes it afterwards.
        small = audit_log(self.evidence / "small.log", 4, "small")
        self.assertEqual(self.add(small).status, 200)
        self.assertIn(self.until_ended()["outcome"], ("done", "done_with_losses"))
        self.assertGreaterEqual(self.total(), before + 4)

    def test_the_end_of_the_server_ends_the_job(self):
        log = audit_log(self.evidence / "large.log", 150_000)
        self.start("--evidence", self.evidence)
        self.assertEqual(self.add(log).status, 200)
        self.assertEqual(self.server.stop(), 0)
        self.server = None
        self.assertEqual([(r.get("change") or {}).get("outcome") for r in self.ledger()][-1], "stopped")
        self.assertEqual(ekshume.Run("search", self.case, "verb:create").code, 0)

    def test_a_job_whose_server_was_killed_ends_too(self):
        log = audit_log(self.evidence / "large.log", 150_000)
        self.start("--evidence", self.evidence)
        self.assertEqual(self.add(log).status, 200)
        self.server.process.kill()
        self.server.stop()
        self.server = None
        small = audit_log(self.evidence / "small.log", 4, "small")
        end = time.monotonic() + 60
        while (run := ekshume.Run("investigate", small, "--case", self.case)).code not in (0, 1):
            self.assertLess(time.monotonic(), end, run)
            time.sleep(0.5)

    def test_only_what_lies_in_the_folders_is_read(self):
        outside = audit_log(self.folder / "outside.log", 3, "outside")
        (self.evidence / "link.log").symlink_to(outside)
        (self.evidence / "up").symlink_to(self.folder)
        (self.evidence / "inner").mkdir()
        (self.evidence / "other.case").mkdir()
        (self.evidence / "other.case/case.json").write_text("{}")
        os.mkfifo(self.evidence / "pipe")
        twin = self.folder / "evidence-2"
        twin.mkdir()
        audit_log(twin / "a.log", 1)
        self.start("--evidence", self.evidence)
        for path in (outside, self.evidence / "link.log", self.evidence / "up", self.evidence / "up/outside.log", self.evidence / "../outside.log",
                     self.evidence / "other.case", self.evidence / "pipe", self.evidence / "missing", twin / "a.log", "evidence", "--help", "", "/", "/etc/passwd"):
            reply = self.add(path)
            self.assertEqual(reply.status, 400, (path, reply.body))
        for path in (self.folder, self.evidence / "up", "/etc", "", "inner", self.evidence / "link.log"):
            self.assertNotEqual(self.session.get("/ingest/evidence", path=str(path)).status, 200, path)
        for body in ({}, [], {"evidence": []}, {"evidence": "x"}, {"evidence": [1]}, {"evidence": [str(self.evidence / "inner")] * 101}):
            self.assertEqual(self.session.post("/ingest", body).status, 400, str(body)[:60])
        rows = self.session.rows("/ingest/evidence", path=str(self.evidence))
        self.assertEqual({row["name"]: (row["kind"], row["may"]) for row in rows["entries"]}, {
            "inner": ("folder", True), "link.log": ("other", False), "other.case": ("folder", False), "pipe": ("other", False), "up": ("other", False)})
        self.assertIsNone(rows["parent"])
        self.assertEqual(self.session.rows("/ingest/evidence", path=str(self.evidence / "inner"))["parent"], str(self.evidence.resolve()))
        self.assertEqual(self.session.rows("/ingest")["state"], "idle")
        self.assertEqual([r for r in self.ledger() if r["action"] == "ingest"], [])

    def test_what_cannot_be_read_is_said(self):
        (self.evidence / "noise.bin").write_bytes(bytes(range(256)) * 64)
        self.start("--evidence", self.evidence)
        before = self.total()
        self.assertEqual(self.add(self.evidence / "noise.bin").status, 200)
        ended = self.until_ended()
        self.assertEqual((ended["outcome"], ended["exit_code"]), ("failed", 3), ended)
        self.assertTrue(any("no filesystem that ekshume knows" in line for line in ended["lines"]), ended)
        self.assertEqual(self.total(), before)

    def test_without_users_the_working_directory_is_the_folder_and_the_case_is_none(self):
        self.start()
        self.assertEqual(self.session.rows("/ingest")["folders"], [str(self.folder.resolve())])
        for path in (self.folder, self.case, self.case / "report.json"):
            self.assertEqual(self.add(path).status, 400, path)

    def test_another_page_starts_nothing(self):
        log = audit_log(self.evidence / "audit.log", 2)
        self.start("--evidence", self.evidence)
        reply = self.session.post("/ingest", {"evidence": [str(log)]}, Origin="http://evil.test")
        self.assertEqual(reply.status, 403)
        self.assertEqual(self.session.rows("/ingest")["state"], "idle")

    @serve.needs_browser
    def test_in_a_browser(self):
        audit_log(self.evidence / "audit.log", 30)
        self.server = serve.Server(self.case, "--operator", "ana", "--evidence", str(self.evidence))
        done = subprocess.run(["node", ekshume.ROOT / "web/tests/ingest.mjs", self.server.link, "audit.log", serve.CHROMIUM],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class WithUsers(ekshume.FolderCase):
    def test_who_may(self):
        import ssl
        log = audit_log(self.folder / "first.log", 5, "first")
        case = self.folder / "incident.case"
        self.assertIn(ekshume.Run("investigate", log, "--case", case).code, (0, 1))
        for name, role in (("rae", "reader"), ("ana", "analyst")):
            subprocess.run([ekshume.EKSHUME, "users", "add", "users.json", name, "--role", role], input="a long password\n", text=True, check=True, capture_output=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=ekshume.test", "-addext", "subjectAltName=IP:127.0.0.1", "-out", "s.pem", "-keyout", "s.key"],
                       check=True, capture_output=True)
        options = ["--users", "users.json", "--tls-certificate", "s.pem", "--tls-key", "s.key"]
        trust = ssl.create_default_context(cafile="s.pem")
        for evidence in ([], ["--evidence", str(self.folder)]):
            server = serve.Server(case, *options, *evidence, tls=trust)
            try:
                reader, analyst = (server.session_of(name, "a long password") for name in ("rae", "ana"))
                reply = reader.post("/ingest", {"evidence": [str(log)]})
                self.assertEqual((reply.status, reply.json["error"]["code"]), (403, "role"))
                self.assertEqual(reader.get("/ingest/evidence", path=str(self.folder)).status, 403)
                self.assertEqual(reader.rows("/ingest")["folders"], [])
                reply = analyst.post("/ingest", {"evidence": [str(log)]})
                if evidence:
                    self.assertEqual(reply.status, 200, reply.body)
                    self.assertEqual(reader.post("/ingest/cancel", {}).status, 403)
                    self.assertEqual(analyst.rows("/ingest")["by"], "ana")
                else:
                    self.assertEqual((reply.status, reply.json["error"]["code"]), (403, "off"))
                    self.assertIn("--evidence FOLDER", reply.json["error"]["message"])
                    self.assertFalse(analyst.rows("/ingest")["is_on"])
            finally:
                self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    ekshume.main()
