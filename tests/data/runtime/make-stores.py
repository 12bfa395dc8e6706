#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes NAME.tar.zst: the container stores of a mounted node without what makes them large.

    make-stores.py MOUNTED-ROOT OUTPUT.tar.zst

Kept: databases, JSON documents, names of directories and links. Layers become empty directories, logs
empty files, blobs of the content store only when they are JSON. Keys are left out.
"""
import io
import os
import subprocess
import sys
import tarfile

ROOTS = ["etc/hostname", "etc/os-release", "etc/containerd", "etc/docker/daemon.json",
         "etc/kubernetes/kubelet", "var/lib/containerd", "var/lib/docker", "var/lib/kubelet",
         "var/log/pods", "var/log/containers"]
SKIPPED = {"tar-split.json.gz", "node.key", "local-kv.db", "key.json", "buildkit", "network", "swarm",
           "plugins", "trust", "runtimes", "tmpmounts", "distribution", "ingest", "kubelet.sock"}


def content(root, path):
    """The file's bytes as they are kept, or None when it is left out."""
    full = os.path.join(root, path)
    name = os.path.basename(path)
    if path.startswith("var/log/") or name.endswith("-json.log"):
        return b""
    if "/blobs/" in path:
        with open(full, "rb") as blob:
            data = blob.read(1 << 20)
        return data if data[:1] == b"{" else b"(layer)"
    if os.path.getsize(full) > 4 << 20:
        return None
    with open(full, "rb") as file:
        data = file.read()
    if name == "kubeconfig":
        data = data.split(b", client-key-data:")[0] + b"}}]\n" + data[data.find(b"contexts:"):]
    return data


def is_layer(path):
    parts = path.split("/")
    is_copy = len(parts) > 2 and parts[-3] == "io.containerd.snapshotter.v1.native"
    return is_copy or parts[-1] in ("fs", "diff", "work", "merged") or "volumes" in parts[:-2]


def add(tar, root, path):
    full = os.path.join(root, path)
    name = os.path.basename(path)
    if name in SKIPPED or not os.path.lexists(full):
        return
    entry = tarfile.TarInfo(path)
    if os.path.islink(full):
        entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(full)
        tar.addfile(entry)
    elif os.path.isdir(full):
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(entry)
        if not is_layer(path):
            for child in sorted(os.listdir(full)):
                add(tar, root, os.path.join(path, child))
    elif os.path.isfile(full):
        data = content(root, path)
        if data is not None:
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def main():
    root, output = sys.argv[1:3]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in ROOTS:
            add(tar, root, path)
    subprocess.run(["zstd", "-q", "-19", "-f", "-o", output], input=buffer.getvalue(), check=True)


main()
