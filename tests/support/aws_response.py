# SPDX-License-Identifier: Apache-2.0
"""`ekshume respond` in AWS for tests: plans, applies and undoes against moto's server and what the proxy of aws_control.py plays in the
place of what moto lacks; killed (-9) at every change where a test asks for it. Notes which things were changed and put back."""
import collections
import json
import re
import subprocess

import aws
import aws_control
from aws_control import role_arn
from ekshume import EKSHUME, ROOT, Case, work_folder

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Federated": f"arn:aws:iam::{aws.ACCOUNT}:oidc-provider/{ISSUER}"}, "Action": "sts:AssumeRoleWithWebIdentity",
     "Condition": {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"}}},
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}

# What the journals of this run say: for each kind of thing what became of it ("done", "undone", "undone after a kill", ...), and the
# calls that were made for it.
seen = collections.defaultdict(set)
made_for = collections.defaultdict(set)


def note_journal(path, after_kills=False):
    """Notes what a journal says that was changed and put back; what was so already does not count."""
    begun = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        record = json.loads(line)
        if record["event"] in ("begun", "undo_begun") and "requests" in record:
            begun[record["step"]] = record.get("resource") or begun[record["step"]]
            made_for[begun[record["step"]]].update(request["call"] for request in record["requests"])
        elif record["event"] in ("done", "undone") and record["step"] in begun and "nothing_to_do" not in record:
            seen[begun[record["step"]]].update({record["event"]} | ({f"{record['event']} after kills"} if after_kills else set()))


def policy_actions(name):
    """What a policy of deploy/iam allows."""
    allowed = set()
    for statement in json.loads((ROOT / "deploy/iam" / name).read_text())["Statement"]:
        if statement["Effect"] == "Allow":
            actions = statement["Action"]
            allowed.update([actions] if isinstance(actions, str) else actions)
    return allowed


def without_moments(state):
    """A state without the moments at which sessions were revoked."""
    return re.sub(r'("aws:TokenIssueTime": )"[^"]+"', r"\1null", json.dumps(state, sort_keys=True, default=str))


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
        allowed = policy_actions("respond.json") | policy_actions("eradicate.json")
        self.assertEqual(asked - allowed, set(), "calls that the policies of deploy/iam do not allow")

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

    def enable(self, path, is_wanted):
        """Writes into each step of a plan whether it is enabled; `is_wanted` is asked with its id and how it is. Has it approved."""
        lines, current = path.read_text().split("\n"), ""
        for number, line in enumerate(lines):
            if line.startswith("  - id: "):
                current = line[8:]
            if line.startswith("    enabled: "):
                lines[number] = f"    enabled: {str(is_wanted(current, line.endswith('true'))).lower()}"
        path.write_text("\n".join(lines))
        self.run_verb("approve", path, "--operator", "bob")

    def enable_all(self, path, but=()):
        """Every step that a plan leaves to people, but those named."""
        self.enable(path, lambda step, enabled: enabled or not step.startswith(tuple(but)))

    def apply(self, path, *arguments, **more):
        run = self.run_verb("apply", path, "--operator", "carol", "--yes", *arguments, **more)
        note_journal(path.with_suffix(".jsonl"))
        return run

    def undo(self, path, *arguments, **more):
        run = self.run_verb("undo", path, "--operator", "carol", "--yes", *arguments, **more)
        note_journal(path.with_suffix(".jsonl"))
        return run

    def states(self, path):
        return {row["step"]: row["state"] for row in json.loads(self.run_verb("show", path, "--format", "json").stdout)}

    def run_killed(self, verb, path, *arguments):
        """The same command again and again, killed (-9) before each request that changes something, which then is not made, and after
        each, whose answer it does not get; until it ends by itself."""
        self.proxy.kills_changes, self.proxy.kill_next = True, "before"
        kills, changes = 0, len(self.proxy.changes)
        while True:
            self.proxy.victim = None
            self.proxy.victim = process = self.start(verb, path, "--operator", "carol", "--yes", *arguments)
            out, err = process.communicate(timeout=300)
            if process.returncode != -9:
                break
            kills += 1
            self.assertLess(kills, 400, "it goes on and on")
        self.proxy.kills_changes = False
        self.assertEqual(process.returncode, 0, f"{verb}\n{out}\n{err}")
        note_journal(path.with_suffix(".jsonl"), after_kills=True)
        made = self.proxy.changes[changes:]
        self.assertEqual(kills, 2 * len(made), "each change was killed before and after, and made once")
        return sorted(made)

    def assert_round_trip(self, path, state, *arguments):
        """Applies all that is enabled and undoes it, killed at every change, and once more without: both end in the same states, that of
        undo is the one from before, and nothing is done twice."""
        before = state()
        dry = self.run_verb("apply", path, "--operator", "carol")
        self.assertIn("nothing was changed", dry.stderr)
        self.assertEqual(state(), before)
        self.assertEqual(self.proxy.changes, [])
        made = self.run_killed("apply", path, *arguments)
        applied = state()
        self.assertNotEqual(applied, before)
        self.apply(path, *arguments)
        self.assertEqual(sorted(self.proxy.changes), made, "done twice")
        unmade = self.run_killed("undo", path)
        self.assertEqual(state(), before)
        self.undo(path)
        self.assertEqual(state(), before)
        path.with_suffix(".jsonl").unlink()
        self.proxy.changes.clear()
        self.apply(path, *arguments)
        # What is evidence stays and is found again.
        self.assertEqual(sorted(self.proxy.changes), [c for c in made if c != "ec2:CreateSnapshots"])
        self.assertEqual(without_moments(state()), without_moments(applied))
        self.proxy.changes.clear()
        self.undo(path)
        self.assertEqual(sorted(self.proxy.changes), unmade)
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
                           for n in ("disableApiTermination", "disableApiStop", "instanceInitiatedShutdownBehavior")},
            "state": described["State"]["Name"],
            "volumes": {m["DeviceName"]: m["Ebs"]["DeleteOnTermination"] for m in described["BlockDeviceMappings"]},
            "metadata": {k: described["MetadataOptions"][k] for k in ("HttpTokens", "HttpPutResponseHopLimit")},
            "groups": sorted(g["GroupName"] for g in ec2.describe_network_interfaces(NetworkInterfaceIds=[i["interface"]])["NetworkInterfaces"][0]["Groups"]),
            "all groups": sorted(g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]),
            "suspended": sorted(p["ProcessName"] for p in group["SuspendedProcesses"]),
            "member": [(m["LifecycleState"], m["ProtectedFromScaleIn"]) for m in group["Instances"] if m["InstanceId"] == i["id"]],
            "acl": sorted((e["RuleNumber"], e["Egress"], e["RuleAction"]) for e in acl["Entries"]),
            "profile": [p["IamInstanceProfile"]["Arn"] for p in profiles["IamInstanceProfileAssociations"]],
            # moto forgets the instance of an address that is given to an interface.
            "address": address.get("NetworkInterfaceId") or None,
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
