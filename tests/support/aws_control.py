# SPDX-License-Identifier: Apache-2.0
"""The part of AWS that containment changes: moto's server behind the proxy of aws.py, which plays what moto lacks (Pod Identity,
access entries and identity providers of EKS, locks of snapshots, IAM's simulation, EC2's dry runs), and can kill the program under test
before a request or before its answer."""
import json
import re
import signal
import threading
import time
import urllib.parse

import aws
from aws import ACCOUNT, error_body

JSON = {"Content-Type": "application/json"}
XML = {"Content-Type": "text/xml"}
EKS = [
    (r"GET /clusters", "ListClusters"),
    (r"GET /clusters/[^/]+", "DescribeCluster"),
    (r"POST /clusters/[^/]+/update-config", "UpdateClusterConfig"),
    (r"GET /clusters/[^/]+/pod-identity-associations", "ListPodIdentityAssociations"),
    (r"POST /clusters/[^/]+/pod-identity-associations", "CreatePodIdentityAssociation"),
    (r"GET /clusters/[^/]+/pod-identity-associations/[^/]+", "DescribePodIdentityAssociation"),
    (r"DELETE /clusters/[^/]+/pod-identity-associations/[^/]+", "DeletePodIdentityAssociation"),
    (r"POST /clusters/[^/]+/access-entries", "CreateAccessEntry"),
    (r"GET /clusters/[^/]+/access-entries/[^/]+", "DescribeAccessEntry"),
    (r"DELETE /clusters/[^/]+/access-entries/[^/]+", "DeleteAccessEntry"),
    (r"GET /clusters/[^/]+/access-entries/[^/]+/access-policies", "ListAssociatedAccessPolicies"),
    (r"POST /clusters/[^/]+/access-entries/[^/]+/access-policies", "AssociateAccessPolicy"),
    (r"DELETE /clusters/[^/]+/access-entries/[^/]+/access-policies/[^/]+", "DisassociateAccessPolicy"),
    (r"GET /clusters/[^/]+/identity-provider-configs", "ListIdentityProviderConfigs"),
    (r"POST /clusters/[^/]+/identity-provider-configs/describe", "DescribeIdentityProviderConfig"),
    (r"POST /clusters/[^/]+/identity-provider-configs/associate", "AssociateIdentityProviderConfig"),
    (r"POST /clusters/[^/]+/identity-provider-configs/disassociate", "DisassociateIdentityProviderConfig"),
]
READING = re.compile(r"\w+:(Describe|Get|List|BatchGet|Simulate)\w+")


def members(values):
    return "".join(f"<member>{v}</member>" for v in values)


