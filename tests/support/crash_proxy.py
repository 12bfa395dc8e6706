# SPDX-License-Identifier: Apache-2.0
"""A proxy of plain HTTP before an API server that counts requests, can end the client's process at one of them, and knows what was changed."""
import base64
import http.client
import http.server
import re
import ssl
import tempfile
import threading
import time


class CrashProxy:
    """Listens on loopback and forwards with the credentials of a kubeconfig. `kill_at` = (number of a request, "before" | "after") and `victim` (a
    subprocess.Popen): that process gets SIGKILL before the request is forwarded, or after it was done and before its answer is sent."""

    def __init__(self, config):
        text = config.read_text()
        self.context = ssl.create_default_context(cadata=self.decode(text, "certificate-authority-data"))
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
            pem.write(self.decode(text, "client-certificate-data") + self.decode(text, "client-key-data"))
            pem.flush()
            self.context.load_cert_chain(pem.name)
        self.host, port = re.search(r'server: "?https://([^":]+):(\d+)', text).groups()
        self.port_behind = int(port)
        self.lock = threading.Lock()
        self.reset()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def forward(self):
                proxy.forward(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @staticmethod
    def decode(text, member):
        return base64.b64decode(re.search(member + r": ([A-Za-z0-9+/=]+)", text).group(1)).decode()

    def reset(self, kill_at=None):
        """Counts from nothing. `changes` are (number, method, path) of what changed something."""
        self.kill_at, self.victim, self.count, self.changes, self.killed = kill_at, None, 0, [], False

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def kill(self, when):
        if self.kill_at == (self.count, when) and not self.killed:
            self.killed = True
            while self.victim is None:  # it may ask before its starter has said which one it is
                time.sleep(0.001)
            self.victim.kill()
            self.victim.wait()
            return True
        return False

    def forward(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self.lock:  # one client, one request at a time
            self.count += 1
            if self.kill("before"):
                handler.close_connection = True
                return
            connection = http.client.HTTPSConnection(self.host, self.port_behind, context=self.context, timeout=60)
            headers = {name: value for name, value in handler.headers.items() if name.lower() in ("accept", "content-type")}
            connection.request(handler.command, handler.path, body or None, headers)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            path = handler.path.split("?")[0]
            asks = path.endswith("reviews") or "dryRun=All" in handler.path or b'"dryRun"' in body
            if handler.command != "GET" and not asks and answer.status < 300:
                self.changes.append((self.count, handler.command, path))
            if self.kill("after"):
                handler.close_connection = True
                return
        try:
            handler.send_response(answer.status)
            handler.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
            handler.send_header("Content-Length", str(len(text)))
            handler.end_headers()
            handler.wfile.write(text)
        except OSError:
            handler.close_connection = True
