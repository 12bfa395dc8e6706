# SPDX-License-Identifier: Apache-2.0
"""Rows of real logs against an independent reading of the same files: who did what to what, from where, when, and
how it ended, record by record, with Python's json and nothing of ekshume's."""
import collections
import datetime
import gzip
import json
import pathlib
import re
import shlex
import sys
import urllib.parse
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

LOGS = ekshume.SHARED / "logs"
NODE = ekshume.SHARED / "evidence/node-k8s/logs"
if not LOGS.is_dir() or not NODE.is_dir():
    ekshume.skip_all(f"{LOGS} or {NODE} is not there; set EKSHUME_SHARED")


def nanoseconds(text):
    """RFC 3339 -> nanoseconds since 1970."""
    if not text:
        return None
    text = text.strip().replace(" ", "T")
    zone = 0
    if text.endswith("Z"):
        text = text[:-1]
    elif len(text) > 6 and text[-6] in "+-" and text[-3] == ":":
        zone = (int(text[-5:-3]) * 60 + int(text[-2:])) * (60 if text[-6] == "+" else -60)
        text = text[:-6]
    whole, _, fraction = text.partition(".")
    moment = datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return (int(moment.timestamp()) - zone) * 10**9 + int((fraction + "000000000")[:9])


def json_values(text):
    """All JSON values of a text, one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while True:
        while at < len(text) and text[at] in " \r\n\t":
            at += 1
        if at == len(text):
            return
        value, at = decoder.raw_decode(text, at)
        yield value


def search(case, query="*"):
    return ekshume.rows("search", case, query)


def by_evidence(rows):
    """The rows of each file, in its order."""
    files = collections.defaultdict(list)
    for row in sorted(rows, key=lambda row: int(row["locator"].split("=")[1])):
        files[row["evidence"].rsplit("/", 1)[-1]].append(row)
    return files


class Truth(ekshume.Case):
    def investigate(self, name, *evidence):
        case = ekshume.work_folder() / (name + ".case")
        run = ekshume.Run("investigate", *evidence, "--case", case, "--format", "json")
        self.assertIn(run.code, (0, 1), repr(run))
        return case, json.loads(run.out)


# --- Kubernetes audit ---

STAGES = {"RequestReceived": 0, "ResponseStarted": 1, "ResponseComplete": 2, "Panic": 2}


def audit_events(text):
    for value in json_values(text):
        items = value if isinstance(value, list) else value.get("items") if str(value.get("kind")).endswith("List") else [value]
        for item in items:
            if isinstance(item, dict) and item.get("kind") == "Event" and "auditID" in item:
                yield item


def folded(events):
    """The last stage of each request, at the time of the first."""
    requests = {}
    for event in events:
        key = (event["auditID"], event["stage"])
        if key not in requests:
            requests[key] = event
    last = {}
    for (audit_id, stage), event in requests.items():
        moment = nanoseconds(event.get("stageTimestamp") or event.get("timestamp") or event["metadata"].get("creationTimestamp"))
        if stage == "RequestReceived" and event.get("requestReceivedTimestamp"):
            moment = nanoseconds(event["requestReceivedTimestamp"])
        known = last.get(audit_id)
        if known is None:
            last[audit_id] = [event, moment]
        else:
            if STAGES[stage] > STAGES[known[0]["stage"]]:
                known[0] = event
            known[1] = min(known[1], moment)
    return last


def audit_truth(event, moment):
    reference = event.get("objectRef") or {}
    user = event.get("user") or {}
    extra = user.get("extra") or {}
    status = event.get("responseStatus") or {}
    name = user.get("username", "")
    parts = name.split(":")
    resource = reference.get("resource", "")
    if reference.get("subresource"):
        resource += "/" + reference["subresource"]
    code = status.get("code") or None
    outcome = "unknown" if not code else "failure" if code >= 400 else "success"
    uri = event.get("requestURI", "")
    first = lambda key: (extra.get(key) or [None])[0]
    truth = {
        "time": moment, "action": event.get("verb"), "user_name": name or None, "object_kind": resource or "url",
        "namespace": reference.get("namespace"), "source_ip": (event.get("sourceIPs") or [None])[0],
        "user_agent": event.get("userAgent"), "status_code": code, "outcome": outcome, "record_id": event["auditID"],
        "stage": event["stage"], "access_key_id": first("accessKeyId"), "user_arn": first("arn") or first("canonicalArn"),
        "credential_id": first("authentication.kubernetes.io/credential-id"),
        "service_account": "/".join(parts[2:4]) if name.startswith("system:serviceaccount:") else None,
    }
    if not resource:
        truth["object_name"] = urllib.parse.unquote(uri.split("?")[0])
    elif reference.get("name"):
        truth["object_name"] = reference["name"]
    if resource.split("/")[0] == "pods" and reference.get("name"):
        truth["pod"] = reference["name"]
    query = urllib.parse.parse_qs(uri.partition("?")[2], keep_blank_values=True)
    if resource == "pods/exec":
        truth["argv"] = query.get("command")
        truth["container"] = (query.get("container") or [None])[0]
    return truth


class Audit(Truth):
    def check(self, name, *paths):
        events = [event for path in paths for event in audit_events(path.read_text())]
        self.assertTrue(events)
        truth = {audit_id: audit_truth(*pair) for audit_id, pair in folded(events).items()}
        case, report = self.investigate("audit-" + name, *paths)
        rows = search(case, "source:k8s_audit")
        self.assertEqual(len(truth), len(rows), "one row for each auditID")
        self.assertEqual(len(events), sum(item["records"] - item["unknown"] for item in report["events"]["items"]))
        found = {}
        for row in rows:
            expected = truth[row["record_id"]]
            values = {column: row.get(column) for column in expected if column not in ("argv", "time")}
            values["time"] = nanoseconds(row["time"])
            if "argv" in expected:
                values["argv"] = shlex.split(row["command_line"]) if row.get("command_line") else None
            found[row["record_id"]] = values
        self.assert_same(truth, found)

    def test_node(self):
        self.check("node", NODE / "kube-apiserver-audit.log")

    def test_audit2rbac(self):
        self.check("audit2rbac", LOGS / "audit2rbac/testdata/demo.log")

    def test_falco(self):
        # The same request occurs in several of Falco's files, in variants: the first one stays.
        self.check("falco", *sorted((LOGS / "falco_k8s_audit/test/trace_files/k8s_audit").glob("*.json")))

    def test_what_pods_ask_for(self):
        """privileged, host namespaces, host paths, capabilities, bindings: from the request objects."""
        events = [event for event in audit_events((NODE / "kube-apiserver-audit.log").read_text()) if event["stage"] == "ResponseComplete"]
        case, _ = self.investigate("audit-pods", NODE / "kube-apiserver-audit.log")
        rows = {row["record_id"]: row for row in search(case, "source:k8s_audit")}
        checked = collections.Counter()
        for event in events:
            kind, request = (event.get("objectRef") or {}).get("resource"), event.get("requestObject")
            tags = (rows[event["auditID"]].get("tags") or "").split()
            if not isinstance(request, dict) or event["verb"] != "create":
                continue
            if kind in ("clusterrolebindings", "rolebindings"):
                self.assertIn(f"role={request['roleRef']['name']}", [tag.replace("ClusterRole/", "").replace("Role/", "") for tag in tags], event)
                checked["bindings"] += 1
            template = request.get("spec") or {}
            while "containers" not in template and any(key in template for key in ("template", "jobTemplate", "spec")):
                template = template.get("template") or template.get("jobTemplate") or template.get("spec")
            if not isinstance(template, dict) or "containers" not in template:
                continue
            checked["pods"] += 1
            containers = template["containers"] + template.get("initContainers", [])
            contexts = [container.get("securityContext") or {} for container in containers]
            expected = {"privileged": any(context.get("privileged") for context in contexts),
                        "host_pid": bool(template.get("hostPID")), "host_network": bool(template.get("hostNetwork")),
                        "host_ipc": bool(template.get("hostIPC"))}
            for context in contexts:
                for capability in (context.get("capabilities") or {}).get("add", []):
                    expected["cap_add=" + capability] = True
            for volume in template.get("volumes", []):
                if "hostPath" in volume:
                    expected["host_path=" + volume["hostPath"]["path"]] = True
            self.assertEqual(expected, {tag: tag in tags for tag in expected}, event["auditID"])
            self.assertFalse([tag for tag in tags if tag.startswith(("host_path=", "cap_add=")) and tag not in expected])
            self.assertEqual(containers[0]["image"], rows[event["auditID"]].get("image"))
        self.assertGreater(checked["pods"], 5)
        self.assertGreater(checked["bindings"], 1)


# --- CloudTrail ---

def cloudtrail_events(text):
    for value in json_values(text):
        if isinstance(value, list):
            items = value
        elif "Records" in value:
            items = value["Records"]
        elif isinstance(value.get("detail"), dict):
            items = [value["detail"]]
        else:
            items = [value]
        for item in items:
            if isinstance(item.get("CloudTrailEvent"), str):
                item = json.loads(item["CloudTrailEvent"])
            if isinstance(item, dict) and "eventName" in item and "eventSource" in item:
                yield item


def cloudtrail_truth(event):
    identity = event.get("userIdentity") or {}
    arn = identity.get("arn")
    name = identity.get("userName")
    if identity.get("type") == "AssumedRole" and arn and not name:
        name = arn.rsplit("/", 1)[1]
    error = event.get("errorCode")
    error = None if error in ("Success", "") else error
    outcome = "failure" if error else "success"
    answers = event.get("responseElements") or {}
    if isinstance(answers, dict) and answers.get("ConsoleLogin") == "Failure":
        outcome = "failure"
    truth = {
        "time": nanoseconds(event.get("eventTime") or event["@timestamp"]), "object_kind": event["eventSource"], "region": event.get("awsRegion"),
        "source_ip": event.get("sourceIPAddress"), "user_agent": event.get("userAgent"), "user_arn": arn,
        "access_key_id": identity.get("accessKeyId"), "account_id": event.get("recipientAccountId") or identity.get("accountId"),
        "outcome": outcome, "error": error,
    }
    if name:
        truth["user_name"] = name
    credentials = answers.get("credentials") or answers.get("accessKey") if isinstance(answers, dict) else None
    truth["issued"] = credentials.get("accessKeyId") if isinstance(credentials, dict) else None
    return event["eventName"], {key: value or None for key, value in truth.items()}


class CloudTrail(Truth):
    def check(self, name, evidence, texts):
        events, count = {}, 0
        for text in texts:
            for event in cloudtrail_events(text):
                if "eventID" in event:
                    events.setdefault(event["eventID"], event)
                else:
                    count += 1
        self.assertTrue(events)
        case, report = self.investigate("trail-" + name, evidence)
        rows = search(case, "source:cloudtrail")
        self.assertEqual(count, sum(not row.get("record_id") for row in rows))
        rows = [row for row in rows if row.get("record_id")]
        self.assertEqual(len(events), len(rows), "one row for each eventID")
        self.assertEqual(len(rows) + count, sum(item["rows"] for item in report["events"]["items"] if "cloudtrail" in item["formats"]))
        truth, found = {}, {}
        for row in rows:
            action, truth[row["record_id"]] = cloudtrail_truth(events[row["record_id"]])
            expected = truth[row["record_id"]]
            self.assertTrue(action.startswith(row["action"]) and not action[len(row["action"]):].strip("0123456789v_"), (action, row["action"]))
            values = {column: row.get(column) for column in expected if column not in ("time", "issued")}
            values["time"] = nanoseconds(row["time"])
            values["issued"] = next((tag[11:] for tag in (row.get("tags") or "").split() if tag.startswith("issued_key=")), None)
            found[row["record_id"]] = values
        self.assert_same(truth, found)

    def test_stratus(self):
        folder = LOGS / "stratus_red_team/docs/detonation-logs"
        self.check("stratus", folder, [path.read_text() for path in sorted(folder.glob("*.json"))])

    def test_honeypot_in_a_zip(self):
        path = LOGS / "otrf_security_datasets/datasets/atomic/aws/collection/ec2_proxy_s3_exfiltration.zip"
        with zipfile.ZipFile(path) as archive:
            texts = [archive.read(name).decode() for name in archive.namelist() if not name.endswith("/")]
        self.check("otrf", path, texts)

    def test_lookup_events(self):
        path = LOGS / "plaso/test_data/jsonl/aws_cloudtrail.jsonl"
        self.check("lookup", path, [path.read_text()])

    def test_eventbridge(self):
        folder = LOGS / "cloud_custodian/tests/data/cwe"
        self.check("eventbridge", folder, [path.read_text() for path in sorted(folder.glob("*.json"))])


# --- GuardDuty ---

def member(value, *names):
    """A member by its name in camelCase or PascalCase."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name, value.get(name[0].upper() + name[1:]))
    return value


