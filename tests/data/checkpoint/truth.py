# SPDX-License-Identifier: Apache-2.0
"""What the kernel says of the processes of a container: truth.py FIRST-PID ROOT"""
import hashlib
import json
import os
import pathlib
import sys

PROC = pathlib.Path("/proc")
first, root = int(sys.argv[1]), pathlib.Path(sys.argv[2])


def status(pid):
    return dict(line.split(":\t", 1) for line in (PROC / str(pid) / "status").read_text().splitlines() if ":\t" in line)


def inside(pid):  # its number in its own PID namespace
    return int(status(pid)["NSpid"].split()[-1])


def texts(pid, name):
    return (PROC / str(pid) / name).read_text().split("\0")[:-1]


children = {}
for folder in PROC.glob("[0-9]*"):
    try:
        children.setdefault(int(status(folder.name)["PPid"]), []).append(int(folder.name))
    except OSError:
        pass  # it ended
processes, todo = [], [first]
while todo:
    pid = todo.pop(0)
    todo += sorted(children.get(pid, []))
    said, link = status(pid), lambda name, pid=pid: os.readlink(PROC / str(pid) / name)
    maps = [line.split(None, 5) for line in (PROC / str(pid) / "maps").read_text().splitlines()]
    processes.append({
        "pid": inside(pid), "ppid": 0 if pid == first else inside(int(said["PPid"])), "name": said["Name"], "executable": link("exe"), "working_directory": link("cwd"),
        "uid": int(said["Uid"].split()[0]), "capabilities": said["CapEff"], "arguments": texts(pid, "cmdline"), "environment": texts(pid, "environ"),
        "maps": [[*row[0].split("-"), row[1], row[5].strip() if len(row) > 5 else ""] for row in maps],
        "files": {fd: link(f"fd/{fd}") for fd in sorted(os.listdir(PROC / str(pid) / "fd"), key=int)}})
json.dump({"processes": processes, "tcp": (PROC / str(first) / "net/tcp").read_text(), "tcp6": (PROC / str(first) / "net/tcp6").read_text(),
           "implant_sha256": hashlib.sha256((root / "bin/implant").read_bytes()).hexdigest()}, sys.stdout, indent=1)
