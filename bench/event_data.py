# SPDX-License-Identifier: Apache-2.0
"""Logs of any size, made by multiplying real records (shared/logs) with new ids and times. The same call makes the same bytes."""
import datetime
import gzip
import json
import random
import re

START = datetime.datetime(2026, 1, 1)
ACCOUNT = "123456789012"
FLOW_NETWORK = "172.31"
# CloudTrail delivers a file every five minutes; this size is that of a busy account.
TRAIL_FILE_BYTES = 2 << 20


class Clock:
    """Moments that go on by `step_ms`, as the logs write them."""

    def __init__(self, step_ms):
        self.step_ms = step_ms
        self.milliseconds = 0
        self.second = -1
        self.text = ""

    def tick(self):
        self.milliseconds += self.step_ms
        second = self.milliseconds // 1000
        if second != self.second:
            self.second = second
            self.text = (START + datetime.timedelta(seconds=second)).isoformat()

    def now(self):
        return START + datetime.timedelta(seconds=max(self.second, 0))


def new_id(rng):
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def template(line, members):
    """A record as a format of Python's `%`, in which the values of `members` (a dict: key to placeholder) are to be filled in."""
    keys = "|".join(map(re.escape, members))
    return re.sub(rf'"({keys})":"[^"]*"', lambda found: f'"{found[1]}":"%({members[found[1]]})s"', line.replace("%", "%%"))


def records_in(path):
    """The JSON objects of a file, one a line or printed."""
    text = path.read_text()
    try:
        whole = json.loads(text)
        return whole if isinstance(whole, list) else [whole]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def compact(record):
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)


def audit_templates(shared):
    paths = sorted((shared / "logs/falco_k8s_audit/test/trace_files/k8s_audit").glob("*.json"))
    records = [record for path in [*paths, shared / "logs/audit2rbac/testdata/demo.log"] for record in records_in(path)]
    members = {"auditID": "id", "requestReceivedTimestamp": "received", "stageTimestamp": "staged", "timestamp": "received"}
    return [template(compact(record), members) for record in records if record.get("auditID")]


def trail_templates(shared):
    paths = sorted((shared / "logs/stratus_red_team/docs/detonation-logs").glob("*.json"))
    members = {"eventID": "id", "requestID": "request", "eventTime": "time"}
    return [template(compact(record), members) for path in paths for record in records_in(path) if record.get("eventID")]


def make_audit(shared, path, size=None, count=None):
    """An API server's audit log of at least `size` bytes or of `count` records; how many records and bytes there are."""
    rng = random.Random(1)
    clock = Clock(50)
    templates = audit_templates(shared)
    made, written = 0, 0
    with open(path, "w", buffering=1 << 20) as out:
        while (written < size) if count is None else (made < count):
            clock.tick()
            micros = rng.randrange(990_000)
            line = templates[made % len(templates)] % {"id": new_id(rng), "received": f"{clock.text}.{micros:06d}Z",
                                                       "staged": f"{clock.text}.{micros + 1 + micros % 9000:06d}Z"}
            written += out.write(line) + out.write("\n")
            made += 1
    return made, path.stat().st_size


def make_trail(shared, folder, size):
    """Gzipped CloudTrail files of `size` bytes before compression, in AWS' layout; how many records and bytes."""
    rng = random.Random(2)
    clock = Clock(40)
    templates = trail_templates(shared)
    made, written = 0, 0
    while written < size:
        records, file_bytes = [], 0
        while file_bytes < TRAIL_FILE_BYTES and written + file_bytes < size:
            clock.tick()
            record = templates[made % len(templates)] % {"id": new_id(rng), "request": new_id(rng), "time": f"{clock.text}Z"}
            records.append(record)
            file_bytes += len(record) + 1
            made += 1
        now = clock.now()
        day = folder / f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/{now:%Y/%m/%d}"
        day.mkdir(parents=True, exist_ok=True)
        text = ('{"Records":[' + ",".join(records) + "]}").encode()
        written += len(text)
        name = f"{ACCOUNT}_CloudTrail_us-east-1_{now:%Y%m%dT%H%MZ}_{rng.getrandbits(80):020x}.json.gz"
        with open(day / name, "wb") as out, gzip.GzipFile("", "wb", 6, out, 0) as packed:
            packed.write(text)
    return made, written


def make_flow(shared, path, count):
    """VPC flow logs of `count` lines: AWS' own examples, from other addresses and ports; how many lines and bytes."""
    rng = random.Random(3)
    header, *lines = (shared / "logs/aws_docs_examples/vpcflow_v2_default.log").read_text().splitlines()
    names = header.split()
    start, end, address, port = (names.index(name) for name in ("start", "end", "srcaddr", "srcport"))
    templates = []
    for line in lines:
        words = line.split()
        if words[-1] != "OK" or ":" in line:
            continue
        words[start], words[end], words[address], words[port] = "%d", "%d", f"{FLOW_NETWORK}.%d.%d", "%d"
        order = sorted(((start, "s"), (end, "e"), (address, "a"), (port, "p")))
        templates.append((" ".join(words) + "\n", "".join(name for _, name in order)))
    if any(order != "apse" for _, order in templates):
        raise RuntimeError("the examples of VPC flow logs have another order of fields than expected")
    began = int(START.replace(tzinfo=datetime.timezone.utc).timestamp())
    with open(path, "w", buffering=1 << 20) as out:
        out.write(header + "\n")
        for i in range(count):
            bits = rng.getrandbits(32)
            second = began + i // 100
            out.write(templates[i % len(templates)][0] % (bits & 15, bits >> 4 & 255, 1024 + (bits >> 12) % 60000, second, second + 60))
    return count, path.stat().st_size
