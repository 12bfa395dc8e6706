# SPDX-License-Identifier: Apache-2.0
"""The page of `ekshume serve --allow-response` for tests: a server of a case with a plan for the cloud that moto plays, whose answers can be held
back while something is changed."""
import pathlib
import threading
import time

import aws
import aws_control
import ekshume
import serve
from aws_response import Cloud


class Gate(aws_control.ControlProxy):
    """Holds each request that changes something while `shut`, or for `seconds`, and says that one came."""

    def __init__(self, moto):
        super().__init__(moto)
        self.shut, self.came, self.seconds = None, threading.Event(), 0

    def close(self):
        self.came.clear()
        self.shut = threading.Event()

    def open(self):
        shut, self.shut = self.shut, None
        if shut:
            shut.set()

    def serve(self, request):
        shut = self.shut
        if (shut or self.seconds) and self.is_change(request, self.action_of(request, self.scope_of(request)[3])):
            self.came.set()
            shut.wait(120) if shut else time.sleep(self.seconds)
        try:
            return super().serve(request)
        except BrokenPipeError:
            return None  # who asked was stopped


class ResponsePage(Cloud):
    @classmethod
    def setUpClass(cls):
        cls.moto = aws.Moto()
        cls.proxy = Gate(cls.moto)
        cls.client = staticmethod(cls.moto.client)

    def setUp(self):
        super().setUp()
        self.server = self.session = None
        self.make_role("stolen")
        self.state = lambda: self.role_state("stolen")
        self.before = self.state()

    def tearDown(self):
        self.proxy.open()
        if self.server:
            self.assertEqual(self.server.stop(), 0)
        super().tearDown()

    def plan_of_role(self):
        self.path, _, _ = self.plan("role/stolen", "--session", "laptop")

    def open_page(self, *options, operator="bob"):
        self.server = serve.Server(self.case, "--operator", operator, *options, environment=self.proxy.environment())
        self.session = self.server.session()
        return self.read()

    def read(self):
        (plan,) = self.session.rows("/response")["plans"]
        return plan

    def ask(self, verb, plan, session=None, **more):
        return (session or self.session).post(f"/response/{verb}", {"plan": plan["id"], "digest": plan["digest"], **more})

    def assert_refused(self, reply, status, code, said=""):
        self.assertEqual((reply.status, reply.json["error"]["code"]), (status, code), reply.body)
        self.assertIn(said, reply.json["error"]["message"])

    def until(self, what, found, seconds=120):
        deadline = time.monotonic() + seconds
        while not (value := found()):
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)
        return value

    def until_ended(self):
        self.until("the job ended", lambda: self.session.rows("/response/job")["state"] == "ended")
        return self.session.rows("/response/job")

    def ledger(self, action):
        """Of the page's own records: who, what, how it ended."""
        changes = [(record["analyst"], record["change"]) for record in ekshume.rows("case", "custody", self.case)
                   if record["action"] == action and record.get("change")]
        return [(analyst, change["event"], change.get("outcome")) for analyst, change in changes]

    def child_of(self, process):
        """The command line of what runs for a server."""
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if f"\nPPid:\t{process.pid}\n" in (folder / "status").read_text():
                    return int(folder.name), (folder / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                pass
        self.fail("nothing runs")

    def let_through(self):
        """What was held comes through, whoever asked for it."""
        self.proxy.open()
        self.until("it came through", lambda: self.proxy.changes)
