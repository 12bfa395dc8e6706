# SPDX-License-Identifier: Apache-2.0
"""A running `ekshume serve`, and a client that asks as a browser would."""
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import unittest
import urllib.parse

import ekshume

# A folder in which the pictures of browser tests stay, to be looked at; None: nowhere.
SCREENSHOTS = os.environ.get("EKSHUME_SCREENSHOTS")
# Of the shared evidence node-k8s: a container, and a file that was dropped in it.
WEBSHOP = "505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca"
MINER = "/tmp/.X11-unix/kdevtmpfsi"


CHROMIUM = shutil.which("chromium")
# Why tests that drive a browser are skipped; None: they are not, and in CI never.
BROWSER_MISSING = (None if os.environ.get("CI") else
                   "there is no chromium" if CHROMIUM is None else "there is no node" if shutil.which("node") is None else
                   None if (ekshume.ROOT / "web/node_modules/playwright-core").is_dir() else
                   "the packages of web/ are not installed: tools/install-dependencies")


def needs_browser(test):
    """A test that drives a browser."""
    return unittest.skipIf(BROWSER_MISSING, str(BROWSER_MISSING))(test)


def add_user(file, name, role, password):
    """The exit code of `ekshume users add`."""
    return subprocess.run([ekshume.EKSHUME, "users", "add", file, name, "--role", role], input=password + "\n", capture_output=True, text=True).returncode


def certificate(folder, name):
    """A certificate of 127.0.0.1 and its key."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=ekshume.test", "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """`ekshume serve CASE`, until stop(). `link` works once. `tls` (an ssl.SSLContext): what a client of a server with TLS trusts."""

    def __init__(self, case, *options, tls=None, environment=None):
        self.tls = tls
        self.process = subprocess.Popen([ekshume.EKSHUME, "serve", str(case), *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment)
        self.link = self.process.stdout.readline().strip()
        if not self.link:
            raise AssertionError(self.process.stderr.read())
        parts = urllib.parse.urlsplit(self.link)
        self.authority = parts.netloc
        self.port = parts.port
        self.origin = f"{parts.scheme}://{self.authority}"

    def stop(self):
        """Ends it as Ctrl-C does; its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def raw(self, method, path, headers=None, body=None):
        """A request with just these headers; Host is ours when none is given."""
        connection = (http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.tls) if self.tls
                      else http.client.HTTPConnection("127.0.0.1", self.port, timeout=60))
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        headers = dict(headers or {})
        headers.setdefault("Host", self.authority)
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        reply = Reply(connection.getresponse())
        connection.close()
        return reply

    def session(self, link=None):
        """A Session of a link that was not used yet."""
        parts = urllib.parse.urlsplit(link or self.link)
        reply = self.raw("GET", f"{parts.path}?{parts.query}")
        if reply.status != 303:
            raise AssertionError((reply.status, reply.body))
        return Session(self, reply.headers["set-cookie"].split(";")[0])

    def log_in(self, name, password):
        """The answer to a password."""
        return Session(self, None).post("/login", {"name": name, "password": password})

    def session_of(self, name, password):
        """A Session of a user."""
        reply = self.log_in(name, password)
        if reply.status != 200:
            raise AssertionError((reply.status, reply.body))
        return Session(self, reply.headers["set-cookie"].split(";")[0])


class Session:
    def __init__(self, server, cookie):
        self.server = server
        self.cookie = cookie

    def get(self, path, /, **values):
        query = urllib.parse.urlencode(values)
        return self.server.raw("GET", "/api/v1" + path + ("?" + query if query else ""), {"Cookie": self.cookie})

    def rows(self, path, /, **values):
        reply = self.get(path, **values)
        if reply.status != 200:
            raise AssertionError((path, reply.status, reply.body[:500]))
        return reply.json

    def post(self, path, value, **headers):
        body = json.dumps(value).encode()
        return self.server.raw("POST", "/api/v1" + path,
                               {"Cookie": self.cookie, "Origin": self.server.origin, "Content-Type": "application/json", **headers}, body)

    def annotate(self, kind, target, value):
        return self.post("/annotations", {"kind": kind, "targets": [target], "value": value})


def case_of(name, *evidence):
    """A case of that evidence, made once per test program."""
    case = pathlib.Path(ekshume.work_folder()) / f"{name}.case"
    if not case.exists():
        run = ekshume.Run("investigate", *evidence, "--case", case)
        if run.code not in (0, 1):
            raise AssertionError(repr(run))
    return case


class NodeCase(ekshume.Case):
    """Tests of a server of the shared node, whose one link was used."""

    @classmethod
    def setUpClass(cls):
        node = ekshume.shared_evidence("node-k8s")
        cls.case = case_of("node", node / "disk.img.zst", node / "logs")
        cls.server = Server(cls.case, "--operator", "ana")
        cls.link = cls.server.link
        cls.session = cls.server.session()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
