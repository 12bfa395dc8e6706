#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plans of response on the page (`ekshume serve --allow-response`): approved, applied, stopped and taken back in the cloud that moto plays;
refused without the option, by who may not, without approval or words, and when the plan is another than the one that was read. What the
server's end leaves, the next one takes up."""
import os
import pathlib
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402
import serve  # noqa: E402
from response_page import ResponsePage  # noqa: E402

VERBS = ("approve", "apply", "undo")


class OnThePage(ResponsePage):
    def test_a_plan_is_approved_applied_and_taken_back(self):
        self.plan_of_role()
        plan = self.open_page("--allow-response")
        self.assertIn(plan["digest"], self.run_verb("show", self.path).stderr)
        self.assertEqual(self.ask("approve", plan).status, 200)
        self.assertEqual(self.until_ended()["outcome"], "done")
        approved = self.read()
        self.assertEqual([(one["by"], one["of_this_plan"]) for one in approved["approvals"]], [("bob", True)])
        self.assertEqual(approved["digest"], plan["digest"])
        self.assertFalse(approved["is_approved_for_you"], "bob would apply what bob approved")
        reply = self.ask("apply", plan)
        self.assertEqual((reply.status, reply.json["state"]), (200, "running"), reply.body)
        job = self.until_ended()
        self.assertEqual((job["outcome"], job["by"], job["about"]["digest"]), ("done", "bob", plan["digest"]), job)
        self.assertTrue(any("done" in line for line in job["lines"]), job)
        self.assertNotEqual(self.state(), self.before)
        done = [step for step in self.read()["steps"] if step["state"] == "done"]
        self.assertTrue(done)
        self.assertEqual({step["by"] for step in done}, {"bob"})
        self.assertEqual(self.ask("undo", plan, steps=[step["id"] for step in done]).status, 200)
        self.assertEqual(self.until_ended()["outcome"], "done")
        self.assertEqual(self.state(), self.before)
        for verb in VERBS:
            self.assertEqual(self.ledger(f"respond {verb}"), [("bob", "started", None), ("bob", "ended", "done")], verb)
        self.assertTrue(self.session.rows("/custody/verify")["unbroken"])

    def test_some_steps_alone(self):
        self.plan_of_role()
        plan = self.open_page("--allow-response")
        first = next(step["id"] for step in plan["steps"] if step["enabled"] and step["kind"] == "aws")
        self.assertEqual(self.ask("apply", plan, steps=[first]).status, 200)
        self.assertEqual(self.until_ended()["outcome"], "done")
        self.assertEqual([step["id"] for step in self.read()["steps"] if step["state"] == "done"], [first])

    def test_a_plan_that_was_changed_since_it_was_read_is_refused(self):
        self.plan_of_role()
        plan = self.open_page("--allow-response")
        text = self.path.read_text()
        self.path.write_text(text.replace("laptop", "phone"))
        for verb in VERBS:
            self.assert_refused(self.ask(verb, plan), 409, "changed")
            refused = self.run_verb(verb, self.path, "--digest", plan["digest"], code=2)
            self.assertIn("it was changed", refused.stderr)
        # A copy that is the one that was read is taken, and not the other file of that id.
        copy = self.path.with_name("copy.yaml")
        copy.write_text(text)
        self.assertEqual(self.ask("approve", plan).status, 200)
        self.assertEqual(self.until_ended()["outcome"], "done")
        self.assertIn("by: bob", copy.read_text())
        self.assertNotIn("by: bob", self.path.read_text())
        self.assertEqual(self.state(), self.before)

    def test_without_the_option_nothing_is_done(self):
        self.plan_of_role()
        plan = self.open_page()
        job = self.session.rows("/response/job")
        self.assertFalse(job["is_on"])
        self.assertIn("--allow-response", job["off_because"])
        for verb in (*VERBS, "stop"):
            self.assert_refused(self.ask(verb, plan), 403, "off", "--allow-response")
        self.assertEqual(self.ledger("respond apply"), [])
        self.assertEqual(self.state(), self.before)

    def test_what_makes_no_sense_is_refused(self):
        self.plan_of_role()
        (self.path.with_name("link.yaml")).symlink_to("/etc/hostname")
        os.mkfifo(self.path.with_name("pipe.yaml"))
        plan = self.open_page("--allow-response")
        for body in ({}, [], "x", 1, None, {"plan": plan["id"]}, {"plan": 1, "digest": "x"}, {"digest": plan["digest"]}):
            self.assertEqual(self.session.post("/response/apply", body).status, 400, body)
        for name in ("", ".", "..", "../case", "nothing", f"../respond/{plan['id']}", str(self.path), f"{plan['id']}.yaml", "link", "pipe", plan["id"] + "\0"):
            reply = self.session.post("/response/apply", {"plan": name, "digest": plan["digest"]})
            self.assertEqual(reply.status, 404, name)
        for digest in ("", plan["digest"][:63], plan["digest"].upper(), plan["digest"] + " "):
            self.assert_refused(self.session.post("/response/apply", {"plan": plan["id"], "digest": digest}), 409, "changed")
        for body in ({"steps": "x"}, {"steps": [1]}, {"steps": [""]}, {"steps": ["--yes"]}, {"steps": ["nothing"]}, {"steps": {}},
                     {"confirm": {}}, {"confirm": ["anything"]}, {"confirm": [None]}):
            self.assertEqual(self.ask("apply", plan, **body).status, 400, body)
        self.assert_refused(self.session.post("/response/stop", {}), 409, "idle")
        self.assertEqual(self.session.rows("/response/job")["state"], "idle")
        self.assertEqual(self.ledger("respond apply"), [])
        self.assertEqual(self.proxy.changes, [])

    def test_another_page_starts_nothing(self):
        self.plan_of_role()
        plan = self.open_page("--allow-response")
        body = {"plan": plan["id"], "digest": plan["digest"]}
        for headers in ({"Origin": "http://evil.test"}, {"Origin": None}, {"Origin": "null"}, {"Host": "evil.test"},
                        {"Content-Type": "text/plain"}, {"Sec-Fetch-Site": "cross-site"}):
            for verb in (*VERBS, "stop"):
                self.assertEqual(self.session.post(f"/response/{verb}", body, **headers).status, 403, headers)
        for verb in (*VERBS, "stop"):
            self.assertEqual(self.session.post(f"/response/{verb}", body, Cookie=None).status, 401)
            self.assertEqual(self.session.get(f"/response/{verb}").status, 405)
        self.assertEqual(self.session.rows("/response/job")["state"], "idle")

    def test_approvals_and_words_are_asked_for_as_on_the_command_line(self):
        i = self.make_instance("words")
        self.path, _, _ = self.plan(f"instance/{i['id']}")
        self.path.write_text(self.path.read_text().replace("enabled: true", "enabled: false"))
        lines = self.path.read_text().split("\n")
        at = lines.index("  - id: stop-instance")
        lines[next(n for n in range(at, len(lines)) if "enabled:" in lines[n])] = "    enabled: true"
        self.path.write_text("\n".join(lines))
        plan = self.open_page("--allow-response", operator="alice")
        self.assertTrue(plan["is_yours"])
        self.assert_refused(self.ask("approve", plan), 409, "own", "somebody else")
        words = f"instance/{i['id']}"
        self.assert_refused(self.ask("apply", plan, confirm=[words]), 409, "not_yet", "needs an approval")
        self.run_verb("approve", self.path, "--operator", "bob")
        (step,) = [step for step in plan["steps"] if step["enabled"]]
        self.assertEqual((step["id"], step["effect"], step["confirm"]), ("stop-instance", "destroys", words))
        for steps in ({}, {"steps": ["stop-instance"]}):
            self.assert_refused(self.ask("apply", plan, **steps), 409, "not_yet", f"confirm {words}")
        self.assert_refused(self.ask("apply", plan, steps=["terminate-instance"], confirm=[words]), 409, "not_yet", "not enabled")
        self.assertEqual(self.proxy.changes, [])
        self.assertEqual(self.ask("apply", plan, confirm=[words]).status, 200)
        self.assertEqual(self.until_ended()["outcome"], "done")
        self.assertEqual(self.instance_state(i)["state"], "stopped")
        self.assertEqual(self.read()["steps"][plan["steps"].index(step)]["confirm"], "", "it is done")
        started = next(r for r in ekshume.rows("case", "custody", self.case) if r["action"] == "respond apply" and r.get("change"))
        self.assertEqual(started["change"]["of"]["confirmed"], [words])
        self.assertEqual(self.ask("undo", plan).status, 200)
        self.assertEqual(self.until_ended()["outcome"], "done")
        self.assertEqual(self.instance_state(i)["state"], "running")

    def test_stopped_in_the_middle_and_taken_up_again(self):
        i = self.make_instance("stopped")
        self.path, _, _ = self.plan(f"instance/{i['id']}")
        self.state = lambda: self.instance_state(i)
        self.before = self.state()
        plan = self.open_page("--allow-response", "--region", "eu-central-1", "--image", "registry.test/a:1", "--exec-plugin")
        self.proxy.close()
        self.assertEqual(self.ask("apply", plan).status, 200)
        self.assertTrue(self.proxy.came.wait(60))
        for verb in VERBS[1:]:
            self.assert_refused(self.ask(verb, plan), 409, "running")
        _, words = self.child_of(self.server.process)
        self.assertEqual(words[1:4], ["respond", "apply", str(self.path.resolve())])
        self.assertEqual(words[-4:], ["--exec-plugin", "--region=eu-central-1", "--image=registry.test/a:1", ""])
        for secret in (value for name, value in self.proxy.environment().items() if "SECRET" in name or "TOKEN" in name):
            self.assertNotIn(secret, " ".join(words))
            self.assertNotIn(secret, (self.case / "custody.jsonl").read_text())
            self.assertNotIn(secret, self.session.get("/response/job").body.decode())
        reply = self.session.post("/response/stop", {})
        self.assertEqual((reply.status, reply.json["stop_was_asked"]), (200, True), reply.body)
        self.assertEqual(self.until_ended()["outcome"], "stopped")
        self.let_through()
        self.assertEqual(self.ledger("respond apply"), [("bob", "started", None), ("bob", "stop_asked", None), ("bob", "ended", "stopped")])
        self.take_up(plan)
        # The same on the way back: no further step is tried.
        self.assertEqual(self.ask("apply", plan).status, 200)
        self.assertEqual(self.until_ended()["outcome"], "done")
        self.proxy.close()
        self.assertEqual(self.ask("undo", plan).status, 200)
        self.assertTrue(self.proxy.came.wait(60))
        self.assertEqual(self.session.post("/response/stop", {}).status, 200)
        job = self.until_ended()
        self.proxy.open()
        self.assertEqual((job["outcome"], sum("not undone" in line for line in job["lines"])), ("stopped", 1), job)
        self.undo_all(plan)

    def test_the_end_of_the_server_ends_the_job(self):
        self.plan_of_role()
        plan = self.open_page("--allow-response")
        self.proxy.close()
        self.assertEqual(self.ask("apply", plan).status, 200)
        self.assertTrue(self.proxy.came.wait(60))
        self.server.process.terminate()
        self.assertIn("being worked on", self.server.process.stderr.read())
        self.assertEqual(self.server.stop(), 0)
        self.let_through()
        self.assertEqual(self.ledger("respond apply"), [("bob", "started", None), ("bob", "ended", "stopped")])
        self.open_page("--allow-response")
        self.take_up(plan)
        self.assertEqual(self.proxy.changes, ["iam:PutRolePolicy", "iam:DeleteRolePolicy"], "each once")

    def test_a_job_whose_server_was_killed_ends_too(self):
        self.plan_of_role()
        plan = self.open_page("--allow-response")
        self.proxy.close()
        self.assertEqual(self.ask("apply", plan).status, 200)
        self.assertTrue(self.proxy.came.wait(60))
        child, _ = self.child_of(self.server.process)
        self.server.process.kill()
        self.server.stop()
        self.until("the child ended", lambda: not pathlib.Path(f"/proc/{child}").exists() or "\nState:\tZ" in pathlib.Path(f"/proc/{child}/status").read_text())
        self.let_through()
        self.open_page("--allow-response")
        self.assertEqual(self.session.rows("/response/job")["state"], "idle")
        self.take_up(plan)
        self.assertEqual(self.proxy.changes, ["iam:PutRolePolicy", "iam:DeleteRolePolicy"], "each once")

    def take_up(self, plan):
        """What was begun is seen on the page, goes on where it was, and is taken back whole."""
        states = {step["state"] for step in self.read()["steps"]}
        self.assertTrue(states & {"begun", "failed"}, states)
        self.assertEqual(self.ask("apply", plan).status, 200)
        self.assertEqual(self.until_ended()["outcome"], "done")
        self.assertFalse([step for step in self.read()["steps"] if step["enabled"] and step["kind"] == "aws" and step["state"] != "done"])
        self.undo_all(plan)

    def undo_all(self, plan):
        self.assertEqual(self.ask("undo", plan).status, 200)
        self.assertEqual(self.until_ended()["outcome"], "done")
        self.assertEqual(self.state(), self.before)
        self.assertTrue(self.session.rows("/custody/verify")["unbroken"])

    def test_who_may(self):
        self.plan_of_role()
        users = self.folder / "users.json"
        for name, role in (("rae", "reader"), ("ana", "analyst"), ("res", "responder")):
            self.assertEqual(serve.add_user(users, name, role, "a long password"), 0)
        certificate, key = serve.certificate(self.folder, "server")
        self.server = serve.Server(self.case, "--users", str(users), "--tls-certificate", str(certificate), "--tls-key", str(key), "--allow-response",
                                   environment=self.proxy.environment(), tls=ssl.create_default_context(cafile=certificate))
        reader, analyst, self.session = (self.server.session_of(name, "a long password") for name in ("rae", "ana", "res"))
        plan = self.read()
        self.proxy.close()
        for session in (reader, analyst):
            self.assertEqual(session.rows("/response")["plans"][0]["digest"], plan["digest"])
            for verb in (*VERBS, "stop"):
                self.assert_refused(self.ask(verb, plan, session), 403, "role", "responder")
        self.assertEqual(self.session.rows("/response/job")["state"], "idle")
        self.assertEqual(self.ask("apply", plan).status, 200)
        self.assertEqual(analyst.rows("/response/job")["by"], "res")
        self.assert_refused(analyst.post("/response/stop", {}), 403, "role")
        self.proxy.open()
        self.assertEqual(self.until_ended()["outcome"], "done")
        self.assertEqual({step["by"] for step in self.read()["steps"] if step["state"] == "done"}, {"res"})

    @serve.needs_browser
    def test_in_a_browser(self):
        i = self.make_instance("shown")
        self.path, _, _ = self.plan(f"instance/{i['id']}", "--share-with", "210987654321")
        lines = self.path.read_text().split("\n")
        at = lines.index("  - id: stop-instance")
        lines[next(n for n in range(at, len(lines)) if "enabled:" in lines[n])] = "    enabled: true"
        self.path.write_text("\n".join(lines))
        before = self.instance_state(i)
        self.proxy.seconds = 0.5  # so that it can be watched
        self.addCleanup(setattr, self.proxy, "seconds", 0)
        folder = pathlib.Path(serve.SCREENSHOTS) if serve.SCREENSHOTS else self.folder
        self.server = serve.Server(self.case, "--operator", "bob", "--allow-response", environment=self.proxy.environment())
        done = subprocess.run(["node", ekshume.ROOT / "web/tests/response.mjs", self.server.link, folder, serve.CHROMIUM, f"instance/{i['id']}"],
                              capture_output=True, text=True, timeout=500)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.instance_state(i), before)
        self.assertIn("ec2:StopInstances", self.proxy.changes)
        self.assertEqual([change[:2] for change in self.ledger("respond approve")], [("bob", "started"), ("bob", "ended")])
        self.assertEqual([change[:2] for change in self.ledger("respond undo")], [("carol", "started"), ("carol", "ended")])


if __name__ == "__main__":
    ekshume.main()
