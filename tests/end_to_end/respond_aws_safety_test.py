#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ekshume respond` in AWS when things go wrong: kill -9 at every request, two people, missing permissions, changes by others, expired
credentials, what would lock us out; and the identities of a case."""
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import aws  # noqa: E402
import aws_control  # noqa: E402
from aws_control import role_arn  # noqa: E402
from aws_response import POLICY, TRUST, Cloud, policy_actions  # noqa: E402


class OfACase(Cloud):
    def test_stolen_identities_get_their_steps(self):
        """A key, a user and two sessions of a role that acted in a case; one of another account is left to people."""
        iam = self.client("iam")
        self.make_role("stolen")
        for name in ("eve", "trudy"):
            iam.create_user(UserName=name)
        key = iam.create_access_key(UserName="trudy")["AccessKey"]["AccessKeyId"]
        iam.create_access_key(UserName="eve")
        names = [{"user_arn": f"arn:aws:sts::{aws.ACCOUNT}:assumed-role/stolen/laptop"}, {"user_arn": f"arn:aws:sts::{aws.ACCOUNT}:assumed-role/stolen/phone"},
                 {"user_arn": f"arn:aws:iam::{aws.ACCOUNT}:user/eve"},
                 {"access_key_id": key}, {"user_arn": "arn:aws:iam::210987654321:user/mallory"}, {"user_arn": f"arn:aws:iam::{aws.ACCOUNT}:root"}]
        self.run_verb("plan", "role/stolen", "--case", self.case, "--plan-file", self.folder / "other.yaml")
        (self.case / "report.json").write_text(json.dumps({"incidents": [{"actors": [
            {"kind": "user", "role": "acted", "name": "x", "names": [{"field": k, "value": v} for k, v in n.items()]} for n in names]}]}))
        run = self.run_verb("plan", self.case, "--operator", "alice", "--format", "json", KUBECONFIG=None)
        steps = {row["step"]: row for row in json.loads(run.stdout)}
        (path,) = (self.case / "respond").glob("*.yaml")
        objects = {(re.sub(r"-\d+$", "", s), row["object"]) for s, row in steps.items()}
        self.assertLessEqual({("deny-session", "role/stolen"), ("revoke-sessions", "role/stolen"), ("deny-all", "iam-user/eve"),
                              ("disable-key", f"key/{key}"), ("by-hand", "arn:aws:iam::210987654321:user/mallory"),
                              ("by-hand", f"arn:aws:iam::{aws.ACCOUNT}:root")}, objects)
        self.assertEqual([s for s, row in steps.items() if row["object"] == "role/stolen" and row["state"] == "open"],
                         ["deny-session", "deny-session-2"])
        state = lambda: (self.role_state("stolen"), iam.list_user_policies(UserName="eve")["PolicyNames"],  # noqa: E731
                         [k["Status"] for n in ("eve", "trudy") for k in iam.list_access_keys(UserName=n)["AccessKeyMetadata"]])
        before = state()
        self.apply(path)
        self.assertEqual(state()[2], ["Inactive", "Inactive"])
        role_id = iam.get_role(RoleName="stolen")["Role"]["RoleId"]
        # One denial does not take the place of the other.
        conditions = [d["Statement"][0].get("Condition") for d in state()[0]["policies"].values()]
        for session in ("laptop", "phone"):
            self.assertIn({"StringEquals": {"aws:userid": f"{role_id}:{session}"}}, conditions)
        self.undo(path)
        self.assertEqual(state(), before)


class Safety(Cloud):
    def test_a_kill_at_every_request_ends_in_the_same_state(self):
        """kill -9 before each request of apply and of undo, and between each request and its answer; then the same command again."""
        arn = role_arn("loop")
        entry = {"principalArn": arn, "clusterName": "prod", "type": "STANDARD", "username": "loop", "kubernetesGroups": [], "tags": {},
                 "policies": {"arn:aws:eks::aws:cluster-access-policy/A": {"type": "cluster", "namespaces": []},
                              "arn:aws:eks::aws:cluster-access-policy/B": {"type": "cluster", "namespaces": []}}}
        self.make_role("loop")
        self.make_cluster("prod2")
        self.proxy.entries = {("prod2", arn): {**json.loads(json.dumps(entry)), "clusterName": "prod2"}}
        path, _, _ = self.plan("role/loop", "--session", "s-1", name="template")
        self.enable_all(path)

        def state():
            return json.loads(json.dumps([self.role_state("loop"), list(self.proxy.entries.values())]))

        def without_times(found):
            found = json.loads(json.dumps(found))
            for policy in found[0]["policies"].values():
                policy["Statement"][0].get("Condition", {}).pop("DateLessThan", None)
            return found

        before = state()
        journal = path.with_suffix(".jsonl")
        self.proxy.reset()
        self.apply(path)
        apply_requests, apply_changes = self.proxy.number, sorted(self.proxy.changes)
        after = without_times(state())
        self.proxy.reset()
        self.undo(path)
        undo_requests, undo_changes = self.proxy.number, sorted(self.proxy.changes)
        self.assertEqual(state(), before)
        self.assertGreater(apply_requests, 15)
        for verb, requests, expected in (("apply", apply_requests, apply_changes), ("undo", undo_requests, undo_changes)):
            for number in range(1, requests + 1):
                for when in ("before", "after"):
                    journal.unlink()
                    if verb == "undo":
                        self.apply(path)
                    self.proxy.reset()
                    self.proxy.kill_at = (number, when)
                    self.proxy.victim = process = self.start(verb, path, "--operator", "carol", "--yes")
                    process.communicate(timeout=120)
                    self.assertEqual(process.returncode, -9, (verb, number, when))
                    (self.apply if verb == "apply" else self.undo)(path)
                    self.assertEqual(sorted(self.proxy.changes), expected, (verb, number, when))
                    if verb == "apply":
                        self.assertEqual(without_times(state()), after, (number, when))
                        self.undo(path)
                    self.assertEqual(state(), before, (verb, number, when))

    def test_what_others_changed_stops_a_step_and_an_undo(self):
        self.make_role("shared")
        path, _, _ = self.plan("role/shared")
        changed = json.loads(json.dumps(TRUST))
        changed["Statement"][1]["Principal"] = {"Service": "lambda.amazonaws.com"}
        self.client("iam").update_assume_role_policy(RoleName="shared", PolicyDocument=json.dumps(changed))
        refused = self.apply(path, "--step", "deny-trust", code=3)
        self.assertIn("was changed by others since the plan was made", refused.stderr)
        self.assertEqual(self.proxy.changes, [])
        self.apply(path, "--step", "revoke-sessions")
        self.client("iam").put_role_policy(RoleName="shared", PolicyName="AWSRevokeOlderSessions", PolicyDocument=json.dumps(POLICY))
        refused = self.undo(path, code=3)
        self.assertIn("/document/Statement", refused.stderr)
        self.assertIn("AWSRevokeOlderSessions", self.role_state("shared")["policies"])
        self.undo(path, "--force")
        self.assertEqual(list(self.role_state("shared")["policies"]), ["own"])

    def test_missing_permissions_are_in_the_plan(self):
        i = self.make_instance()
        self.proxy.denied = {"iam:PutRolePolicy", "ec2:ModifyInstanceAttribute", "ec2:ModifyNetworkInterfaceAttribute"}
        _, steps, _ = self.plan(f"instance/{i['id']}", name="simulated")
        for step, permission in (("deny-instance", "iam:PutRolePolicy"), ("protect-termination", "ec2:ModifyInstanceAttribute"),
                                 ("isolate", "ec2:ModifyNetworkInterfaceAttribute")):
            self.assertIn(permission, steps[step]["missing"])
        self.assertEqual(steps["limit-metadata"]["missing"], "")
        # Without the simulation EC2's dry runs say what they can.
        self.proxy.simulates = False
        path, steps, run = self.plan(f"instance/{i['id']}", name="dry")
        self.assertEqual(steps["protect-termination"]["missing"], "ec2:ModifyInstanceAttribute")
        self.assertEqual(steps["deny-instance"]["missing"], "")
        self.assertIn("permissions in AWS are not simulated", run.stderr)
        # The step then fails with one sentence that is in the journal, and what was done stands.
        refused = self.apply(path, "--step", "protect-termination", code=3)
        self.assertIn("the permission ec2:ModifyInstanceAttribute is missing", refused.stderr)
        self.assertEqual(self.states(path)["protect-termination"], "failed")
        self.assertEqual(self.proxy.changes, [])

    def test_two_people_and_two_roles(self):
        """A responder plans what destroys; an eradicator does it, after somebody else's approval of the plan as it is."""
        i = self.make_instance("two")
        eradicates = policy_actions("eradicate.json") - policy_actions("respond.json")
        self.assertIn("ec2:StopInstances", eradicates)
        self.proxy.denied = eradicates
        path, steps, _ = self.plan(f"instance/{i['id']}")
        self.assertIn("ec2:StopInstances", steps["stop-instance"]["missing"])
        self.assertIn("ec2:TerminateInstances", steps["terminate-instance"]["missing"])
        self.assertEqual({s for s, row in steps.items() if row["missing"]}, {"stop-instance", "terminate-instance"})
        stop = ("--step", "stop-instance", "--confirm", f"instance/{i['id']}")
        path.write_text(path.read_text().replace("enabled: false", "enabled: true"))
        self.assertIn("needs an approval", self.apply(path, *stop, code=3).stderr)
        self.assertIn("somebody else approves", self.run_verb("approve", path, "--operator", "alice", code=3).stderr)
        self.run_verb("approve", path, "--operator", "carol")
        self.assertIn("needs an approval", self.apply(path, *stop, code=3).stderr)  # carol's own
        self.run_verb("approve", path, "--operator", "bob")
        refused = self.apply(path, *stop, code=3)
        self.assertIn("the permission ec2:StopInstances is missing", refused.stderr)
        self.assertEqual(self.states(path)["stop-instance"], "failed")
        self.assertEqual((self.proxy.changes, self.instance_state(i)["state"]), ([], "running"))
        approved = path.read_text()
        path.write_text(approved.replace("{state: stopped}", "{state: terminated}").replace("state: stopped", "state: terminated"))
        self.assertNotEqual(path.read_text(), approved)
        self.proxy.denied = set()
        self.assertIn("needs an approval", self.apply(path, *stop, code=3).stderr)
        path.write_text(approved)
        self.apply(path, *stop)
        self.assertEqual(self.instance_state(i)["state"], "stopped")
        self.undo(path)
        self.assertEqual(self.instance_state(i)["state"], "running")

    def test_a_role_that_only_reads(self):
        self.make_role("watched")
        self.proxy.denied = {a for a in policy_actions("respond.json") if not aws_control.READING.fullmatch(a)}
        before = self.role_state("watched")
        path, steps, _ = self.plan("role/watched")
        self.assertEqual([s for s, row in steps.items() if not row["missing"]], [])
        for step in ("deny-trust", "revoke-sessions"):
            refused = self.apply(path, "--step", step, code=3)
            self.assertRegex(refused.stderr, r"the permission iam:\w+ is missing")
            records = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
            self.assertEqual([r["event"] for r in records if r["step"] == step], ["begun", "failed"])
        self.assertEqual((self.proxy.changes, self.role_state("watched")), ([], before))

    def test_what_is_gone_is_said(self):
        self.make_role("short-lived")
        path, _, _ = self.plan("role/short-lived")
        iam = self.client("iam")
        iam.delete_role_policy(RoleName="short-lived", PolicyName="own")
        iam.delete_role(RoleName="short-lived")
        refused = self.apply(path, code=3)
        self.assertIn("short-lived", refused.stderr)
        self.assertIn("failed", self.states(path).values())
        self.assertNotIn("done", self.states(path).values())
        self.assertIn("was never done", self.undo(path).stderr)

    def test_bad_access_says_one_sentence_and_leaves_nothing_half_done(self):
        self.make_role("quiet")
        path, _, _ = self.plan("role/quiet")
        before = self.role_state("quiet")
        self.proxy.expired.add(aws.KEY_ID)
        refused = self.apply(path, code=3)
        self.assertIn("credentials have expired", refused.stderr)
        self.proxy.expired.clear()
        refused = self.apply(path, code=3, AWS_ENDPOINT_URL=f"http://127.0.0.1:{aws.free_port()}")
        self.assertEqual(self.role_state("quiet"), before)
        for journal in path.parent.glob("*.jsonl"):
            self.assertEqual(journal.read_text(), "")
        missing = self.run_verb("plan", "role/nobody", "--case", self.folder / "y", code=3)
        self.assertIn("nobody", missing.stderr)
        nothing = self.run_verb("plan", "role/quiet", "--case", self.folder / "z", code=3, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
        self.assertIn("credentials", nothing.stderr)
        wrong = self.run_verb("plan", "ecr-image/shop/web", "--case", self.folder / "w", code=2)
        self.assertIn("is no target in AWS", wrong.stderr)

    def test_we_do_not_lock_ourselves_out(self):
        self.make_role("responder")
        path, steps, run = self.plan("role/responder", "--session", "me", name="other")
        self.assertEqual(steps["deny-session"]["state"], "open")
        iam = self.client("iam")
        iam.create_user(UserName="ourselves")
        key = iam.create_access_key(UserName="ourselves")["AccessKey"]
        self.proxy.secrets[key["AccessKeyId"]] = key["SecretAccessKey"]
        path, steps, run = self.plan("iam-user/ourselves", name="self", AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])
        self.assertEqual({row["state"] for row in steps.values()}, {"disabled"})
        self.assertIn("lock us out", run.stderr)
        # Nor by a plan that was changed by hand.
        ours = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        self.enable_all(path)
        dry = self.run_verb("apply", path, "--operator", "carol", code=1, **ours)
        self.assertIn("would lock us out", dry.stderr)
        refused = self.apply(path, code=3, **ours)
        self.assertIn("even_ourselves", refused.stderr)
        self.assertEqual(self.proxy.changes, [])
        path.write_text(path.read_text().replace("    needs_approval: true", '    needs_approval: true\n    settings: {even_ourselves: "true"}'))
        self.run_verb("approve", path, "--operator", "bob")
        self.apply(path, **ours)
        self.assertEqual(iam.list_access_keys(UserName="ourselves")["AccessKeyMetadata"][0]["Status"], "Inactive")
        self.undo(path)
        self.make_cluster("alone")
        _, steps, run = self.plan("cluster/alone", "--allow-from", "10.0.0.0/8", name="endpoint")
        self.assertEqual(steps["restrict-endpoint"]["state"], "disabled")
        self.assertIn("nobody could reach", run.stderr)

    def test_a_plan_of_another_account_is_refused(self):
        self.make_role("elsewhere")
        path, _, _ = self.plan("role/elsewhere")
        path.write_text(path.read_text().replace(f"account: {aws.ACCOUNT}", "account: 210987654321"))
        refused = self.apply(path, code=2)
        self.assertIn("is for the AWS account 210987654321", refused.stderr)


if __name__ == "__main__":
    aws.skip_without_moto()
    unittest.main(verbosity=2)
