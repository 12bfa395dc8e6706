#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ekshume respond` in AWS: every action applied and undone with the state compared, against moto's server and what the proxy of
tests/support/aws_control.py plays in the place of what moto lacks. Also: kill -9 at every request, two people, missing permissions,
changes by others, and credentials that have expired."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import aws  # noqa: E402
import aws_control  # noqa: E402
from aws_control import role_arn  # noqa: E402
from ekshume import EKSHUME, ROOT, Case, work_folder  # noqa: E402

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Federated": f"arn:aws:iam::{aws.ACCOUNT}:oidc-provider/{ISSUER}"}, "Action": "sts:AssumeRoleWithWebIdentity",
     "Condition": {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"}}},
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
DESTROYS = ("stop-instance", "terminate-instance", "delete-image", "delete-password")


def allowed_actions():
    """What the policies of deploy/iam let responders and eradicators do."""
    allowed = set()
    for name in ("respond.json", "eradicate.json"):
        for statement in json.loads((ROOT / "deploy/iam" / name).read_text())["Statement"]:
            if statement["Effect"] == "Allow":
                allowed.update(statement["Action"])
    return allowed


class Cloud(Case):
    @classmethod
    def setUpClass(cls):
        cls.moto = aws.Moto()
        cls.proxy = aws_control.ControlProxy(cls.moto)
        cls.client = staticmethod(cls.moto.client)

    def setUp(self):
        self.proxy.reset()
        self.folder = work_folder() / self.id().rsplit(".", 1)[1]
        self.folder.mkdir()
        self.case = self.folder / "case"

    def tearDown(self):
        self.assertEqual(self.proxy.signature_errors, [])
        asked = {a for a in self.proxy.actions if not a.startswith(("None:", "imds:", "sts:GetCallerIdentity"))}
        self.assertEqual(asked - allowed_actions(), set(), "calls that the policies of deploy/iam do not allow")

    def start(self, *arguments, **environment):
        return subprocess.Popen([EKSHUME, "respond", *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=self.proxy.environment(**environment))

    def run_verb(self, *arguments, code=0, **environment):
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=300)
        self.assertEqual(process.returncode, code, f"{arguments}\n{out}\n{err}")
        return subprocess.CompletedProcess(arguments, code, out, err)

    def plan(self, target, *arguments, name="case", **more):
        case = self.folder / name
        run = self.run_verb("plan", target, "--case", case, "--operator", "alice", "--format", "json", *arguments, **more)
        (path,) = (case / "respond").glob("*.yaml")
        return path, {row["step"]: row for row in json.loads(run.stdout)}, run

    def enable_all(self, path, but=()):
        """Every step that a plan leaves to people, but those named."""
        lines, current = path.read_text().split("\n"), ""
        for number, line in enumerate(lines):
            if line.startswith("  - id: "):
                current = line[8:]
            if line == "    enabled: false" and not current.startswith(tuple(but)):
                lines[number] = "    enabled: true"
        path.write_text("\n".join(lines))
        self.run_verb("approve", path, "--operator", "bob")

    def apply(self, path, *arguments, **more):
        return self.run_verb("apply", path, "--operator", "carol", "--yes", *arguments, **more)

    def undo(self, path, *arguments, **more):
        return self.run_verb("undo", path, "--operator", "carol", "--yes", *arguments, **more)

    def states(self, path):
        return {row["step"]: row["state"] for row in json.loads(self.run_verb("show", path, "--format", "json").stdout)}

    def assert_round_trip(self, path, state, different=True):
        """Applies all that is enabled, twice, and undoes it: the state is as before, and nothing was done twice."""
        before = state()
        dry = self.run_verb("apply", path, "--operator", "carol")
        self.assertIn("nothing was changed", dry.stderr)
        self.assertEqual(state(), before)
        self.assertEqual(self.proxy.changes, [])
        self.apply(path)
        applied = state()
        if different:
            self.assertNotEqual(applied, before)
        changes = list(self.proxy.changes)
        self.apply(path)
        self.assertEqual(self.proxy.changes, changes, "done twice")
        self.undo(path)
        self.assertEqual(state(), before)
        self.undo(path)
        self.assertEqual(state(), before)
        return applied

    # --- things in moto -----------------------------------------------------------------------------

    def make_role(self, name, trust=TRUST):
        iam = self.client("iam")
        try:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        except iam.exceptions.EntityAlreadyExistsException:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(POLICY))

    def role_state(self, name):
        iam = self.client("iam")
        names = iam.list_role_policies(RoleName=name)["PolicyNames"]
        return {"trust": iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"],
                "policies": {n: iam.get_role_policy(RoleName=name, PolicyName=n)["PolicyDocument"] for n in names}}

    def make_instance(self, role="node", tags=()):
        ec2, iam = self.client("ec2"), self.client("iam")
        self.make_role(role)
        try:
            iam.create_instance_profile(InstanceProfileName=role)
            iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
        except iam.exceptions.EntityAlreadyExistsException:
            pass
        subnet = ec2.describe_subnets()["Subnets"][0]
        autoscaling = self.client("autoscaling")
        name = f"group-{len(autoscaling.describe_auto_scaling_groups()['AutoScalingGroups'])}"
        image = ec2.describe_images()["Images"][0]["ImageId"]
        template = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": image, "InstanceType": "t3.large"})
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=0, MaxSize=5, DesiredCapacity=1, VPCZoneIdentifier=subnet["SubnetId"],
            LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"]})
        group = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
        instance = group["Instances"][0]["InstanceId"]
        ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Name": role})
        ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="optional", HttpPutResponseHopLimit=2)
        interface = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["NetworkInterfaces"][0]["NetworkInterfaceId"]
        address = ec2.allocate_address(Domain="vpc")
        ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=instance)
        if tags:
            ec2.create_tags(Resources=[instance], Tags=list(tags))
        balancing = self.client("elbv2")
        targets = balancing.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=subnet["VpcId"], TargetType="instance")
        arn = targets["TargetGroups"][0]["TargetGroupArn"]
        balancing.register_targets(TargetGroupArn=arn, Targets=[{"Id": instance, "Port": 8080}])
        return {"id": instance, "role": role, "group": name, "interface": interface, "address": address["AllocationId"], "targets": arn,
                "subnet": subnet["SubnetId"]}

    def instance_state(self, i):
        ec2, autoscaling = self.client("ec2"), self.client("autoscaling")
        described = ec2.describe_instances(InstanceIds=[i["id"]])["Reservations"][0]["Instances"][0]
        group = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[i["group"]])["AutoScalingGroups"][0]
        acl = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [i["subnet"]]}])["NetworkAcls"][0]
        profiles = ec2.describe_iam_instance_profile_associations(Filters=[{"Name": "instance-id", "Values": [i["id"]]}])
        address = ec2.describe_addresses(AllocationIds=[i["address"]])["Addresses"][0]
        health = self.client("elbv2").describe_target_health(TargetGroupArn=i["targets"])["TargetHealthDescriptions"]
        return {
            "attributes": {n: next(v["Value"] for k, v in ec2.describe_instance_attribute(InstanceId=i["id"], Attribute=n).items()
                                   if isinstance(v, dict) and "Value" in v)
                           for n in ("disableApiTermination", "instanceInitiatedShutdownBehavior")},
            "state": described["State"]["Name"],
            "volumes": {m["DeviceName"]: m["Ebs"]["DeleteOnTermination"] for m in described["BlockDeviceMappings"]},
            "metadata": {k: described["MetadataOptions"][k] for k in ("HttpTokens", "HttpPutResponseHopLimit")},
            "groups": sorted(g["GroupId"] for g in ec2.describe_network_interfaces(NetworkInterfaceIds=[i["interface"]])["NetworkInterfaces"][0]["Groups"]),
            "all groups": sorted(g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]),
            "suspended": sorted(p["ProcessName"] for p in group["SuspendedProcesses"]),
            "member": [(m["LifecycleState"], m["ProtectedFromScaleIn"]) for m in group["Instances"] if m["InstanceId"] == i["id"]],
            "acl": sorted((e["RuleNumber"], e["Egress"], e["RuleAction"]) for e in acl["Entries"]),
            "profile": [p["IamInstanceProfile"]["Arn"] for p in profiles["IamInstanceProfileAssociations"]],
            "address": (address.get("InstanceId"), address.get("NetworkInterfaceId")),
            "targets": [(t["Target"]["Id"], t["Target"]["Port"]) for t in health if t["TargetHealth"]["State"] != "unused"],
            "role": self.role_state(i["role"]),
        }

    def make_cluster(self, name):
        ec2 = self.client("ec2")
        self.client("eks").create_cluster(
            name=name, roleArn=role_arn("eks"), resourcesVpcConfig={
                "subnetIds": [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"][:2]], "endpointPublicAccess": True,
                "endpointPrivateAccess": False, "publicAccessCidrs": ["0.0.0.0/0"]},
            logging={"clusterLogging": [{"types": ["audit"], "enabled": True}]})


class Actions(Cloud):
    def test_an_instance_and_back(self):
        i = self.make_instance()
        path, steps, _ = self.plan(f"instance/{i['id']}", "--share-with", "210987654321", "--lock-days", "7")
        self.assertEqual([row["phase"] for row in steps.values()], sorted((row["phase"] for row in steps.values()), key=[
            "record", "shield", "save", "identity", "capture", "detach", "network", "verify", "disk", "eradicate"].index))
        self.assertEqual([row["missing"] for row in steps.values()], [""] * len(steps))
        # Standing by and leaving the group exclude each other, and what ends the instance comes in tests of their own.
        self.enable_all(path, but=(*DESTROYS, "stand-by"))
        applied = self.assert_round_trip(path, lambda: self.instance_state(i))
        self.assertEqual(applied["attributes"], {"disableApiTermination": True, "instanceInitiatedShutdownBehavior": "stop"})
        self.assertEqual(set(applied["volumes"].values()), {False})
        self.assertEqual(applied["metadata"], {"HttpTokens": "required", "HttpPutResponseHopLimit": 1})
        self.assertEqual(applied["suspended"], ["AZRebalance", "ReplaceUnhealthy", "Terminate"])
        self.assertEqual((applied["member"], applied["profile"], applied["address"], applied["targets"]), ([], [], (None, None), []))
        self.assertEqual([e[2] for e in applied["acl"] if e[0] == 1], ["deny", "deny"])
        denial = next(d for n, d in applied["role"]["policies"].items() if n.endswith("-instance"))
        self.assertEqual(denial["Statement"][0]["Condition"], {"StringLike": {"aws:userid": f"*:{i['id']}"}})
        # The snapshots stay: they are evidence. Their locks and permissions were put back.
        ec2 = self.client("ec2")
        snapshots = [s for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] if i["id"] in s["Description"]]
        self.assertEqual(len(snapshots), len(applied["volumes"]))
        self.assertEqual(self.proxy.locks, {})
        for action in ("ec2:LockSnapshot", "ec2:UnlockSnapshot"):
            self.assertEqual(self.proxy.changes.count(action), len(snapshots))
        self.assertEqual(self.proxy.changes.count("ec2:CreateSnapshots"), 1)
        self.assertEqual(self.proxy.changes.count("ec2:ModifySnapshotAttribute"), 2 * len(snapshots))

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
        (group,) = ec2.describe_security_groups(GroupIds=state()["groups"])["SecurityGroups"]
        self.assertEqual(sorted((p["FromPort"], p["UserIdGroupPairs"][0]["GroupId"]) for p in group["IpPermissions"]), [(443, control), (10250, control)])
        self.assertEqual([(p["FromPort"], p["UserIdGroupPairs"][0]["GroupId"]) for p in group["IpPermissionsEgress"]], [(443, control)])
        self.undo(path)
        self.assertEqual(state(), before)

    def test_standing_by_and_stopping(self):
        i = self.make_instance()
        path, _, _ = self.plan(f"instance/{i['id']}")
        self.run_verb("approve", path, "--operator", "bob")
        before = self.instance_state(i)
        refused = self.apply(path, "--step", "stand-by", code=3)
        self.assertIn("not enabled", refused.stderr)
        self.enable_all(path)
        self.apply(path, "--step", "stand-by")
        self.assertEqual(self.instance_state(i)["member"], [("Standby", False)])
        refused = self.apply(path, "--step", "stop-instance", code=3)
        self.assertIn(f"--confirm instance/{i['id']}", refused.stderr)
        self.assertEqual(self.instance_state(i)["state"], "running")
        self.apply(path, "--step", "stop-instance", "--confirm", f"instance/{i['id']}")
        self.assertEqual(self.instance_state(i)["state"], "stopped")
        self.undo(path)
        self.assertEqual(self.instance_state(i), before)
        self.apply(path, "--step", "terminate-instance", "--confirm", f"instance/{i['id']}")
        self.assertEqual(self.instance_state(i)["state"], "terminated")
        self.assertIn("cannot be undone", self.undo(path, "--step", "terminate-instance", code=3).stderr)

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
        self.apply(path, "--step", "delete-password")
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
        # Policies one by one, before the entry.
        self.proxy.reset()
        path, steps, _ = self.plan(f"access-entry/prod/{arn}", name="policies")
        self.apply(path, "--step", "delete-access-entry")
        self.undo(path)
        self.enable_all(path, but=("delete-access-entry",))
        before = json.dumps(self.proxy.entries[("prod", arn)], sort_keys=True)
        self.apply(path, "--step", "take-access-policy", "--step", "take-access-policy-2")
        self.assertEqual(self.proxy.entries[("prod", arn)]["policies"], {})
        self.undo(path)
        self.assertEqual(json.dumps(self.proxy.entries[("prod", arn)], sort_keys=True), before)
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
        before = state()
        self.enable_all(path)
        refused = self.apply(path, code=3)
        self.assertIn("--confirm", refused.stderr)
        self.apply(path, "--confirm", f"ecr-image/shop/web@{digest}")
        self.assertEqual(state(), {"tags": "IMMUTABLE", "images": []})
        journal = next((self.folder / "case/respond").glob("*.jsonl")).read_text()
        self.assertIn(json.dumps(manifest)[1:60], journal)
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

    def test_a_plan_of_another_account_is_refused(self):
        self.make_role("elsewhere")
        path, _, _ = self.plan("role/elsewhere")
        path.write_text(path.read_text().replace(f"account: {aws.ACCOUNT}", "account: 210987654321"))
        refused = self.apply(path, code=2)
        self.assertIn("is for the AWS account 210987654321", refused.stderr)


if __name__ == "__main__":
    aws.skip_without_moto()
    unittest.main(verbosity=2)