class GuardDuty(Truth):
    def test_findings(self):
        folders = [LOGS / "guardduty_soar/samples", LOGS / "stix_shifter"]
        findings = {}
        for folder in folders:
            for path in sorted(folder.glob("*.json")):
                value = json.loads(path.read_text())
                finding = value.get("detail", value)
                if member(finding, "id"):
                    findings[member(finding, "id")] = finding
        case, _ = self.investigate("guardduty", *folders)
        rows = {row["record_id"]: row for row in search(case, "source:guardduty")}
        truth, found = {}, {}
        for identity, finding in findings.items():
            service = member(finding, "service") or {}
            severity = member(finding, "severity")
            word = None if severity is None else "low" if severity < 4 else "medium" if severity < 7 else "high" if severity < 9 else "critical"
            truth[identity] = {"action": member(finding, "type"), "account_id": member(finding, "accountId"),
                               "region": member(finding, "region"), "severity": word,
                               "time": nanoseconds(member(service, "eventLastSeen") or member(finding, "updatedAt"))}
            row = rows.get(identity, {})
            found[identity] = {column: row.get(column) for column in truth[identity]}
            found[identity]["time"] = nanoseconds(row.get("time"))
        self.assert_same(truth, found)


# --- lines ---

class Lines(Truth):
    def test_flow_logs(self):
        paths = sorted((LOGS / "aws_docs_examples").glob("vpcflow_*.log"))
        case, _ = self.investigate("flows", *paths)
        by_file = by_evidence(search(case))
        for path in paths:
            with self.subTest(path.name):
                header, *lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
                names = [name.strip("${}") for name in header]
                rows = by_file[path.name]
                self.assertEqual(len(lines), len(rows))
                for line, row in zip(lines, rows):
                    values = {name: value for name, value in zip(names, line) if value != "-"}
                    address = {"source_ip": values.get("pkt-srcaddr") or values.get("srcaddr"),
                               "destination_ip": values.get("pkt-dstaddr") or values.get("dstaddr"),
                               "source_port": values.get("srcport"), "destination_port": values.get("dstport"),
                               "size": values.get("bytes"), "object_name": values.get("interface-id"),
                               "account_id": values.get("account-id")}
                    self.assertEqual(address, {key: None if row.get(key) is None else str(row[key]) for key in address}, line)
                    self.assertEqual(int(values["start"]) * 10**9 if "start" in values else None, nanoseconds(row.get("time")))
                    self.assertEqual(values.get("action", values.get("log-status")), row["action"])
                    self.assertEqual({"ACCEPT": "success", "REJECT": "failure"}.get(values.get("action"), "unknown"), row["outcome"])

    def test_s3_access_logs(self):
        path = LOGS / "aws_docs_examples/s3_server_access.log"
        pattern = re.compile(r'(\S+) (\S+) \[([^]]+)\] (\S+) (\S+) (\S+) (\S+) (\S+) "([^"]*)" (\S+) (\S+) (\S+) (\S+) (\S+) ')
        case, _ = self.investigate("s3", path)
        rows = by_evidence(search(case))[path.name]
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        self.assertEqual(len(lines), len(rows))
        for line, row in zip(lines, rows):
            _, bucket, moment, address, requester, request_id, operation, key, _, status, error, sent, size, _ = pattern.match(line).groups()
            said = lambda text: None if text == "-" else text
            self.assertEqual((address, requester, request_id, operation, bucket + ("" if key == "-" else "/" + key), int(status), said(error)),
                             (row["source_ip"], row["user_name"], row["record_id"], row["action"], row["object_name"], row["status_code"], row.get("error")))
            self.assertEqual(int(datetime.datetime.strptime(moment, "%d/%b/%Y:%H:%M:%S %z").timestamp()) * 10**9, nanoseconds(row["time"]))
            self.assertEqual(int(said(sent) or said(size) or 0), row.get("size") or 0)

    def test_load_balancers(self):
        path = LOGS / "plaso/test_data/aws_elb_access.log"
        case, _ = self.investigate("elb", path)
        rows = by_evidence(search(case))[path.name]
        lines = [shlex.split(line) for line in path.read_text().splitlines() if line.strip()]
        self.assertEqual(len(lines), len(rows))
        for words, row in zip(lines, rows):
            if words[0] == "tls":
                _, _, moment, _, _, client, target, _, _, received, sent = words[:11]
                status, request = "-", "- - -"
            else:
                if not words[0][0].isdigit():
                    words = words[1:]
                moment, _, client, target, _, _, _, status, _, received, sent, request = words[:12]
            method, url, *_ = request.split() + ["-", "-"]
            self.assertEqual(nanoseconds(moment), nanoseconds(row["time"]))
            self.assertEqual(tuple(client.split(":") + target.split(":")),
                             (row["source_ip"], str(row["source_port"]), row["destination_ip"], str(row["destination_port"])))
            self.assertEqual("connect" if method == "-" else method, row["action"])
            if url != "-":
                self.assertEqual(url, row["object_name"])
            self.assertEqual(None if status == "-" else int(status), row.get("status_code"))
            self.assertEqual(None if int(sent) < 0 else int(sent), row.get("size"))

    def test_auditd(self):
        archives = sorted((LOGS / "otrf_security_datasets/datasets/atomic/linux").rglob("*.zip"))
        truth = {}
        for path in archives:
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    for line in archive.read(name).decode().splitlines():
                        serial = re.search(r"msg=audit\(([0-9.:]+)\)", line)[1]
                        fields = dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line.partition("): ")[2]))
                        one = truth.setdefault(serial, {"time": round(float(serial.split(":")[0]) * 1000) * 10**6})
                        if line.startswith("type=SYSCALL"):
                            one.update(action={"59": "execve"}[fields["syscall"]], process=fields["exe"].strip('"'), pid=int(fields["pid"]),
                                       user_name=fields["auid"], outcome="success" if fields["success"] == "yes" else "failure")
                        elif line.startswith("type=EXECVE"):
                            one["argv"] = [fields[f"a{n}"].strip('"') for n in range(int(fields["argc"]))]
        self.assertEqual(3, len(truth))
        case, _ = self.investigate("auditd", *archives)
        found = {}
        for row in search(case, "source:auditd"):
            found[row["record_id"]] = {"time": nanoseconds(row["time"]), "argv": shlex.split(row["command_line"]),
                                       **{key: row.get(key) for key in ("action", "process", "pid", "user_name", "outcome")}}
        self.assert_same(truth, found)

    def test_authenticator(self):
        paths = [NODE / "authenticator.log", LOGS / "eks_authenticator/rotel_eks_authenticator.log"]
        case, _ = self.investigate("authenticator", *paths)
        by_file = by_evidence(search(case))
        for path in paths:
            lines = [dict(word.partition("=")[::2] for word in shlex.split(line)) for line in path.read_text().splitlines() if line.strip()]
            self.assertEqual(len(lines), len(by_file[path.name]))
            for words, row in zip(lines, by_file[path.name]):
                self.assertEqual(nanoseconds(words["time"]), nanoseconds(row["time"]))
                self.assertEqual({"action": words["msg"], "user_name": words.get("username"), "access_key_id": words.get("accesskeyid"), "severity": words["level"]},
                                 {key: row.get(key) for key in ("action", "user_name", "access_key_id", "severity")})
                self.assertEqual(words.get("arn"), row.get("user_arn"))
                self.assertEqual("failure" if "denied" in words["msg"] else "success", row["outcome"])

    def test_docker_lines(self):
        """What containers printed, with the time of each line."""
        paths = {path.read_text(): path for path in reversed(sorted((LOGS / "fluent_bit").rglob("*.log")))}
        self.assertGreater(len(paths), 10)
        case, _ = self.investigate("lines", *paths.values())
        by_file = by_evidence(search(case))
        for text, path in paths.items():
            records = list(json_values(text))
            with self.subTest(path.name):
                rows = by_file[path.name]
                self.assertEqual([record["log"].rstrip("\r\n") for record in records], [row.get("message") or "" for row in rows])
                self.assertEqual([nanoseconds(record["time"]) for record in records], [nanoseconds(row["time"]) for row in rows])
                self.assertEqual([record["stream"] for record in records], [row["tags"].split()[0] for row in rows])

    def test_kube_apiserver_export(self):
        """CloudWatch's export: the year is the prefix's, the moment klog's; both files say the same."""
        content = gzip.decompress((LOGS / "cloudgrep/tests/data/000000.gz").read_bytes()).decode()
        case, _ = self.investigate("klog", LOGS / "cloudgrep/tests/data/000000.gz", LOGS / "cloudgrep/tests/data/000000")
        lines = [line for line in content.splitlines() if line[:4].isdigit()]  # the others go on
        rows = sorted(search(case), key=lambda row: int(row["locator"].split("=")[1]))
        self.assertEqual(len(lines), len(rows), "the plain file's records are known from the compressed one")
        klog = 0
        for line, row in zip(lines, rows):
            prefix, _, message = line.partition(" ")
            if message[:1] in "IWEF" and message[1:5].isdigit():
                klog += 1
                self.assertEqual("klog", row["source"])
                self.assertEqual(nanoseconds(f"{prefix[:4]}-{message[1:3]}-{message[3:5]}T{message[6:21]}"), nanoseconds(row["time"]))
                self.assertEqual(int(message[22:].split()[0]), row["pid"])
                source, _, text = message[22:].split(None, 1)[1].partition("] ")
                self.assertIn(f"source={source}", row["tags"].split())
            else:
                self.assertEqual(nanoseconds(prefix), nanoseconds(row["time"]))
        self.assertGreater(klog, 100)


if __name__ == "__main__":
    ekshume.main()