class ControlProxy(aws.Proxy):
    """Besides Proxy: `denied` holds IAM actions that neither the simulation nor the service allows; `simulates` False denies the
    simulation itself; `kills_changes` kills `victim` before and after each request that changes something, `kill_at` (number of a request, "before" or "after") and `victim` kill a process then."""

    def __init__(self, moto):
        super().__init__(moto)
        self.denied, self.simulates = set(), True
        self.associations, self.entries, self.providers, self.locks = {}, {}, {}, {}
        self.made = 0
        self.number, self.kill_at, self.victim = 0, None, None
        self.kills_changes, self.kill_next = False, "before"
        self.changes = []  # what was done: "service:Action"
        for name in [name for _, name in EKS[3:]]:
            self.handlers[f"eks:{name}"] = getattr(self, "eks_" + name)
        self.handlers["eks:UpdateClusterConfig"] = self.update_cluster
        for name in ("LockSnapshot", "UnlockSnapshot", "DescribeLockedSnapshots"):
            self.handlers[f"ec2:{name}"] = getattr(self, "ec2_" + name)
        self.handlers["iam:SimulatePrincipalPolicy"] = self.simulate

    def reset(self):
        super().reset()
        with self.lock:
            self.denied, self.simulates, self.changes = set(), True, []
            self.number, self.kill_at, self.victim = 0, None, None
            self.kills_changes = False

    def action_of(self, request, service):
        if service == "eks":
            path = f"{request.command} {urllib.parse.urlsplit(request.path).path}"
            return "eks:" + next((name for pattern, name in EKS if re.fullmatch(pattern, path)), path)
        return super().action_of(request, service)

    # --- the kill ---------------------------------------------------------------------------------

    def serve(self, request):
        with self.lock:
            self.number += 1
            due = self.kill_at if self.kill_at and self.kill_at[0] == self.number else None
            if self.kills_changes and self.is_change(request, self.action_of(request, self.scope_of(request)[3])):
                due = (self.number, self.kill_next)
                self.kill_next = "after" if due[1] == "before" else "before"
        if due is None:
            return super().serve(request)
        while self.victim is None:  # it is being started
            time.sleep(0.01)
        if due[1] == "after":
            answered = threading.Event()
            request.answer = lambda *_: answered.set()
            super().serve(request)
        self.victim.send_signal(signal.SIGKILL)
        self.victim.wait()
        return request.drop()

    def answer(self, request, action):
        return self.unless_denied(request, action, super().answer)

    @staticmethod
    def is_change(request, action):
        return b"DryRun=true" not in request.body and not READING.fullmatch(action) and not action.startswith(("sts:", "None:"))

    def unless_denied(self, request, action, work):
        service = action.split(":")[0]
        if action in self.denied:
            code = {"ec2": "UnauthorizedOperation", "iam": "AccessDenied", "autoscaling": "AccessDenied"}.get(service, "AccessDeniedException")
            return self.error(service, 403, code, f"User is not authorized to perform: {action}")
        if service == "ec2" and b"DryRun=true" in request.body:
            return self.error("ec2", 412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        if self.is_change(request, action):
            with self.lock:
                self.changes.append(action)
        return work(request, action)

    @staticmethod
    def error(service, status, code, message):
        return error_body("sts" if service in ("iam", "autoscaling", "elasticloadbalancing") else service, status, code, message)

    # --- what moto lacks --------------------------------------------------------------------------

    def simulate(self, request):
        if not self.simulates:
            return self.error("iam", 403, "AccessDenied", "User is not authorized to perform: iam:SimulatePrincipalPolicy")
        form = urllib.parse.parse_qs(request.body.decode())
        actions = [v[0] for k, v in sorted(form.items()) if k.startswith("ActionNames.member.")]
        results = "".join(f"<member><EvalActionName>{a}</EvalActionName><EvalDecision>{'implicitDeny' if a in self.denied else 'allowed'}"
                          "</EvalDecision><MissingContextValues/></member>" for a in actions)
        return 200, XML, (f"<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults>{results}</EvaluationResults>"
                          "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>").encode()

    def ec2(self, request, action, work):
        return self.unless_denied(request, "ec2:" + action, lambda r, _: work({k: v[0] for k, v in urllib.parse.parse_qs(r.body.decode()).items()}))

    def ec2_LockSnapshot(self, request):
        def work(form):
            self.locks[form["SnapshotId"]] = {"lockState": form["LockMode"], "lockDuration": form["LockDuration"]}
            return 200, XML, b"<LockSnapshotResponse/>"
        return self.ec2(request, "LockSnapshot", work)

    def ec2_UnlockSnapshot(self, request):
        def work(form):
            if self.locks.pop(form["SnapshotId"], None) is None:
                return error_body("ec2", 400, "SnapshotLock.NotFound", "not locked")
            return 200, XML, b"<UnlockSnapshotResponse/>"
        return self.ec2(request, "UnlockSnapshot", work)

    def ec2_DescribeLockedSnapshots(self, request):
        def work(form):
            lock = self.locks.get(form["SnapshotId.1"])
            inner = "".join(f"<{k}>{v}</{k}>" for k, v in lock.items()) if lock else ""
            item = f"<item><snapshotId>{form['SnapshotId.1']}</snapshotId>{inner}</item>" if lock else ""
            return 200, XML, f"<DescribeLockedSnapshotsResponse><snapshotSet>{item}</snapshotSet></DescribeLockedSnapshotsResponse>".encode()
        return self.ec2(request, "DescribeLockedSnapshots", work)

    def eks(self, request, action, work):
        def answer(r, _):
            url = urllib.parse.urlsplit(r.path)
            parts = [urllib.parse.unquote(p) for p in url.path.split("/")[2:]]
            body = json.loads(r.body) if r.body else {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
            found = work(parts, body)
            if found is None:
                return error_body("eks", 404, "ResourceNotFoundException", "The resource is not there")
            return 200, JSON, json.dumps(found).encode()
        return self.unless_denied(request, "eks:" + action, answer)

    def update_cluster(self, request):
        """moto replaces whole blocks, and loses the endpoint."""
        def work(parts, body):
            client = self.moto.client("eks")
            now = client.describe_cluster(name=parts[0])["cluster"]
            if "logging" in body:
                state = {t: g["enabled"] for g in now.get("logging", {}).get("clusterLogging", []) for t in g["types"]}
                state.update({t: g["enabled"] for g in body["logging"]["clusterLogging"] for t in g["types"]})
                groups = [{"types": sorted(t for t in state if state[t] is on), "enabled": on} for on in (True, False)]
                client.update_cluster_config(name=parts[0], logging={"clusterLogging": [g for g in groups if g["types"]]})
            if "resourcesVpcConfig" in body:
                client.update_cluster_config(name=parts[0], resourcesVpcConfig={**now["resourcesVpcConfig"], **body["resourcesVpcConfig"]})
            return {"update": {"id": "u-1", "status": "InProgress"}}
        return self.eks(request, "UpdateClusterConfig", work)

    def eks_ListPodIdentityAssociations(self, request):
        return self.eks(request, "ListPodIdentityAssociations", lambda parts, query: {"associations": [
            {k: a[k] for k in ("clusterName", "namespace", "serviceAccount", "associationId")} for a in self.associations.values()
            if a["clusterName"] == parts[0] and all(query.get(k, a[k]) == a[k] for k in ("namespace", "serviceAccount"))]})

    def eks_CreatePodIdentityAssociation(self, request):
        def work(parts, body):
            self.made += 1
            made = {**body, "clusterName": parts[0], "associationId": f"a-{self.made:08}"}
            self.associations[made["associationId"]] = made
            return {"association": made}
        return self.eks(request, "CreatePodIdentityAssociation", work)

    def eks_DescribePodIdentityAssociation(self, request):
        return self.eks(request, "DescribePodIdentityAssociation", lambda parts, _: self.associations.get(parts[2]) and {"association": self.associations[parts[2]]})

    def eks_DeletePodIdentityAssociation(self, request):
        def work(parts, _):
            gone = self.associations.pop(parts[2], None)
            return gone and {"association": gone}
        return self.eks(request, "DeletePodIdentityAssociation", work)

    def eks_CreateAccessEntry(self, request):
        def work(parts, body):
            entry = {"username": body["principalArn"], "type": "STANDARD", "kubernetesGroups": [], "tags": {}, **body, "clusterName": parts[0], "policies": {}}
            self.entries[(parts[0], body["principalArn"])] = entry
            return {"accessEntry": entry}
        return self.eks(request, "CreateAccessEntry", work)

    def entry_of(self, parts):
        return self.entries.get((parts[0], parts[2]))

    def eks_DescribeAccessEntry(self, request):
        def work(parts, _):
            entry = self.entry_of(parts)
            return entry and {"accessEntry": {k: v for k, v in entry.items() if k != "policies"}}
        return self.eks(request, "DescribeAccessEntry", work)

    def eks_DeleteAccessEntry(self, request):
        return self.eks(request, "DeleteAccessEntry", lambda parts, _: {} if self.entries.pop((parts[0], parts[2]), None) else None)

    def eks_ListAssociatedAccessPolicies(self, request):
        def work(parts, _):
            entry = self.entry_of(parts)
            return entry and {"associatedAccessPolicies": [{"policyArn": a, "accessScope": s, "associatedAt": 1.0} for a, s in entry["policies"].items()]}
        return self.eks(request, "ListAssociatedAccessPolicies", work)

    def eks_AssociateAccessPolicy(self, request):
        def work(parts, body):
            entry = self.entry_of(parts)
            if entry:
                entry["policies"][body["policyArn"]] = body["accessScope"]
            return entry and {}
        return self.eks(request, "AssociateAccessPolicy", work)

    def eks_DisassociateAccessPolicy(self, request):
        def work(parts, _):
            entry = self.entry_of(parts)
            return {} if entry and entry["policies"].pop(parts[4], None) else None
        return self.eks(request, "DisassociateAccessPolicy", work)

    def eks_ListIdentityProviderConfigs(self, request):
        return self.eks(request, "ListIdentityProviderConfigs", lambda parts, _: {
            "identityProviderConfigs": [{"type": "oidc", "name": name} for cluster, name in self.providers if cluster == parts[0]]})

    def eks_DescribeIdentityProviderConfig(self, request):
        def work(parts, body):
            oidc = self.providers.get((parts[0], body["identityProviderConfig"]["name"]))
            return oidc and {"identityProviderConfig": {"oidc": oidc}}
        return self.eks(request, "DescribeIdentityProviderConfig", work)

    def eks_AssociateIdentityProviderConfig(self, request):
        def work(parts, body):
            self.providers[(parts[0], body["oidc"]["identityProviderConfigName"])] = {**body["oidc"], "tags": body.get("tags", {}), "status": "ACTIVE"}
            return {"update": {}}
        return self.eks(request, "AssociateIdentityProviderConfig", work)

    def eks_DisassociateIdentityProviderConfig(self, request):
        return self.eks(request, "DisassociateIdentityProviderConfig", lambda parts, body: {"update": {}} if self.providers.pop(
            (parts[0], body["identityProviderConfig"]["name"]), None) else None)


def role_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"
