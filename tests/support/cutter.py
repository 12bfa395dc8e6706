# SPDX-License-Identifier: Apache-2.0
import socket
import threading


class Cutter:
    """A TCP proxy before a port of loopback that cuts the first connection which has carried `after` bytes towards us."""

    def __init__(self, port, after):
        self.port_behind, self.after, self.cuts = port, after, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.port_behind))
            threading.Thread(target=self.copy, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self.copy, args=(far, near, True), daemon=True).start()

    def copy(self, source, target, counts):
        total = 0
        try:
            while data := source.recv(65536):
                total += len(data)
                if counts and total > self.after and not self.cuts:
                    self.cuts += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        source.close()
