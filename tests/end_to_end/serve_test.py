# SPDX-License-Identifier: Apache-2.0
"""`ekshume serve`: who gets an answer, and whether the answers are those of the command line."""
import base64
import csv
import hashlib
import io
import json
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume
import serve

NODE = ekshume.shared_evidence("node-k8s")
WEBSHOP = "505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca"
MINER = "/tmp/.X11-unix/kdevtmpfsi"
SCRIPT = "<script>alert(1)</script>"
FORMULA = "=cmd|'/c calc'!A1"


def node_case():
    return serve.case_of("node", NODE / "disk.img.zst", NODE / "logs")


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


class ServerCase(ekshume.Case):
    @classmethod
    def setUpClass(cls):
        cls.case = node_case()
        cls.server = serve.Server(cls.case, "--operator", "ana")
        cls.link = cls.server.link
        cls.session = cls.server.session()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()


class Security(ServerCase):
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


class Answers(ServerCase):
    def test_every_route_that_is_listed_is_answered(self):
        document = self.session.rows("/openapi.json")
        self.assertEqual(document["openapi"], "3.1.0")
        event = self.session.rows("/events", limit=1)["rows"][0]["id"]
        examples = {"{id}": event}
        answered = set()
        # One of its own, as one of the routes ends it.
        session = self.server.session(self.session.post("/links", {"name": "cleo"}).json["link"])
        last = ("post", "/logout")
        routes = sorted(((method, path) for path, methods in document["paths"].items() for method in methods), key=lambda route: route == last)
        for method, path in routes:
            concrete = path
            for name, value in examples.items():
                concrete = concrete.replace(name, WEBSHOP if path.startswith("/containers") else value)
            values = {"path": "/etc/passwd"} if path in ("/files/stat", "/files/content", "/files/strings", "/files/download", "/files/whois") else {}
            if path == "/changes":
                continue
            reply = session.get(concrete, **values) if method == "get" else session.post(concrete, {"name": "ben"})
            expected = (400,) if (method, path) == ("post", "/annotations") else (200,)
            self.assertIn(reply.status, expected, (method, path, reply.body[:300]))
            answered.add((method, path))
        self.assertGreater(len(answered), 20)
        self.assertEqual(session.get("/case").status, 401, "logged out")
        for path in ("/case/x", "/event", "/admin", "/sql", "/events/x/y/z"):
            self.assertEqual(self.session.get(path).status, 404, path)

    def test_the_case_is_that_of_the_report(self):
        report = json.loads((self.case / "report.json").read_text())
        answer = self.session.rows("/case")
        self.assertEqual(answer["verdict"], report["verdict"])
        self.assertEqual(answer["incidents"], report["incidents"])
        self.assertEqual(answer["analyst"], "ana")
        self.assertEqual(self.session.rows("/findings")["findings"], report["findings"])
        self.assertEqual(self.session.rows(f"/containers/{WEBSHOP}"), next(c for c in report["containers"] if c["id"] == WEBSHOP))

    def test_searches_are_those_of_the_command_line(self):
        for query in ("", "exec OR secrets", "source:k8s_audit AND verb:create", "actor:ci-deployer", "NOT source:file"):
            expected = [row["id"] for row in ekshume.rows("search", self.case, query or "*", "--columns", "id,time")]
            by_cursor, after = [], ""
            while True:
                page = self.session.rows("/events", query=query, columns="time", limit=700, after=after)
                by_cursor += [row["id"] for row in page["rows"]]
                after = page["next"]
                if not after:
                    break
            self.assertEqual(by_cursor, expected, query)
            by_offset = []
            while len(by_offset) < len(expected):
                page = self.session.rows("/events", query=query, columns="time", limit=333, offset=len(by_offset))
                self.assertTrue(page["rows"])
                by_offset += [row["id"] for row in page["rows"]]
            self.assertEqual(by_offset, expected, query)
            histogram = self.session.rows("/events/histogram", query=query)
            self.assertEqual(histogram["total"], len(expected))
            self.assertEqual(sum(histogram["bars"]) + histogram["without_time"], len(expected))

    def test_newest_first_is_the_order_backwards(self):
        expected = [row["id"] for row in ekshume.rows("search", self.case, "source:k8s_audit", "--columns", "id,time", "--reverse")]
        found = []
        while len(found) < len(expected):
            page = self.session.rows("/events", query="source:k8s_audit", columns="time", limit=250, offset=len(found), reverse=1)
            self.assertTrue(page["rows"])
            found += [row["id"] for row in page["rows"]]
        self.assertEqual(found, expected)
        for reverse in (0, 1):
            rows = self.session.rows("/events", query="source:k8s_audit", limit=50, offset=400, reverse=reverse)["rows"]
            for number in (0, 17, 49):
                at = self.session.rows(f"/events/{rows[number]['id']}/position", query="source:k8s_audit", reverse=reverse)
                self.assertEqual(at["position"], 400 + number)
        self.assertIsNone(self.session.rows(f"/events/{rows[0]['id']}/position", query="source:cron")["position"])

    def test_facets_are_those_of_the_command_line(self):
        expected = ekshume.rows("search", self.case, "source:k8s_audit", "--facets", "action,namespace", "--facet-size", "5")
        facets = self.session.rows("/events/facets", query="source:k8s_audit", columns="action,namespace", size=5)["facets"]
        found = [{"field": field, "value": one["value"], "count": one["count"]} for field in sorted(facets) for one in facets[field]]
        self.assertEqual(found, [{key: row[key] for key in ("field", "value", "count")} for row in expected])

    def test_times_and_errors_of_a_selection(self):
        rows = self.session.rows("/events", query="source:k8s_audit", limit=20)["rows"]
        page = self.session.rows("/events", query="source:k8s_audit", **{"from": rows[5]["time"], "to": rows[12]["time"]})["rows"]
        self.assertEqual([row["time"] for row in page], [row["time"] for row in rows if rows[5]["time"] <= row["time"] < rows[12]["time"]])
        reply = self.session.get("/events", query="verb:(create")
        self.assertEqual(reply.status, 400)
        self.assertIn("^", reply.json["error"]["message"])
        self.assertEqual(self.session.get("/events", **{"from": "yesterday"}).status, 400)
        self.assertEqual(self.session.get("/events", limit=5000).status, 400)
        self.assertEqual(self.session.get("/events/00000000-0000-0000-0000-000000000000").status, 404)

    def test_a_record_is_what_the_evidence_holds(self):
        row = self.session.rows("/events", query="verb:create AND object_kind:pods/exec", limit=1)["rows"][0]
        event = self.session.rows(f"/events/{row['id']}")
        offset = int(event["locator"].removeprefix("offset="))
        log = (NODE / "logs/kube-apiserver-audit.log").read_bytes()
        self.assertEqual(log[offset:offset + len(event["raw"].encode())], event["raw"].encode())

    def test_files_are_those_of_the_kernel(self):
        truth = ekshume.sha256_list(NODE / f"truth/merged-{WEBSHOP}.sha256")
        names = {path.lstrip("."): digest for path, digest in truth.items()}
        for path in (MINER, "/etc/passwd", "/srv/webshop/run.sh"):
            stat = self.session.rows("/files/stat", of=f"container:{WEBSHOP}", path=path)
            self.assertEqual(stat["sha256"], names[path], path)
            whole = self.session.get("/files/download", of=f"container:{WEBSHOP}", path=path).body
            self.assertEqual(hashlib.sha256(whole).hexdigest(), names[path])
            part = self.session.rows("/files/content", of=f"container:{WEBSHOP}", path=path, offset=16, limit=64)
            self.assertEqual(base64.b64decode(part["base64"]), whole[16:80])
            self.assertEqual(part["size"], len(whole))

    def test_what_a_container_changed_is_marked(self):
        of = f"container:{WEBSHOP}"
        entries = {entry["name"]: entry for entry in self.session.rows("/files/ls", of=of, path="/tmp/.X11-unix")["entries"]}
        self.assertEqual(entries["kdevtmpfsi"]["change"], "added")
        self.assertEqual(entries["kdevtmpfsi"]["notable"], "new hidden program")
        self.assertEqual(self.session.rows("/files/stat", of=of, path=MINER)["layer"]["of"], "container")
        entries = {entry["name"]: entry for entry in self.session.rows("/files/ls", of=of, path="/usr/bin")["entries"]}
        self.assertEqual(entries["curl"]["change"], "deleted")
        self.assertIsNone(entries["env"]["change"])
        self.assertEqual(self.session.get("/files/stat", of=of, path="/usr/bin/curl").status, 404)
        old = self.session.get("/files/stat", of=of, path="/usr/bin/curl", version="old")
        self.assertEqual(old.status, 200)
        new, before = (self.session.rows("/files/stat", of=of, path="/srv/webshop/run.sh", version=version) for version in ("", "old"))
        self.assertTrue(new["has_old_version"])
        self.assertNotEqual(new["sha256"], before["sha256"])
        root = {entry["name"]: entry for entry in self.session.rows("/files/ls", of=of, path="/")["entries"]}
        self.assertGreater(root["tmp"]["changes_below"], 0)

    def test_strings_of_a_program(self):
        found = self.session.rows("/files/strings", of=f"container:{WEBSHOP}", path=MINER)
        texts = [one["text"] for one in found["strings"]]
        self.assertTrue(any("stratum+tcp://xmr.example-pool.test" in text for text in texts))
        whole = self.session.get("/files/download", of=f"container:{WEBSHOP}", path=MINER).body
        for one in found["strings"][:200]:
            if one["encoding"] == "ascii":
                self.assertEqual(whole[one["offset"]:one["offset"] + len(one["text"])].decode(), one["text"])

    def test_a_path_of_the_host_is_whose(self):
        upper = self.session.rows(f"/containers/{WEBSHOP}")["upper"]
        owners = self.session.rows("/files/whois", path=upper + MINER)["owners"]
        self.assertIn(("writable layer", WEBSHOP, MINER), [(one["relation"], one["container_id"], one["path_inside"]) for one in owners])
        command = ekshume.rows("whois", NODE / "disk.img.zst", upper + MINER)
        self.assertEqual([one["relation"] for one in owners], [one["relation"] for one in command])

    def test_a_part_of_an_answer_says_that_it_is_one(self):
        part = {"Cookie": self.session.cookie, "Range": "bytes=10-19"}
        for path in ("/api/v1/case", "/api/v1/events/export?format=jsonl&query=verb:create"):
            whole = self.server.raw("GET", path, {"Cookie": self.session.cookie})
            reply = self.server.raw("GET", path, part)
            self.assertEqual((whole.status, reply.status, reply.body), (200, 206, whole.body[10:20]), path)

    def test_export_is_exactly_what_is_shown(self):
        shown = self.session.rows("/events", query="verb:create", columns="time,message", limit=1000)["rows"]
        lines = self.session.get("/events/export", query="verb:create", columns="id,time,message", format="jsonl").body.decode().splitlines()
        self.assertEqual([json.loads(line) for line in lines], [{key: row[key] for key in ("id", "time", "message")} for row in shown])
        record = self.session.rows("/custody")["records"][-1]
        self.assertEqual(record["action"], "export")
        self.assertEqual(record["change"]["rows"], len(shown))


