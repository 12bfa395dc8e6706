# SPDX-License-Identifier: Apache-2.0
"""`ekshume serve`: whether the answers are those of the command line, and what analysts add."""
import json
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume
import serve

NODE = ekshume.shared_evidence("node-k8s")
WEBSHOP = serve.WEBSHOP
MINER = serve.MINER


class Answers(serve.NodeCase):
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
            values = {"path": "/etc/passwd"} if path in ("/files/stat", "/files/content", "/files/strings", "/files/picture", "/files/download", "/files/whois") else {}
            if path == "/ingest/evidence":
                values = {"path": str(pathlib.Path.cwd())}
            if path == "/changes":
                continue
            reply = session.get(concrete, **values) if method == "get" else session.post(concrete, {"name": "ben", "path": "/etc/passwd", "password": "infected"})
            refused = {"/annotations": (400,), "/ingest": (400,), "/ingest/cancel": (409,),
                       **{f"/response/{verb}": (403,) for verb in ("approve", "apply", "undo", "stop")}}
            expected = refused.get(path if method == "post" else "", (200,))
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


class Annotations(serve.NodeCase):
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
