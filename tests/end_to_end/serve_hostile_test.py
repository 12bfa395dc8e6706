# SPDX-License-Identifier: Apache-2.0
"""`ekshume serve`: files of evidence that were written for a browser, through every route that gives bytes and in a real browser."""
import base64
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import archive
import ekshume
import hostile_files
import serve

OF = f"container:{hostile_files.CONTAINER}"


def path_of(name):
    return f"{hostile_files.FOLDER}/{name}"


class HostileFiles(ekshume.Case):
    @classmethod
    def setUpClass(cls):
        cls.case = serve.case_of("hostile-files", hostile_files.make())
        cls.server = serve.Server(cls.case, "--operator", "ana")
        cls.link = cls.server.link
        cls.session = cls.server.session()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def check_is_inert(self, reply, attachment=None):
        self.assertEqual(reply.status, 200, reply.body[:300])
        self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
        self.assertTrue(reply.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';"))
        if attachment:
            self.assertEqual(reply.headers["content-type"], "application/octet-stream")
            self.assertEqual(reply.headers["content-disposition"], f'attachment; filename="{attachment}"')
        else:
            self.assertEqual(reply.headers["content-type"], "application/json")
            self.assertNotIn(hostile_files.HTML, reply.body)

    def versions(self):
        for version, files in (("", hostile_files.FILES), ("old", hostile_files.BEFORE)):
            for name, content in files.items():
                yield {"of": OF, "path": path_of(name), "version": version}, content

    def archived(self, password="infected", **names):
        return self.session.post("/files/archive", {**names, "password": password})

    def test_bytes_come_back_as_data_by_every_route(self):
        for names, content in self.versions():
            with self.subTest(**names):
                part = self.session.get("/files/content", **names)
                self.check_is_inert(part)
                self.assertEqual(base64.b64decode(part.json["base64"]), content[:65536])
                self.check_is_inert(self.session.get("/files/stat", **names))
                strings = self.session.get("/files/strings", **names)
                self.check_is_inert(strings)
                for one in strings.json["strings"]:
                    if one["encoding"] == "ascii":
                        self.assertEqual(content[one["offset"]:one["offset"] + len(one["text"])].decode(), one["text"])
                self.check_is_inert(self.session.get("/files/picture", **names))
                download = self.session.get("/files/download", **names)
                self.check_is_inert(download, "evidence.bin")
                self.assertEqual(download.body, content)
                packed = self.archived(**names)
                self.check_is_inert(packed, "evidence.zip")
                self.assertEqual(archive.read_zip(packed.body, "infected")["evidence.bin"], content)
        listing = self.session.get("/files/ls", of=OF, path=hostile_files.FOLDER)
        self.check_is_inert(listing)
        self.assertEqual({entry["name"] for entry in listing.json["entries"]}, set(hostile_files.FILES))

    def test_an_archive_opens_with_its_password_only(self):
        names = {"of": OF, "path": path_of("polyglot.png")}
        content = hostile_files.FILES["polyglot.png"]
        reply = self.archived("correct horse", **names)
        with zipfile.ZipFile(io.BytesIO(reply.body)) as packed:
            self.assertEqual(packed.namelist(), ["evidence.bin", "metadata.json"])
            for member in packed.infolist():
                self.assertTrue(member.flag_bits & 1)
                # 99: WinZip's AES, of which the standard library knows nothing. The extra field says AES-256 (3).
                at = member.extra.index(b"\x01\x99")
                self.assertEqual(member.extra[at + 8], 3)
            with self.assertRaises((RuntimeError, NotImplementedError)):
                packed.read("evidence.bin")
        for wrong in (None, "infected", "correct horse "):
            with self.assertRaises(archive.Refused, msg=wrong):
                archive.read_zip(reply.body, wrong)
        members = archive.read_zip(reply.body, "correct horse")
        self.assertEqual(members["evidence.bin"], content)
        about = json.loads(members["metadata.json"])
        digest = hashlib.sha256(content).hexdigest()
        expected = {"of": OF, "path": path_of("polyglot.png"), "version": "present", "size": len(content), "sha256": digest,
                    "case": self.session.rows("/case")["id"], "analyst": "ana"}
        self.assertEqual({key: about[key] for key in expected}, expected)
        for secret in (b"polyglot", digest.encode(), hostile_files.SCRIPT):
            self.assertNotIn(secret, reply.body)
        record = self.session.rows("/custody")["records"][-1]
        self.assertEqual((record["action"], record["analyst"]), ("download", "ana"))
        self.assertEqual((record["change"]["sha256"], record["change"]["form"]), (digest, "archive"))
        self.assertNotIn("correct horse", (self.case / "custody.jsonl").read_text())
        self.assertTrue(self.session.rows("/custody/verify")["unbroken"])

    def test_what_is_no_order_for_an_archive(self):
        names = {"of": OF, "path": path_of("x.html")}
        before = len(self.session.rows("/custody")["records"])
        for body in ({}, [], names, {**names, "password": ""}, {**names, "password": 1}, {**names, "password": "x" * 129}, {**names, "password": "a\0b"}):
            self.assertEqual(self.session.post("/files/archive", body).status, 400, body)
        self.assertEqual(self.archived(of=OF, path="/nothing").status, 404)
        self.assertEqual(self.session.get("/files/archive", **names, password="x").status, 405)
        self.assertEqual(len(self.session.rows("/custody")["records"]), before)

    def test_only_pictures_are_pictures(self):
        drawn = {"polyglot.png": ("image/png", 2, 2), "plain.png": ("image/png", 2, 2), "tail.gif": ("image/gif", 1, 1), "cut.png": ("image/png", 2, 2)}
        for name, content in hostile_files.FILES.items():
            picture = self.session.rows("/files/picture", of=OF, path=path_of(name))
            if name in drawn:
                self.assertEqual((picture["type"], picture["width"], picture["height"]), drawn[name])
                self.assertIsNone(picture["problem"])
                self.assertEqual(base64.b64decode(picture["base64"]), content)
            else:
                self.assertIsNone(picture["base64"], name)
                self.assertRegex(picture["problem"], "^too large: 100000 × 100000 pixels" if name == "bomb.png" else "^no picture")

    @serve.needs_browser
    def test_in_a_browser_nothing_of_it_runs(self):
        order = {"of": OF, "folder": hostile_files.FOLDER, "names": list(hostile_files.FILES), "before": list(hostile_files.BEFORE)}
        link = self.session.post("/links", {"name": "ben"}).json["link"]
        done = subprocess.run(["node", ekshume.ROOT / "web/tests/hostile.mjs", link, serve.CHROMIUM, *filter(None, [serve.SCREENSHOTS])],
                              input=json.dumps(order), capture_output=True, text=True, timeout=500)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("looked at", done.stdout)


if __name__ == "__main__":
    ekshume.main()
