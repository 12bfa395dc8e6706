# SPDX-License-Identifier: Apache-2.0
"""Reads collections by docs/formats/collection.md alone, independent of the C++ reader: framing, members,
tables. Python's standard library and the zstd program."""
import hashlib
import io
import json
import struct
import subprocess
import tarfile

MAGIC = 0x184D2A5E
OPENING, HEADER, TRAILER = 1, 2, 3


class Cut(Exception):
    """The stream ends before its trailer; `tar_bytes` of it are whole."""

    def __init__(self, tar_bytes):
        super().__init__(f"cut after {tar_bytes} bytes of tar")
        self.tar_bytes = tar_bytes


def frames(data):
    """Yields (kind, payload, stored) of each frame, everything checked; raises Cut where it ends early."""
    position, sequence, tar_bytes = 0, 0, 0
    while True:
        if len(data) - position < 16:
            raise Cut(tar_bytes)
        magic, length = struct.unpack_from("<II", data, position)
        payload = data[position + 8:position + 8 + length]
        if len(payload) < length:
            raise Cut(tar_bytes)
        assert magic == MAGIC and payload[:5] == b"EKSC\x01", f"no frame at {position:#x}"
        assert hashlib.sha256(payload[:-8]).digest()[:8] == payload[-8:], f"check is wrong at {position:#x}"
        kind, start = payload[5], position
        position += 8 + length
        stored = b""
        if kind == HEADER:
            number, offset, packed, content = struct.unpack_from("<QQII", payload, 8)
            stored = data[position:position + packed]
            if len(stored) < packed:
                raise Cut(tar_bytes)
            assert number == sequence and offset == tar_bytes
            assert hashlib.sha256(stored).digest() == payload[40:72], f"SHA-256 is wrong at {position:#x}"
            sequence, tar_bytes, position = sequence + 1, tar_bytes + content, position + packed
        yield kind, payload, stored
        if kind == TRAILER:
            count, total, before = struct.unpack_from("<QQQ", payload, 8)
            assert (count, total, before) == (sequence, tar_bytes, start) and position == len(data)
            return


class Collection:
    """A whole or cut collection: `members` by name (bytes; None for what is no file), in their order."""

    def __init__(self, data):
        self.cut, tar, trailer = False, b"", None
        stored = []
        try:
            for kind, payload, frame in frames(data):
                if kind == OPENING:
                    self.stream_id = payload[8:24].hex()
                    self.part = struct.unpack_from("<I", payload, 40)[0]
                elif kind == HEADER:
                    stored.append(frame)
                else:
                    trailer = payload
        except Cut:
            self.cut = True
        tar = subprocess.run(["zstd", "-dcq"], input=b"".join(stored), stdout=subprocess.PIPE, check=True).stdout
        if trailer:
            assert hashlib.sha256(tar).digest() == trailer[32:64]
            self.early = bool(struct.unpack_from("<H", trailer, 6)[0] & 1)
        self.members, self.infos = {}, {}
        try:
            with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
                for info in archive:
                    content = archive.extractfile(info).read() if info.isreg() else None
                    if content is not None and len(content) < info.size:
                        break
                    self.infos[info.name] = info
                    self.members[info.name] = content
        except (tarfile.ReadError, EOFError):
            assert self.cut

    def table(self, name):
        """The rows of a table, its pieces joined."""
        rows, piece = [], 1
        stem = name.removesuffix(".jsonl")
        while (key := name if piece == 1 else f"{stem}.{piece}.jsonl") in self.members:
            rows += [json.loads(line) for line in self.members[key].splitlines()]
            piece += 1
        return rows

    def process(self, pid):
        found = [row for row in self.table("live/processes.jsonl") if row["pid"] == pid]
        assert len(found) == 1, f"process {pid} is there {len(found)} times"
        return found[0]

    def check_manifest(self):
        """Every file has the size and SHA-256 of the manifest, and none is missing in it. Returns how many."""
        listed = {row["member"]: row for row in self.table("manifest.jsonl")}
        for name, content in self.members.items():
            if content is None or name.startswith("manifest."):
                continue
            assert listed[name]["sha256"] == hashlib.sha256(content).hexdigest(), name
            assert listed[name]["size"] == len(content), name
        return len(listed)