class Annotations(ServerCase):
    def events(self, session):
        """The stream of changes, open, behind its greeting."""
        connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        connection.sendall((f"GET /api/v1/changes HTTP/1.1\r\nHost: {self.server.authority}\r\nCookie: {session.cookie}\r\n\r\n").encode())
        stream = connection.makefile("rb")
        for line in stream:
            if line.startswith(b"event: hello"):
                break
        return connection, stream

    def test_several_analysts_see_each_others_changes(self):
        ben = self.server.session(self.session.post("/links", {"name": "ben"}).json["link"])
        event = self.session.rows("/events", limit=1)["rows"][0]["id"]
        connection, stream = self.events(self.session)
        self.assertEqual(ben.annotate("tag", f"event:{event}", "exec").status, 200)
        told = None
        for line in stream:
            if line.startswith(b"data: {\"sequence"):
                told = json.loads(line[len(b"data: "):])
                break
        connection.close()
        self.assertEqual((told["analyst"], told["kind"], told["value"]), ("ben", "tag", "exec"))
        self.assertEqual(self.session.rows("/annotations")["targets"][f"event:{event}"]["tags"], ["exec"])
        self.assertEqual([row["id"] for row in self.session.rows("/events", mark="tag:exec")["rows"]], [event])
        record = next(r for r in reversed(self.session.rows("/custody")["records"]) if r["action"] == "annotate")
        self.assertEqual(record["analyst"], "ben")
        self.assertTrue(self.session.rows("/custody/verify")["unbroken"])
        self.assertEqual(ekshume.Run("case", "verify", self.case).code, 0)

    def test_a_finding_is_dismissed_with_a_reason(self):
        finding = self.session.rows("/findings")["findings"][0]["id"]
        self.assertEqual(self.session.annotate("finding", f"finding:{finding}", {"state": "dismissed", "reason": ""}).status, 400)
        self.assertEqual(self.session.annotate("finding", f"finding:{finding}", {"state": "dismissed", "reason": "our own scanner"}).status, 200)
        self.assertEqual(self.session.rows("/annotations")["targets"][f"finding:{finding}"]["reason"], "our own scanner")

    def test_starred_events_and_notes_are_in_the_report(self):
        row = self.session.rows("/events", query="object_kind:pods/exec", limit=1)["rows"][0]
        self.session.annotate("star", f"event:{row['id']}", True)
        self.session.annotate("star", f"file:container:{WEBSHOP}:{MINER}", True)
        self.session.annotate("notes", "report", "# Conclusion\n\nThe key was stolen.")
        page = self.session.get("/report/file", form="md").body.decode()
        for text in ("Conclusion", "The key was stolen.", "Starred by the analysts", "kdevtmpfsi"):
            self.assertIn(text, page)
        self.assertTrue(self.session.get("/report/file", form="pdf").body.startswith(b"%PDF"))

    def test_they_are_there_when_served_again(self):
        event = self.session.rows("/events", limit=1)["rows"][0]["id"]
        self.session.annotate("comment", f"event:{event}", "look here")
        before = self.session.rows("/annotations")
        self.assertEqual(self.server.stop(), 0)
        type(self).server = serve.Server(self.case, "--operator", "ana")
        type(self).session = self.server.session()
        self.assertEqual(self.session.rows("/annotations"), before)


if __name__ == "__main__":
    ekshume.main()
