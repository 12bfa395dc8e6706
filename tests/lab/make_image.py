# SPDX-License-Identifier: Apache-2.0
"""Writes a container image from folders, one layer each.

    make_image.py [--docker] NAME:TAG OUT.tar ENTRYPOINT LAYER_DIR...

The default is an OCI image layout with gzip layers, as a registry serves them; --docker writes the
archive of `docker save` with plain layers, which old Docker can load. Names and owners are neutral
and times inside the image are fixed, so that equal folders give equal digests.
"""
import gzip
import hashlib
import io
import json
import sys
import tarfile

CREATED = "2026-03-02T09:00:00Z"
MTIME = 1772442000  # CREATED


def neutral(member):
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = MTIME
    return member


def layer_tar(directory):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(directory, arcname=".", filter=neutral)
    return data.getvalue()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def write(path, members):
    with tarfile.open(path, "w") as archive:
        for name, body in members:
            info = neutral(tarfile.TarInfo(name))
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))


def main(arguments):
    docker = arguments[0] == "--docker"
    name, out, entrypoint, *directories = arguments[1:] if docker else arguments
    layers = [layer_tar(directory) for directory in directories]
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "created": CREATED,
        "config": {"Entrypoint": [entrypoint], "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
                   "Labels": {"org.opencontainers.image.title": name.rsplit("/", 1)[-1]}},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        "history": [{"created": CREATED, "created_by": f"COPY layer {number} /"}
                    for number in range(len(layers))],
    }).encode()
    if docker:
        members = [(f"{number}/layer.tar", layer) for number, layer in enumerate(layers)]
        config_name = digest(config)[7:] + ".json"
        manifest = [{"Config": config_name, "RepoTags": [name], "Layers": [m[0] for m in members]}]
        write(out, [*members, (config_name, config), ("manifest.json", json.dumps(manifest).encode())])
        return
    packed = [gzip.compress(layer, 9, mtime=0) for layer in layers]
    oci = "application/vnd.oci.image."
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
        "config": {"mediaType": oci + "config.v1+json", "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": oci + "layer.v1.tar+gzip", "digest": digest(data), "size": len(data)}
                   for data in packed],
    }).encode()
    index = json.dumps({
        "schemaVersion": 2, "mediaType": oci + "index.v1+json",
        "manifests": [{"mediaType": oci + "manifest.v1+json", "digest": digest(manifest),
                       "size": len(manifest), "platform": {"architecture": "amd64", "os": "linux"},
                       "annotations": {"io.containerd.image.name": name,
                                       "org.opencontainers.image.ref.name": name.rsplit(":", 1)[-1]}}],
    }).encode()
    blobs = {f"blobs/sha256/{digest(data)[7:]}": data for data in [config, manifest, *packed]}
    write(out, [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index),
                *sorted(blobs.items())])


main(sys.argv[1:])
