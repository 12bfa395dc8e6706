import socket,subprocess
s=socket.socket()
s.connect(("db",5432))
subprocess.call(["ls"])
