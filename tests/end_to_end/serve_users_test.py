# SPDX-License-Identifier: Apache-2.0
"""`ekshume serve` for other machines: TLS, users, what each role may do."""
import json
import pathlib
import socket
import ssl
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume
import serve

LOGS = ekshume.shared_evidence("node-k8s") / "logs"
PASSWORDS = {"rae": "reader's password", "ana": "analyst's password", "res": "responder's password"}
ROLES = {"rae": "reader", "ana": "analyst", "res": "responder"}


class WithUsers(ekshume.Case):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(ekshume.work_folder())
        cls.case = serve.case_of("users", LOGS)
        cls.users = folder / "users.json"
        for name, password in PASSWORDS.items():
            assert serve.add_user(cls.users, name, ROLES[name], password) == 0
        cls.certificate, cls.key = serve.certificate(folder, "server")
        cls.other_key = serve.certificate(folder, "other")[1]
        cls.options = ["--users", cls.users, "--tls-certificate", cls.certificate, "--tls-key", cls.key]
        cls.trust = ssl.create_default_context(cafile=cls.certificate)
        cls.server = serve.Server(cls.case, *map(str, cls.options), tls=cls.trust)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def session(self, name):
        return self.server.session_of(name, PASSWORDS[name])

    def ledger(self, action):
        records = ekshume.rows("case", "custody", self.case)
        return [record for record in records if record["action"] == action]

    def test_what_is_missing_is_said(self):
        for options, said in (
                (["--listen", "0.0.0.0"], "TLS and users"),
                (["--users", self.users], "belong together"),
                (["--tls-certificate", self.certificate, "--tls-key", self.key], "belong together"),
                (["--users", self.users, "--tls-certificate", self.certificate, "--tls-key", self.other_key], "other.key is not the private key"),
                (["--users", self.users, "--tls-certificate", self.key, "--tls-key", self.key], "server.key is no certificate"),
                (["--users", self.certificate, "--tls-certificate", self.certificate, "--tls-key", self.key], "the users' file"),
                ([*self.options, "--listen", "0.0.0.0"], "--host")):
            run = ekshume.Run("serve", self.case, *options)
            self.assertEqual(run.code, 2, run)
            self.assertIn(said, run.err)

    def test_the_file_of_users(self):
        self.assertEqual(stat.S_IMODE(self.users.stat().st_mode), 0o600)
        text = self.users.read_text()
        for password in PASSWORDS.values():
            self.assertNotIn(password, text)
        self.assertEqual({row["name"]: row["role"] for row in ekshume.rows("users", "list", self.users)}, ROLES)
        other = pathlib.Path(ekshume.work_folder()) / "more.json"
        for name, password, code in (("eve", "short", 2), ("eve evil", "long enough for all", 2), ("eve", "long enough for all", 0)):
            self.assertEqual(serve.add_user(other, name, "reader", password), code, (name, password))
        self.assertEqual(ekshume.Run("users", "remove", other, "nobody").code, 3)
        self.assertEqual(ekshume.Run("users", "remove", other, "eve").code, 0)
        self.assertEqual(ekshume.rows("users", "list", other), [])

    def test_a_login_begins_a_session(self):
        reply = self.server.log_in("ana", PASSWORDS["ana"])
        self.assertEqual((reply.status, reply.json), (200, {"analyst": "ana", "role": "analyst"}))
        cookie = reply.headers["set-cookie"]
        self.assertTrue(cookie.startswith("__Host-ekshume_"), cookie)
        for attribute in ("; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"):
            self.assertIn(attribute, cookie)
        session = serve.Session(self.server, cookie.split(";")[0])
        self.assertEqual(session.rows("/case")["role"], "analyst")
        self.assertTrue(any(record["analyst"] == "ana" for record in self.ledger("login")))
        self.assertEqual(session.post("/logout", {}).status, 200)
        self.assertEqual(session.get("/case").status, 401)

    def feed(self, session):
        """The stream of changes, behind its greeting."""
        connection = self.trust.wrap_socket(socket.create_connection(("127.0.0.1", self.server.port), timeout=30), server_hostname="127.0.0.1")
        connection.sendall(f"GET /api/v1/changes HTTP/1.1\r\nHost: {self.server.authority}\r\nCookie: {session.cookie}\r\n\r\n".encode())
        stream = connection.makefile("rb")
        for line in stream:
            if line.startswith(b"event: hello"):
                return connection, stream
        raise AssertionError("no greeting")

    def test_a_logout_ends_the_feed(self):
        leaver, other = self.session("ana"), self.session("ana")
        event = other.rows("/events", limit=1)["rows"][0]["id"]
        (left, left_stream), (kept, kept_stream) = self.feed(leaver), self.feed(other)
        try:
            self.assertEqual(leaver.post("/logout", {}).status, 200)
            self.assertEqual(other.annotate("comment", f"event:{event}", "after the logout").status, 200)
            self.assertNotIn(b"after the logout", left_stream.read(), "the feed went on")
            for line in kept_stream:
                if b"after the logout" in line:
                    break
            else:
                self.fail("the other feed ended as well")
        finally:
            for connection in (left_stream, left, kept_stream, kept):
                connection.close()
        self.assertEqual(leaver.get("/changes").status, 401)

    def test_without_one_there_is_the_page_and_nothing_of_the_case(self):
        page = self.server.raw("GET", "/")
        self.assertIn(page.status, (200, 501))  # 501: built without npm
        self.assertNotIn(b"users.case", page.body)
        for path in ("/api/v1/case", "/api/v1/events", "/api/v1/openapi.json", "/api/v1/changes", "/api/v1/nothing"):
            reply = self.server.raw("GET", path)
            self.assertEqual((reply.status, reply.json["error"]["code"]), (401, "log_in"), path)
        for path in ("/annotations", "/links", "/logout"):
            self.assertEqual(serve.Session(self.server, None).post(path, {}).status, 401, path)

    def test_wrong_passwords(self):
        for name, password in (("ana", "wrong"), ("nobody", PASSWORDS["ana"]), ("ana", ""), ("", ""), ("ana", PASSWORDS["rae"]), ("ANA", PASSWORDS["ana"])):
            reply = self.server.log_in(name, password)
            self.assertEqual((reply.status, reply.json["error"]["message"]), (401, "the name or the password is wrong"), (name, password))
            self.assertNotIn("set-cookie", reply.headers)
        for body in ({}, [], {"name": "ana"}, {"name": 1, "password": 2}, {"name": "ana", "password": "x" * 5000}):
            self.assertEqual(serve.Session(self.server, None).post("/login", body).status, 400, str(body)[:50])

    def test_guessing_has_to_wait_and_is_recorded_once(self):
        statuses = [self.server.log_in("res", f"guess {i}").status for i in range(12)]
        self.assertEqual(statuses, [401] * 10 + [429] * 2)
        self.assertEqual(self.server.log_in("res", PASSWORDS["res"]).status, 429, "the right one is let in while guessing goes on")
        self.assertEqual(len(self.ledger("login_refused")), 1)
        self.assertEqual(self.server.log_in("ana", PASSWORDS["ana"]).status, 200, "others have to wait as well")

    def test_a_reader_changes_nothing(self):
        reader, analyst = self.session("rae"), self.session("ana")
        event = reader.rows("/events", limit=1)["rows"][0]["id"]
        before = reader.rows("/annotations")["revision"]
        for path, body in (("/annotations", {"kind": "star", "targets": [f"event:{event}"], "value": True}), ("/report", {})):
            reply = reader.post(path, body)
            if reply.status != 404 and reply.status != 405:
                self.assertEqual((reply.status, reply.json["error"]["code"]), (403, "role"), path)
                self.assertIn("rae is a reader: this needs the role analyst", reply.json["error"]["message"])
        self.assertEqual(reader.rows("/annotations")["revision"], before)
        known = len(self.ledger("annotate"))
        self.assertEqual(analyst.annotate("star", f"event:{event}", True).status, 200)
        self.assertNotEqual(reader.rows("/annotations")["revision"], before)
        starred = [record for record in self.ledger("annotate")[known:] if event in json.dumps(record)]
        self.assertEqual([record["analyst"] for record in starred], ["ana"])

    def test_there_are_no_links_where_users_log_in(self):
        self.assertIn(self.session("ana").post("/links", {"name": "eve"}).status, (404, 405))
        self.assertNotEqual(self.server.raw("GET", "/login?token=" + "0" * 64).status, 303)

    def test_another_page_cannot_log_in(self):
        for origin in ("https://evil.test", "null", "http://" + self.server.authority):
            reply = serve.Session(self.server, None).post("/login", {"name": "ana", "password": PASSWORDS["ana"]}, Origin=origin)
            self.assertEqual(reply.status, 403, origin)
            self.assertNotIn("set-cookie", reply.headers)

    def test_only_tls_of_today_is_spoken(self):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as plain:
            plain.sendall(f"GET / HTTP/1.1\r\nHost: {self.server.authority}\r\n\r\n".encode())
            self.assertNotIn(b"HTTP/1.1 2", plain.recv(4096))
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as connection:
            with self.assertRaises(ssl.SSLError):
                old.wrap_socket(connection, server_hostname="127.0.0.1")

    def test_who_never_shakes_hands_holds_nobody_up(self):
        idle = [socket.create_connection(("127.0.0.1", self.server.port), timeout=30) for _ in range(200)]
        try:
            self.assertEqual(self.session("ana").get("/case").status, 200)
        finally:
            for connection in idle:
                connection.close()

    @serve.needs_browser
    def test_in_a_browser(self):
        done = subprocess.run(["node", ekshume.ROOT / "web/tests/login.mjs", self.server.link, "ana", serve.CHROMIUM],
                              input=PASSWORDS["ana"], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_long_answers_come_whole(self):
        session = self.session("rae")
        rows = session.rows("/events", limit=1000)["rows"]
        self.assertGreater(len(json.dumps(rows)), 100_000)
        self.assertEqual(len(rows), 1000)


if __name__ == "__main__":
    ekshume.main()
