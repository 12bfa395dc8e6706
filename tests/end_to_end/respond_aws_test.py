#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ekshume respond` in AWS: every action applied and undone with the state compared, and killed (-9) before and after every change it makes,
against moto's server and what the proxy of tests/support/aws_control.py plays in the place of what moto lacks. The table at the end says
which is which."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import aws  # noqa: E402
from aws_control import role_arn  # noqa: E402
from aws_response import TRUST, Cloud, made_for, seen  # noqa: E402
from ekshume import EKSHUME, Case  # noqa: E402

DESTROYS = ("stop-instance", "terminate-instance", "delete-image", "delete-password")


class Actions(Cloud):
    ran = set()

    def tearDown(self):
        super().tearDown()
        self.ran.add(self._testMethodName)

    def test_an_instance_and_back(self):
        i = self.make_instance()
        path, steps, _ = self.plan(f"instance/{i['id']}", "--share-with", "210987654321", "--lock-days", "7")
        self.assertEqual(steps["protect-stop"]["state"], "disabled")
        self.assertEqual([row["phase"] for row in steps.values()], sorted((row["phase"] for row in steps.values()), key=[
            "record", "shield", "save", "identity", "capture", "detach", "network", "verify", "disk", "eradicate"].index))
        self.assertEqual([row["missing"] for row in steps.values()], [""] * len(steps))
        # Standing by and leaving the group exclude each other, and what ends the instance comes in tests of their own.
        self.enable_all(path, but=(*DESTROYS, "stand-by"))
        applied = self.assert_round_trip(path, lambda: self.instance_state(i))
        self.assertEqual(applied["attributes"], {"disableApiTermination": True, "disableApiStop": True, "instanceInitiatedShutdownBehavior": "stop"})
        self.assertEqual(set(applied["volumes"].values()), {False})
        self.assertEqual(applied["metadata"], {"HttpTokens": "required", "HttpPutResponseHopLimit": 1})
        self.assertEqual(applied["suspended"], ["AZRebalance", "ReplaceUnhealthy", "Terminate"])
        self.assertEqual((applied["member"], applied["profile"], applied["address"], applied["targets"]), ([], [], None, []))
        self.assertEqual([e[2] for e in applied["acl"] if e[0] == 1], ["deny", "deny"])
        denial = next(d for n, d in applied["role"]["policies"].items() if n.endswith("-instance"))
        self.assertEqual(denial["Statement"][0]["Condition"], {"StringLike": {"aws:userid": f"*:{i['id']}"}})
        # The snapshots stay: they are evidence. Their locks and permissions were put back.
        ec2 = self.client("ec2")
        snapshots = [s for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] if i["id"] in s["Description"]]
        self.assertEqual(len(snapshots), len(applied["volumes"]))
        self.assertEqual(self.proxy.locks, {})

    def test_isolation_goes_through_the_group_that_forgets_connections(self):
        i = self.make_instance()
        path, steps, _ = self.plan(f"instance/{i['id']}")
        ec2 = self.client("ec2")
        seen = []

        def groups():
            ids = ec2.describe_network_interfaces(NetworkInterfaceIds=[i["interface"]])["NetworkInterfaces"][0]["Groups"]
            found = ec2.describe_security_groups(GroupIds=[g["GroupId"] for g in ids])["SecurityGroups"]
            seen.append([(len(g["IpPermissions"]), len(g["IpPermissionsEgress"])) for g in found])

        for step in steps:
            if steps[step]["phase"] == "network" and steps[step]["state"] != "disabled":
                self.apply(path, "--step", step)
                if step in ("untrack", "isolate"):
                    groups()
        self.assertEqual(seen, [[(1, 1)], [(0, 0)]])
        self.undo(path)

    def test_a_node_keeps_its_way_to_the_control_plane(self):
        self.make_cluster("prod")
        i = self.make_instance("node-of-prod", [{"Key": "eks:cluster-name", "Value": "prod"}])
        vpc = self.client("ec2").describe_subnets(SubnetIds=[i["subnet"]])["Subnets"][0]["VpcId"]
        control = self.client("ec2").create_security_group(GroupName="control", Description="control plane", VpcId=vpc)["GroupId"]
        self.proxy.handlers["eks:DescribeCluster"] = lambda request: self.proxy.eks(request, "DescribeCluster", lambda *_: {
            "cluster": {"name": "prod", "resourcesVpcConfig": {"clusterSecurityGroupId": control}}})
        try:
            path, steps, _ = self.plan(f"instance/{i['id']}")
        finally:
            del self.proxy.handlers["eks:DescribeCluster"]
        self.assertEqual(steps["isolate"]["state"], "disabled")
        state = lambda: self.instance_state(i)  # noqa: E731
        before = state()
        self.apply(path)
        ec2 = self.client("ec2")
        (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": state()["groups"]}])["SecurityGroups"]
        self.assertEqual(sorted((p["FromPort"], p["UserIdGroupPairs"][0]["GroupId"]) for p in group["IpPermissions"]), [(443, control), (10250, control)])
        self.assertEqual([(p["FromPort"], p["UserIdGroupPairs"][0]["GroupId"]) for p in group["IpPermissionsEgress"]], [(443, control)])
        self.undo(path)
        self.assertEqual(state(), before)

    def test_standing_by_stopping_and_ending(self):
        i = self.make_instance()
        path, _, _ = self.plan(f"instance/{i['id']}")
        self.run_verb("approve", path, "--operator", "bob")
        before = self.instance_state(i)
        refused = self.apply(path, "--step", "stand-by", code=3)
        self.assertIn("not enabled", refused.stderr)
        self.enable_all(path)
        self.assertEqual(self.run_killed("apply", path, "--step", "stand-by"), ["autoscaling:EnterStandby"])
        self.assertEqual(self.instance_state(i)["member"], [("Standby", False)])
        refused = self.apply(path, "--step", "stop-instance", code=3)
        self.assertIn(f"--confirm instance/{i['id']}", refused.stderr)
        self.assertEqual(self.instance_state(i)["state"], "running")
        confirmed = ("--confirm", f"instance/{i['id']}")
        self.run_killed("apply", path, "--step", "stop-instance", *confirmed)
        self.assertEqual(self.instance_state(i)["state"], "stopped")
        self.assertEqual(self.run_killed("undo", path), ["autoscaling:ExitStandby", "ec2:StartInstances"])
        self.assertEqual(self.instance_state(i), before)
        # Our own stop is no change by others when it is ended after it.
        self.apply(path, "--step", "stop-instance", *confirmed)
        self.assertEqual(self.run_killed("apply", path, "--step", "terminate-instance", *confirmed), ["ec2:TerminateInstances"])
        self.assertEqual(self.instance_state(i)["state"], "terminated")
        self.assertIn("cannot be undone", self.undo(path, "--step", "terminate-instance", code=3).stderr)

    def test_another_profile_and_back(self):
        i = self.make_instance("swapped")
        iam = self.client("iam")
        iam.create_instance_profile(InstanceProfileName="deny-all")
        path, steps, _ = self.plan(f"instance/{i['id']}", "--swap-profile", "deny-all")
        self.assertNotIn("take-profile", steps)
        self.enable(path, lambda step, _: step == "swap-profile")
        applied = self.assert_round_trip(path, lambda: self.instance_state(i))
        self.assertEqual([p.rsplit("/", 1)[1] for p in applied["profile"]], ["deny-all"])
        _, steps, run = self.plan(f"instance/{i['id']}", "--swap-profile", "nowhere", name="none")
        self.assertNotIn("swap-profile", steps)
        self.assertIn("no step swap-profile", run.stderr)

    def test_a_role_and_back(self):
        self.make_role("app")
        self.proxy.entries.clear()
        path, steps, _ = self.plan("role/app", "--session", "web-1", "--pod-uid", "11111111-2222-3333-4444-555555555555", "--instance", "i-0123456789abcdef0")
        self.enable_all(path)
        applied = self.assert_round_trip(path, lambda: self.role_state("app"))
        conditions = [d["Statement"][0].get("Condition") for d in applied["policies"].values() if d["Statement"][0]["Effect"] == "Deny"]
        self.assertIn(None, conditions)
        self.assertIn({"StringEquals": {"aws:PrincipalTag/kubernetes-pod-uid": "11111111-2222-3333-4444-555555555555"}}, conditions)
        self.assertIn({"StringLike": {"aws:userid": "*:i-0123456789abcdef0"}}, conditions)
        role_id = self.client("iam").get_role(RoleName="app")["Role"]["RoleId"]
        self.assertIn({"StringEquals": {"aws:userid": f"{role_id}:web-1"}}, conditions)
        revoked = applied["policies"]["AWSRevokeOlderSessions"]["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
        self.assertRegex(revoked, r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        denial = applied["trust"]["Statement"][-1]
        self.assertEqual((denial["Effect"], denial["Action"], denial["Principal"]), ("Deny", "sts:AssumeRoleWithWebIdentity", TRUST["Statement"][0]["Principal"]))

    def test_a_user_and_a_key_and_back(self):
        iam = self.client("iam")
        iam.create_user(UserName="mallory")
        keys = [iam.create_access_key(UserName="mallory")["AccessKey"]["AccessKeyId"] for _ in range(2)]
        iam.create_login_profile(UserName="mallory", Password="Correct-Horse-9!")

        def state():
            policies = iam.list_user_policies(UserName="mallory")["PolicyNames"]
            return {"keys": {k["AccessKeyId"]: k["Status"] for k in iam.list_access_keys(UserName="mallory")["AccessKeyMetadata"]}, "policies": policies}

        path, steps, _ = self.plan(f"key/{keys[1]}", name="key")
        self.assertEqual([s for s, row in steps.items() if row["state"] == "open"], ["disable-key-2"])
        applied = self.assert_round_trip(path, state)
        self.assertEqual(applied, {"keys": {keys[0]: "Active", keys[1]: "Inactive"}, "policies": []})
        self.proxy.reset()
        path, steps, _ = self.plan(f"iam-user/arn:aws:iam::{aws.ACCOUNT}:user/mallory", name="user")
        applied = self.assert_round_trip(path, state)
        self.assertEqual(set(applied["keys"].values()), {"Inactive"})
        self.assertEqual(len(applied["policies"]), 1)
        refused = self.apply(path, "--step", "delete-password", code=3)
        self.assertIn("not enabled", refused.stderr)
        self.enable_all(path)
        self.proxy.changes.clear()
        self.assertEqual(self.run_killed("apply", path, "--step", "delete-password"), ["iam:DeleteLoginProfile"])
        with self.assertRaises(iam.exceptions.NoSuchEntityException):
            iam.get_login_profile(UserName="mallory")
        self.assertIn("cannot be undone", self.undo(path, "--step", "delete-password", code=3).stderr)
        session = self.run_verb("plan", "key/ASIAEXAMPLEEXAMPLE00", "--case", self.folder / "x", code=2)
        self.assertIn("key of a session", session.stderr)

    def test_pod_identity_and_back(self):
        self.make_role("pods")
        association = {"clusterName": "prod", "namespace": "shop", "serviceAccount": "web", "roleArn": role_arn("pods"), "tags": {"team": "shop"}}
        self.proxy.associations["a-1"] = {**association, "associationId": "a-1"}
        path, steps, _ = self.plan("association/prod/a-1")
        self.enable_all(path)

        def state():
            return [{k: v for k, v in a.items() if k != "associationId"} for a in self.proxy.associations.values()], self.role_state("pods")

        applied = self.assert_round_trip(path, state)
        self.assertEqual(applied[0], [])
        conditions = [d["Statement"][0].get("Condition", {}).get("StringEquals") for d in applied[1]["policies"].values()]
        self.assertIn({"aws:PrincipalTag/kubernetes-namespace": "shop", "aws:PrincipalTag/kubernetes-service-account": "web"}, conditions)

    def test_an_access_entry_and_back(self):
        arn = f"arn:aws:iam::{aws.ACCOUNT}:role/team/backdoor"
        policies = {f"arn:aws:eks::aws:cluster-access-policy/{n}": s for n, s in (
            ("AmazonEKSClusterAdminPolicy", {"type": "cluster", "namespaces": []}), ("AmazonEKSViewPolicy", {"type": "namespace", "namespaces": ["shop"]}))}
        self.proxy.entries = {("prod", arn): {"principalArn": arn, "clusterName": "prod", "type": "STANDARD", "username": "mallory", "kubernetesGroups": ["ops"],
                                              "tags": {"a": "b"}, "policies": dict(policies)}}
        path, steps, _ = self.plan(f"access-entry/prod/{arn}", name="entry")
        self.assertEqual([s for s, row in steps.items() if row["state"] == "open"], ["delete-access-entry"])
        applied = self.assert_round_trip(path, lambda: json.loads(json.dumps(list(self.proxy.entries.values()))))
        self.assertEqual(applied, [])
        # The policies alone; then the policies and the entry: our own steps on a part are no change by others.
        state = lambda: json.loads(json.dumps(list(self.proxy.entries.values())))  # noqa: E731
        for name, is_wanted in (("policies", lambda step: step.startswith("take-access-policy")), ("both", lambda step: True)):
            self.proxy.reset()
            path, _, _ = self.plan(f"access-entry/prod/{arn}", name=name)
            self.enable(path, lambda step, _, is_wanted=is_wanted: is_wanted(step))
            applied = self.assert_round_trip(path, state)
            self.assertEqual([e["policies"] for e in applied], [{}] if name == "policies" else [])
        # What somebody else gives the principal meanwhile is one.
        path, _, _ = self.plan(f"access-entry/prod/{arn}", name="others")
        self.enable_all(path)
        self.apply(path, "--step", "take-access-policy")
        self.proxy.entries[("prod", arn)]["policies"]["arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy"] = {"type": "cluster", "namespaces": []}
        refused = self.apply(path, "--step", "delete-access-entry", code=3)
        self.assertIn("was changed by others since the plan was made", refused.stderr)
        self.assertEqual(self.proxy.entries[("prod", arn)]["policies"].keys() - policies.keys(),
                         {"arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy"})
        self.assertEqual(len(self.proxy.entries[("prod", arn)]["policies"]), 2)
        # Nodes' own entries are not taken by default.
        self.proxy.entries[("prod", arn)]["type"] = "EC2_LINUX"
        _, steps, run = self.plan(f"access-entry/prod/{arn}", name="nodes")
        self.assertEqual(steps["delete-access-entry"]["state"], "disabled")
        self.assertIn("that of nodes", run.stderr)

    def test_a_cluster_and_back(self):
        self.make_cluster("edge")
        self.proxy.providers[("edge", "evil")] = {"identityProviderConfigName": "evil", "issuerUrl": "https://login.attacker.test", "clientId": "k8s",
                                                  "usernameClaim": "email", "tags": {}, "status": "ACTIVE"}
        path, steps, run = self.plan("cluster/edge", name="without")
        self.assertNotIn("restrict-endpoint", steps)
        self.assertIn("--allow-from", run.stderr)
        path, steps, _ = self.plan("cluster/edge", "--allow-from", "192.0.2.0/24", "--allow-from", "198.51.100.7/32", name="with")
        self.assertEqual(steps["restrict-endpoint"]["state"], "disabled")
        self.enable_all(path)

        def state():
            cluster = self.client("eks").describe_cluster(name="edge")["cluster"]
            groups = cluster["logging"]["clusterLogging"]
            return {"on": sorted(t for g in groups if g["enabled"] for t in g["types"]),
                    "endpoint": {k: cluster["resourcesVpcConfig"].get(k) for k in ("endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs")},
                    "providers": json.loads(json.dumps(list(self.proxy.providers.values())))}

        applied = self.assert_round_trip(path, state)
        self.assertEqual(applied["on"], ["api", "audit", "authenticator", "controllerManager", "scheduler"])
        self.assertEqual(applied["endpoint"], {"endpointPublicAccess": True, "endpointPrivateAccess": True, "publicAccessCidrs": ["192.0.2.0/24", "198.51.100.7/32"]})
        self.assertEqual(applied["providers"], [])

    def test_an_image_and_back(self):
        ecr = self.client("ecr")
        ecr.create_repository(repositoryName="shop/web")
        manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                               "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": "sha256:" + "1" * 64}, "layers": []})
        for tag in ("v1", "latest"):
            digest = ecr.put_image(repositoryName="shop/web", imageManifest=manifest, imageTag=tag)["image"]["imageId"]["imageDigest"]

        def state():
            images = ecr.describe_images(repositoryName="shop/web")["imageDetails"]
            return {"tags": ecr.describe_repositories(repositoryNames=["shop/web"])["repositories"][0]["imageTagMutability"],
                    "images": [(i["imageDigest"], sorted(i.get("imageTags", []))) for i in images]}

        path, steps, _ = self.plan(f"ecr-image/shop/web@{digest}")
        self.assertEqual(steps["delete-image"]["evidence"], "destroys")
        self.enable_all(path)
        refused = self.apply(path, code=3)
        self.assertIn("--confirm", refused.stderr)
        self.undo(path)
        path.with_suffix(".jsonl").unlink()
        self.proxy.changes.clear()
        applied = self.assert_round_trip(path, state, "--confirm", f"ecr-image/shop/web@{digest}")
        self.assertEqual(applied, {"tags": "IMMUTABLE", "images": []})
        journal = next((self.folder / "case/respond").glob("*.jsonl")).read_text()
        self.assertIn(json.dumps(manifest)[1:60], journal)


