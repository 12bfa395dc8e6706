# SPDX-License-Identifier: Apache-2.0
"""AWS for tests, on loopback: moto's server, and a proxy before it that checks every signature with botocore,
notes every action, makes faults on demand and answers what moto does not know.

Needs moto with its server, which tools/install-dependencies puts into third_party/python when Python lacks it.
"""
import atexit
import base64
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

from ekshume import ROOT, skip_all, work_folder

REGION = "eu-central-1"
ACCOUNT = "123456789012"
KEY_ID = "AKIDEXAMPLEEXAMPLE00"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BLOCK = 512 << 10
PAGE = 10000  # entries of one page of EBS direct


def skip_without_moto():
    """Goes on in the Python that tools/install-dependencies made when this one lacks moto; without either, the end of
    this program as skipped."""
    try:
        import botocore  # noqa: F401
        import flask  # noqa: F401
        import moto  # noqa: F401
    except ImportError as missing:
        own = ROOT / "third_party/python/bin/python"
        if own.exists() and pathlib.Path(sys.prefix) != own.parent.parent:
            os.execv(own, [str(own), *sys.argv])
        skip_all(f"{missing}; run tools/install-dependencies, or pip install 'moto[server]==5.2.1'")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Moto:
    """moto's server as a child process."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = dict(os.environ, MOTO_ACCOUNT_ID=ACCOUNT)
        code = "from moto.server import main; main()"
        with open(work_folder() / "moto.log", "wb") as log:
            self.process = subprocess.Popen([sys.executable, "-c", code, "-H", "127.0.0.1", "-p", str(self.port)],
                                            stdout=log, stderr=log, env=environment)
        atexit.register(self.stop)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        skip_all(f"moto's server does not start: {(work_folder() / 'moto.log').read_text()[-500:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def client(self, service):
        import boto3
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, aws_access_key_id=KEY_ID,
                            aws_secret_access_key=SECRET)


class Fault:
    """What becomes of the next `times` requests of an action, after `skip` that pass."""

    def __init__(self, action, kind, times=1, skip=0):
        self.action, self.kind, self.times, self.skip = action, kind, times, skip
        self.done = 0

    def applies(self, action):
        if not re.fullmatch(self.action, action) or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        self.done += 1
        return True


def error_body(service, status, code, message):
    """An error in the protocol of a service."""
    if service in ("ec2",):
        body = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
        return status, {"Content-Type": "text/xml"}, body.encode()
    if service in ("sts",):
        body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        return status, {"Content-Type": "text/xml"}, body.encode()
    if service == "s3":
        body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        return status, {"Content-Type": "application/xml"}, body.encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code + ":http://internal.amazon.test/"}
    return status, headers, json.dumps({"__type": code, "message": message}).encode()


class Snapshot:
    """A snapshot that the proxy itself serves: `block(index)` gives 512 KiB or None for no block."""

    def __init__(self, gibibytes, indexes, block):
        self.gibibytes, self.indexes, self.block = gibibytes, indexes, block


class Proxy:
    """The endpoint for the program under test. `faults` are tried in order. What was asked is in `actions`
    (a list of "service:Action"), wrong signatures in `signature_errors`."""

    def __init__(self, moto):
        self.moto = moto
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lock = threading.Lock()
        self.faults = []
        self.actions = []
        self.requests = []  # (action, path with query, body)
        self.signature_errors = []
        self.checked = 0
        self.snapshots = {}
        self.handlers = {}  # action -> function(request) -> (status, headers, body)
        self.secrets = {KEY_ID: SECRET}
        self.expired = set()  # key ids that are too old
        self.clock_offset = 0
        self.page = PAGE
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self.handler_class())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reset(self):
        with self.lock:
            self.faults, self.actions, self.requests, self.signature_errors = [], [], [], []
            self.checked, self.clock_offset, self.page = 0, 0, PAGE
            self.expired = set()

    def count(self, action):
        with self.lock:
            return self.actions.count(action)

    def environment(self, **more):
        """The environment for the program: nothing of the machine's own AWS settings."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        clean.update(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET, AWS_REGION=REGION,
                     AWS_ENDPOINT_URL=self.url, AWS_EC2_METADATA_DISABLED="true", HOME=str(work_folder() / "home"))
        clean.update(more)
        return {k: v for k, v in clean.items() if v is not None}

    def handler_class(proxy):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def date_time_string(self, timestamp=None):
                return super().date_time_string(time.time() + proxy.clock_offset)

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length) if length else b""
                proxy.serve(self)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any

            def answer(self, status, headers, body):
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", headers.get("Content-Length", str(len(body))))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def drop(self, after=b""):
                """Breaks the connection, perhaps within an answer."""
                if after:
                    self.wfile.write(after)
                    self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        return Handler

    def scope_of(self, request):
        """(key id, date, region, service) of the signature in the header or in the URL."""
        found = re.search(r"Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request",
                          urllib.parse.unquote(request.headers.get("Authorization", "") or request.path))
        if found is None:
            found = re.search(r"X-Amz-Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request", urllib.parse.unquote(request.path))
        return found.groups() if found else (None, None, None, None)

    def action_of(self, request, service):
        url = urllib.parse.urlsplit(request.path)
        target = request.headers.get("X-Amz-Target")
        if target:
            return f"{service}:{target.split('.')[-1]}"
        form = urllib.parse.parse_qs(request.body.decode("utf-8", "replace")) if request.body else {}
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        if "Action" in form or "Action" in query:
            return f"{service or 'sts'}:{(form.get('Action') or query.get('Action'))[0]}"
        if url.path == "/federation/credentials":
            return "sso:GetRoleCredentials"
        if url.path.startswith("/latest/"):
            return "imds:" + url.path
        if service == "ebs":
            if url.path.endswith("/changedblocks"):
                return "ebs:ListChangedBlocks"
            return "ebs:GetSnapshotBlock" if re.search(r"/blocks/\d+$", url.path) else "ebs:ListSnapshotBlocks"
        if service == "guardduty":
            if url.path == "/detector":
                return "guardduty:ListDetectors"
            return "guardduty:GetFindings" if url.path.endswith("/findings/get") else "guardduty:ListFindings"
        if service == "s3":
            if "uploads" in query or "uploadId" in query:
                return "s3:PutObject" if request.command != "DELETE" else "s3:AbortMultipartUpload"
            if url.path.count("/") < 2 or url.path.endswith("/") and url.path.count("/") == 2:
                return "s3:ListBucket"
            return {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}[request.command]
        return f"{service}:{request.command}{url.path}"

    def check_signature(self, request, scope):
        """The signature as botocore computes it."""
        from botocore.auth import S3SigV4Auth, SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        key_id, _, region, service = scope
        header = request.headers.get("Authorization", "")
        signed = re.search(r"SignedHeaders=([^,]+)", header).group(1).split(";")
        claimed = re.search(r"Signature=([0-9a-f]+)", header).group(1)
        auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials(key_id, self.secrets[key_id]), service, region)
        copy = AWSRequest(method=request.command, url=f"http://{request.headers['Host']}{request.path}", data=request.body,
                          headers={name: request.headers[name] for name in signed})
        copy.context["timestamp"] = request.headers["X-Amz-Date"]
        # botocore would encode the path that is encoded already as if it came from a user.
        expected = auth.signature(auth.string_to_sign(copy, auth.canonical_request(copy)), copy)
        with self.lock:
            self.checked += 1
            if expected != claimed:
                self.signature_errors.append((request.command, request.path, claimed, expected))
        return expected == claimed

    def serve(self, request):
        scope = self.scope_of(request)
        key_id, _, _, service = scope
        action = self.action_of(request, service)
        with self.lock:
            self.actions.append(action)
            self.requests.append((action, request.path, request.body))
            fault = next((f for f in self.faults if f.applies(action)), None)
        if request.headers.get("Authorization", "").startswith("AWS4"):
            known = key_id in self.secrets
            if not known or not self.check_signature(request, scope):
                if known or service != "sts":
                    return request.answer(*error_body(service, 403, "SignatureDoesNotMatch", "The signature does not match"))
            if key_id in self.expired:
                return request.answer(*error_body(service, 400 if service != "s3" else 403, "ExpiredTokenException", "The security token included in the request is expired"))
            stamp = request.headers.get("X-Amz-Date")
            import calendar
            sent = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
            if abs(sent - (time.time() + self.clock_offset)) > 300:
                return request.answer(*error_body(service, 403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."))
        if fault is not None and self.make_fault(request, service, action, fault.kind):
            return None
        wrong_checksum = fault is not None and fault.kind == "checksum"
        status, headers, body = self.handlers[action](request) if action in self.handlers else self.answer(request, action)
        if wrong_checksum:
            body = bytes([body[0] ^ 1]) + body[1:]
        return request.answer(status, headers, body)

    def make_fault(self, request, service, action, kind):
        if kind == "throttle":
            code = {"ec2": "RequestLimitExceeded", "s3": "SlowDown"}.get(service, "ThrottlingException")
            request.answer(*error_body(service, 503 if service == "s3" else 400, code, "Rate exceeded"))
        elif kind == "500":
            request.answer(*error_body(service, 500, "InternalFailure", "We made a mistake"))
        elif kind == "drop":
            request.drop()
        elif kind == "cut":
            request.drop(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 524288\r\n\r\n" + b"x" * 1000)
        elif kind == "denied":
            code = "UnauthorizedOperation" if service == "ec2" else "AccessDenied" if service in ("s3", "sts") else "AccessDeniedException"
            request.answer(*error_body(service, 403, code, "You are not authorized to perform this operation."))
        elif kind == "token":
            request.answer(*error_body(service, 400, "ValidationException", "The block token is not valid"))
        else:
            return False
        return True

    def forward(self, request):
        connection = http.client.HTTPConnection("127.0.0.1", self.moto.port, timeout=120)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("content-length", "connection")}
        connection.request(request.command, request.path, body=request.body, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), body

    def answer(self, request, action):
        if action.startswith("ebs:"):
            return self.answer_ebs(request, action)
        return self.forward(request)

    def answer_ebs(self, request, action):
        url = urllib.parse.urlsplit(request.path)
        query = urllib.parse.parse_qs(url.query)
        name = url.path.split("/")[2]
        own = self.snapshots.get(name)
        if action == "ebs:GetSnapshotBlock" and own is None:
            return self.forward(request)
        if action == "ebs:GetSnapshotBlock":
            index = int(url.path.rsplit("/", 1)[1])
            if query["blockToken"] != [f"token-{index}"]:
                return error_body("ebs", 400, "ValidationException", "The block token is not valid")
            data = own.block(index)
            checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
            return 200, {"x-amz-Data-Length": str(len(data)), "x-amz-Checksum": checksum, "x-amz-Checksum-Algorithm": "SHA256"}, data
        if own is not None:
            blocks, volume, key = [{"BlockIndex": i, "BlockToken": f"token-{i}"} for i in own.indexes], own.gibibytes, "Blocks"
        else:
            # moto knows neither pages nor the order, and calls the block 512 bytes long.
            status, headers, body = self.forward(request)
            if status != 200:
                return error_body("ebs", 404, "ResourceNotFoundException", f"The snapshot {name} does not exist")
            whole = json.loads(body)
            key = "Blocks" if "Blocks" in whole else "ChangedBlocks"
            blocks = sorted(({k: int(v) if k == "BlockIndex" else v for k, v in b.items() if v is not None} for b in whole[key]),
                            key=lambda b: b["BlockIndex"])
            volume = whole["VolumeSize"]
        start = int(query.get("pageToken", ["0"])[0])
        most = min(self.page, int(query["maxResults"][0]))
        page = {key: blocks[start:start + most], "VolumeSize": volume, "BlockSize": BLOCK, "ExpiryTime": time.time() + 7 * 86400}
        if start + most < len(blocks):
            page["NextToken"] = str(start + most)
        return 200, {"Content-Type": "application/json"}, json.dumps(page).encode()


def put_snapshot(moto, data, gibibytes=1):
    """A snapshot in moto with these blocks ({index: 512 KiB}); its id."""
    ebs = moto.client("ebs")
    made = ebs.start_snapshot(VolumeSize=gibibytes, Description="test")
    for index, block in data.items():
        checksum = base64.b64encode(hashlib.sha256(block).digest()).decode()
        ebs.put_snapshot_block(SnapshotId=made["SnapshotId"], BlockIndex=index, BlockData=block, DataLength=BLOCK,
                               Checksum=checksum, ChecksumAlgorithm="SHA256")
    ebs.complete_snapshot(SnapshotId=made["SnapshotId"], ChangedBlocksCount=len(data))
    return made["SnapshotId"]


def disk_snapshot(path, gibibytes, filled=False):
    """A snapshot of a disk image in a larger device. `filled`: the rest of the device holds data too, other in every
    block, as on a disk that was in use for long."""
    size = pathlib.Path(path).stat().st_size
    descriptor = os.open(path, os.O_RDONLY)
    indexes = []
    offset = 0
    while True:
        try:
            offset = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError:
            break
        indexes.append(offset // BLOCK)
        offset = (offset // BLOCK + 1) * BLOCK
    if filled:
        indexes += range(-(-size // BLOCK), (gibibytes << 30) // BLOCK)

    def block(index):
        if index * BLOCK >= size:
            return (hashlib.sha256(str(index).encode()).digest() * (BLOCK // 32))
        return os.pread(descriptor, BLOCK, index * BLOCK).ljust(BLOCK, b"\0")

    return Snapshot(gibibytes, indexes, block)
