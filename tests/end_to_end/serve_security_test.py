# SPDX-License-Identifier: Apache-2.0
"""`ekshume serve`: who gets an answer, and that what an attacker wrote stays data."""
import csv
import io
import json
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume
import serve

ekshume.shared_evidence("node-k8s")  # or the end of this program
WEBSHOP = serve.WEBSHOP
MINER = serve.MINER
SCRIPT = "<script>alert(1)</script>"
FORMULA = "=cmd|'/c calc'!A1"


def hostile_log():
    """An audit log in which an attacker wrote what a browser or a spreadsheet might run."""
    lines = []
    for number, agent in enumerate([SCRIPT, FORMULA, "+1+1", "-2", "@SUM(A1)", "\" onmouseover=\"x", "javascript:alert(1)"]):
        lines.append(json.dumps({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": f"00000000-0000-4000-8000-00000000000{number}",
            "stage": "ResponseComplete", "requestURI": "/api/v1/namespaces/shop/pods", "verb": "create",
            "user": {"username": agent, "groups": ["system:authenticated"]}, "sourceIPs": ["198.51.100.9"], "userAgent": agent,
            "objectRef": {"resource": "pods", "namespace": "shop", "name": f"<img src=x onerror=alert({number})>", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": 201}, "requestReceivedTimestamp": f"2026-11-24T10:00:0{number}.000000Z",
            "stageTimestamp": f"2026-11-24T10:00:0{number}.100000Z"}))
    path = ekshume.work_folder() / "hostile-audit.log"
    path.write_text("\n".join(lines) + "\n")
    return path


class Security(serve.NodeCase):
    def test_only_loopback_is_listened_on(self):
        for address in ("0.0.0.0", "192.0.2.7", "::", "example.test"):
            run = ekshume.Run("serve", self.case, "--listen", address)
            self.assertEqual(run.code, 2, run)
            self.assertIn("not loopback", run.err)
        other = socket.socket()
        other.settimeout(2)
        try:
            address = socket.gethostbyname(socket.gethostname())
        except OSError:
            address = "127.0.0.1"
        if not address.startswith("127."):
            self.assertNotEqual(other.connect_ex((address, self.server.port)), 0)
        other.close()

    def test_the_link_works_once(self):
        reply = self.server.raw("GET", self.link.split(self.server.authority)[1])
        self.assertEqual(reply.status, 401)
        self.assertNotIn("set-cookie", reply.headers)

    def test_the_cookie_cannot_be_read_or_sent_by_others(self):
        link = self.session.post("/links", {"name": "ben"}).json["link"]
        reply = self.server.raw("GET", link.split(self.server.authority)[1])
        self.assertEqual(reply.status, 303)
        self.assertEqual(reply.headers["location"], "/")
        cookie = reply.headers["set-cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Strict", cookie)

    def test_without_a_session_there_is_nothing(self):
        for path in ("/", "/timeline", "/index.html", "/assets/x.js", "/api/v1/case", "/api/v1/openapi.json", "/api/v1/nothing"):
            for cookie in (None, f"ekshume_{self.server.port}=", f"ekshume_{self.server.port}=" + "0" * 64, "x"):
                reply = self.server.raw("GET", path, {"Cookie": cookie})
                self.assertEqual(reply.status, 401, (path, cookie))
                self.assertNotIn(b"ekshume.case", reply.body)

    def test_another_host_is_refused(self):
        for host in ("evil.test", f"evil.test:{self.server.port}", f"localhost:{self.server.port}", "127.0.0.1", "",
                     f"127.0.0.1:{self.server.port}.evil.test"):
            reply = self.server.raw("GET", "/api/v1/case", {"Host": host, "Cookie": self.session.cookie})
            self.assertEqual(reply.status, 403, host)
        twice = b"GET /api/v1/case HTTP/1.1\r\nHost: %s\r\nHost: evil.test\r\nCookie: %s\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as connection:
            connection.sendall(twice % (self.server.authority.encode(), self.session.cookie.encode()))
            self.assertIn(b" 403 ", connection.recv(4096).split(b"\r\n")[0])

    def test_another_origin_is_refused(self):
        before = self.session.rows("/annotations")["revision"]
        for origin in ("http://evil.test", "null", "https://" + self.server.authority, f"http://127.0.0.1:{self.server.port + 1}"):
            reply = self.server.raw("GET", "/api/v1/case", {"Cookie": self.session.cookie, "Origin": origin})
            self.assertEqual(reply.status, 403, origin)
            reply = self.session.post("/annotations", {"kind": "star", "targets": ["event:x"], "value": True}, Origin=origin)
            self.assertEqual(reply.status, 403, origin)
        for headers in ({"Origin": None}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"},
                        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            reply = self.session.post("/annotations", {"kind": "star", "targets": ["event:x"], "value": True}, **headers)
            self.assertEqual(reply.status, 403, headers)
        self.assertEqual(self.session.rows("/annotations")["revision"], before)

    def test_the_body_of_a_refused_request_is_no_request(self):
        inner = f"GET /api/v1/case HTTP/1.1\r\nHost: {self.server.authority}\r\nCookie: {self.session.cookie}\r\n\r\n".encode()
        outer = (f"POST /api/v1/annotations HTTP/1.1\r\nHost: {self.server.authority}\r\nOrigin: http://evil.test\r\n"
                 f"Content-Type: text/plain\r\nContent-Length: {len(inner)}\r\n\r\n").encode()
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as connection:
            connection.sendall(outer + inner)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except ConnectionResetError:
                pass
        self.assertTrue(answer.startswith(b"HTTP/1.1 403"), answer[:100])
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)

    def test_other_methods_are_refused(self):
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            reply = self.server.raw(method, "/api/v1/case", {"Cookie": self.session.cookie, "Origin": self.server.origin,
                                                             "Content-Type": "application/json"})
            self.assertIn(reply.status, (400, 405), method)
            self.assertNotIn(b'"verdict"', reply.body)
        self.assertEqual(self.session.post("/case", {}).status, 405)
        self.assertEqual(self.session.get("/links").status, 405)

    def test_headers_of_every_answer(self):
        for path in ("/api/v1/case", "/api/v1/nothing", "/", "/login?token=x", "/assets/none.js"):
            reply = self.server.raw("GET", path, {"Cookie": self.session.cookie})
            policy = reply.headers["content-security-policy"]
            self.assertIn("default-src 'none'", policy, path)
            self.assertIn("script-src 'self';", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotIn("http", policy)
            self.assertEqual(reply.headers["x-content-type-options"], "nosniff", path)
            self.assertEqual(reply.headers["x-frame-options"], "DENY", path)
            self.assertEqual(reply.headers["referrer-policy"], "no-referrer")
            self.assertNotIn("access-control-allow-origin", reply.headers)

    def test_paths_do_not_leave_the_page_or_the_evidence(self):
        for path in ("/../../etc/passwd", "/assets/../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc%2fpasswd",
                     "/api/v1/../../etc/passwd", "/..\\..\\etc\\passwd"):
            reply = self.server.raw("GET", path, {"Cookie": self.session.cookie})
            self.assertNotIn(b"root:x:0", reply.body, path)
        # Inside evidence ".." and links stay inside: /etc/shadow of the analyst's machine is not reachable.
        reply = self.session.get("/files/stat", of=f"container:{WEBSHOP}", path="/../../../../etc/passwd")
        inside = self.session.get("/files/stat", of=f"container:{WEBSHOP}", path="/etc/passwd")
        self.assertEqual(inside.status, 200)
        if reply.status == 200:
            self.assertEqual(reply.json["sha256"], inside.json["sha256"])
        self.assertEqual(self.session.get("/files/stat", of="folder:/etc", path="/passwd").status, 400)
        self.assertEqual(self.session.get("/files/content", of="host", path_hex="zz").status, 400)

    def test_evidence_is_never_active(self):
        for path in ("/etc/passwd", MINER):
            reply = self.session.get("/files/download", of=f"container:{WEBSHOP}", path=path)
            self.assertEqual(reply.status, 200)
            self.assertEqual(reply.headers["content-type"], "application/octet-stream")
            self.assertEqual(reply.headers["content-disposition"], 'attachment; filename="evidence.bin"')
            self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
        reply = self.session.get("/files/content", of=f"container:{WEBSHOP}", path="/etc/passwd")
        self.assertTrue(reply.headers["content-type"].startswith("application/json"))
        for form in ("html", "md", "pdf"):
            reply = self.session.get("/report/file", form=form)
            self.assertEqual(reply.status, 200)
            self.assertEqual(reply.headers["content-type"], "application/octet-stream")
            self.assertEqual(reply.headers["content-disposition"], f'attachment; filename="report.{form}"')

    def test_bodies_are_bounded(self):
        reply = self.session.post("/annotations", {"kind": "notes", "targets": ["report"], "value": "x" * (2 << 20)})
        self.assertIn(reply.status, (400, 413))
        self.assertEqual(self.session.get("/events", query="x" * 7000).status, 200)
        deep = "[" * 100000
        reply = self.server.raw("POST", "/api/v1/annotations", {"Cookie": self.session.cookie, "Origin": self.server.origin,
                                                                "Content-Type": "application/json"}, deep.encode())
        self.assertEqual(reply.status, 400)

    def test_sql_in_parameters_is_text(self):
        for value in ("time; DROP TABLE events", "1) OR (1=1", "read_text('/etc/passwd')", "* FROM read_text('/etc/passwd') --"):
            self.assertEqual(self.session.get("/events", columns=value).status, 400, value)
            self.assertEqual(self.session.get("/events/facets", columns=value).status, 400, value)
            self.assertIn(self.session.get("/events", mark="tag:" + value).status, (200, 400))
            self.assertEqual(self.session.get("/events", after=value).status, 400)
        self.assertEqual(self.session.get("/events/x'%20OR%20'1'='1").status, 400)
        self.assertEqual(self.session.get("/events", query='message:"\'); DROP TABLE events; --"').status, 200)

    def test_200_slow_connections_hold_nobody_up(self):
        slow = []
        try:
            for _ in range(200):
                connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
                connection.sendall(b"GET /api/v1/case HTTP/1.1\r\nHost: ")
                slow.append(connection)
            begun = time.monotonic()
            self.assertEqual(self.session.get("/custody/verify").status, 200)
            self.assertLess(time.monotonic() - begun, 5)
            # Dripping bytes do not keep a connection: the whole request has one clock.
            ended = time.monotonic() + 40
            while slow and time.monotonic() < ended:
                for connection in list(slow):
                    try:
                        connection.sendall(b"x")
                        connection.setblocking(False)
                        if connection.recv(4096) == b"":
                            raise ConnectionResetError
                        raise ConnectionResetError
                    except BlockingIOError:
                        connection.setblocking(True)
                    except OSError:
                        connection.close()
                        slow.remove(connection)
                time.sleep(0.5)
            self.assertEqual(len(slow), 0, "slow connections are still open")
        finally:
            for connection in slow:
                connection.close()


class Hostile(ekshume.Case):
    """What an attacker wrote into a log comes back as data, and only as data."""

    @classmethod
    def setUpClass(cls):
        cls.server = serve.Server(serve.case_of("hostile", hostile_log()))
        cls.session = cls.server.session()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_markup_comes_back_as_json_only(self):
        reply = self.session.get("/events", columns="time,user_agent,object_name,message")
        self.assertTrue(reply.headers["content-type"].startswith("application/json"))
        rows = reply.json["rows"]
        self.assertEqual(len(rows), 7)
        self.assertIn(SCRIPT, [row["user_agent"] for row in rows])
        for path in ("/events/facets", "/case", "/findings", "/report"):
            answer = self.session.get(path)
            self.assertTrue(answer.headers["content-type"].startswith("application/json"), path)
        marked = rows[0]["id"]
        self.assertEqual(self.session.annotate("comment", f"event:{marked}", SCRIPT).status, 200)
        self.assertEqual(self.session.annotate("star", f"event:{marked}", True).status, 200)
        self.assertEqual(self.session.annotate("notes", "report", f"# {SCRIPT}\n\n[x](javascript:alert(1))\n\n<svg onload=alert(1)>").status, 200)
        page = self.session.get("/report/file", form="html").body.decode()
        self.assertIn("&lt;script&gt;", page)
        self.assertNotIn("<script", page)
        self.assertNotIn("<svg onload", page)
        self.assertNotIn('href="javascript', page)

    def test_csv_runs_nothing(self):
        reply = self.session.get("/events/export", format="csv", columns="time,user_agent,object_name")
        self.assertEqual(reply.headers["content-type"], "application/octet-stream")
        rows = list(csv.DictReader(io.StringIO(reply.body.decode())))
        self.assertEqual(len(rows), 7)
        self.assertIn("'" + FORMULA, [row["user_agent"] for row in rows])
        for row in rows:
            for value in row.values():
                self.assertNotIn(value[:1], ("=", "+", "-", "@", "\t", "\r"), value)

    def test_a_case_of_logs_says_that_it_has_no_files(self):
        reply = self.session.get("/files/ls")
        self.assertEqual(reply.status, 404)
        self.assertIn("logs only", reply.json["error"]["message"])
        self.assertEqual(self.session.rows("/containers")["containers"], [])
        self.assertEqual(self.session.rows("/processes")["live"], [])


if __name__ == "__main__":
    ekshume.main()