# Each kind of thing that the program changes: which facts of the catalogue of response (A01 to A23) it is, the calls that are made for it
# and to take it back, and who answers them in this test: moto, or the proxy where moto lacks them.
MOTO, PLAYED = "moto", "played by tests/support/aws_control.py"
CATALOGUE = {
    "instance-attribute": ("A02", MOTO, {"ec2:ModifyInstanceAttribute"}),
    "instance-volume": ("A02", MOTO, {"ec2:ModifyInstanceAttribute"}),
    "scale-in-protection": ("A03", MOTO, {"autoscaling:SetInstanceProtection"}),
    "autoscaling-processes": ("A03", MOTO, {"autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses"}),
    "autoscaling-membership": ("A03", MOTO, {"autoscaling:EnterStandby", "autoscaling:ExitStandby", "autoscaling:DetachInstances",
                                             "autoscaling:AttachInstances"}),
    "snapshots": ("A04", MOTO, {"ec2:CreateSnapshots"}),
    "snapshot-lock": ("A05", PLAYED, {"ec2:LockSnapshot", "ec2:UnlockSnapshot"}),
    "snapshot-sharing": ("A06", MOTO, {"ec2:ModifySnapshotAttribute"}),
    "security-group": ("A07 A07b", MOTO, {"ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup"}),
    "security-group-rules": ("A07 A07b", MOTO, {"ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress",
                                                "ec2:AuthorizeSecurityGroupEgress", "ec2:RevokeSecurityGroupEgress"}),
    "network-interface-groups": ("A07 A07b", MOTO, {"ec2:ModifyNetworkInterfaceAttribute"}),
    "network-acl-entry": ("A08", MOTO, {"ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAclEntry"}),
    "address-association": ("A09", MOTO, {"ec2:DisassociateAddress", "ec2:AssociateAddress"}),
    "target-registration": ("A09", MOTO, {"elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"}),
    "instance-profile": ("A10", MOTO, {"ec2:DisassociateIamInstanceProfile", "ec2:AssociateIamInstanceProfile",
                                       "ec2:ReplaceIamInstanceProfileAssociation"}),
    "instance-metadata-options": ("A11", MOTO, {"ec2:ModifyInstanceMetadataOptions"}),
    "role-policy": ("A12 A13 A14", MOTO, {"iam:PutRolePolicy", "iam:DeleteRolePolicy"}),
    "user-policy": ("A14", MOTO, {"iam:PutUserPolicy", "iam:DeleteUserPolicy"}),
    "access-key": ("A14", MOTO, {"iam:UpdateAccessKey"}),
    "login-profile": ("A14", MOTO, {"iam:DeleteLoginProfile"}),
    "role-trust": ("A15", MOTO, {"iam:UpdateAssumeRolePolicy"}),
    "pod-identity-association": ("A16", PLAYED, {"eks:DeletePodIdentityAssociation", "eks:CreatePodIdentityAssociation"}),
    "access-entry": ("A17", PLAYED, {"eks:DeleteAccessEntry", "eks:CreateAccessEntry", "eks:AssociateAccessPolicy"}),
    "access-policy": ("A17", PLAYED, {"eks:DisassociateAccessPolicy", "eks:AssociateAccessPolicy"}),
    # moto keeps the cluster; its updates replace whole blocks, so the proxy merges them as EKS does.
    "cluster-endpoint": ("A18", PLAYED, {"eks:UpdateClusterConfig"}),
    "cluster-logging": ("A19", PLAYED, {"eks:UpdateClusterConfig"}),
    "identity-provider": ("A20", PLAYED, {"eks:DisassociateIdentityProviderConfig", "eks:AssociateIdentityProviderConfig"}),
    "instance-state": ("A21", MOTO, {"ec2:StopInstances", "ec2:StartInstances"}),
    "instance-termination": ("A21", MOTO, {"ec2:TerminateInstances"}),
    "repository-tags": ("A23", MOTO, {"ecr:PutImageTagMutability"}),
    "repository-image": ("A23", MOTO, {"ecr:BatchDeleteImage", "ecr:PutImage"}),
}
# No states of things, so not in the table.
OTHERS = {"A01": "describing: every step reads before and after", "A22": "AWS's own runbooks: not started by the program"}


class Catalogue(Case):
    def test_no_action_is_missing(self):
        """What the program says that it can change is what is in the table; what is in the table was applied and undone by the tests
        above, killed at every change, with all its calls."""
        listed = subprocess.run([EKSHUME, "respond", "resources", "--format", "json"], capture_output=True, text=True, check=True).stdout
        resources = {row["resource"]: row for row in json.loads(listed)}
        self.assertEqual(set(CATALOGUE), set(resources))
        facts = {fact.rstrip("b") for row in CATALOGUE.values() for fact in row[0].split()} | set(OTHERS)
        self.assertEqual(facts, {f"A{number:02}" for number in range(1, 24)})
        if Actions.ran != set(unittest.defaultTestLoader.getTestCaseNames(Actions)):
            self.skipTest("the tests of the actions did not all run before")
        for name, (_, _, calls) in CATALOGUE.items():
            with self.subTest(name):
                self.assertEqual(made_for[name], calls)
                back = {"undone", "undone after kills"} if resources[name]["undo"] == "puts the state back" else set()
                self.assertEqual(seen[name], {"done", "done after kills"} | back)


if __name__ == "__main__":
    aws.skip_without_moto()
    unittest.main(verbosity=2)
