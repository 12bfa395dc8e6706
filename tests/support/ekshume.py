# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: the program under test, the shared evidence, temporary folders.

The tests drive the real program, whose path is in the environment variable EKSHUME. Evidence with
known truth lies in EKSHUME_SHARED (default: ../shared beside the repository). Python's standard
library only.
"""
import atexit
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("EKSHUME_SHARED", ROOT.parent / "shared"))
EKSHUME = os.environ.get("EKSHUME", str(ROOT / "build/release/src/cli/ekshume"))
LEVELS = ["informational", "low", "medium", "high", "critical"]  # of findings and rules
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def skip_all(reason):
    """Ends this test program as skipped, saying why."""
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def shared_evidence(name):
    """The folder of shared evidence `name`, or the end of this program as skipped."""
    folder = SHARED / "evidence" / name
    if not (folder / "disk.img.zst").is_file():
        skip_all(f"{folder} is not there; set EKSHUME_SHARED")
    return folder


@functools.cache
def work_folder():
    """A temporary folder for this test program, removed at its end."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ekshume-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def unpacked(archive):
    """The image inside a .zst, unpacked once per test program, sparse."""
    target = work_folder() / (pathlib.Path(archive).parent.name + ".img")
    subprocess.run(["zstd", "-d", "-q", "-f", "--sparse", "--long=27", str(archive), "-o", str(target)], check=True)
    return target


class Run:
    """One run of the program: its exit code and what it printed (bytes decoded as surrogateescape)."""

    def __init__(self, *arguments, stdin=subprocess.DEVNULL, timeout=600):
        done = subprocess.run([EKSHUME, *map(str, arguments)], stdin=stdin, capture_output=True, timeout=timeout)
        self.arguments = arguments
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8", "surrogateescape")
        self.raw = done.stdout
        self.err = done.stderr.decode("utf-8", "surrogateescape")

    def __repr__(self):
        return f"ekshume {' '.join(map(str, self.arguments))} -> {self.code}\n{self.err[-2000:]}"


def rows(*arguments, codes=(0, 1)):
    """The rows that a verb prints with --format jsonl; fails when the exit code is not one of `codes`."""
    run = Run(*arguments, "--format", "jsonl")
    if run.code not in codes:
        raise AssertionError(repr(run))
    return [json.loads(line) for line in run.out.splitlines()]


def path_of(row):
    """The path of a row as bytes-true text, also when it is not UTF-8."""
    if "path_hex" in row:
        return bytes.fromhex(row["path_hex"]).decode("utf-8", "surrogateescape")
    return row["path"]


def target_of(row):
    if "target_hex" in row:
        return bytes.fromhex(row["target_hex"]).decode("utf-8", "surrogateescape")
    return row["target"]


def seconds_and_nanoseconds(rfc3339):
    """("2026-11-24T21:39:08.785895897Z") -> (unix seconds, nanoseconds)."""
    import calendar
    import time
    whole, fraction = rfc3339.rstrip("Z").split(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")), int(fraction)


def find_time(text):
    """find(1)'s %T@ "1795556399.7858958970" -> (seconds, nanoseconds); None for find's "unknown" (-1)."""
    seconds, fraction = text.split(".")
    if seconds == "-1":
        return None
    return int(seconds), int(fraction[:9])


def sha256_list(path, encoding="utf-8"):
    """A sha256sum list as {path: digest}, its escaped names unescaped."""
    result = {}
    for line in pathlib.Path(path).read_text(encoding=encoding, errors="surrogateescape").splitlines():
        escaped = line.startswith("\\")
        digest, name = line.lstrip("\\").split("  ", 1)
        if escaped:
            name = name.replace("\\n", "\n").replace("\\r", "\r").replace("\\\\", "\\")
        result[name] = digest
    return result


def difference(expected, found, limit=10):
    """A readable difference of two dictionaries or sets; "" when they are equal."""
    if expected == found:
        return ""
    if isinstance(expected, dict):
        lines = [f"missing {k!r}: {expected[k]!r}" for k in expected.keys() - found.keys()]
        lines += [f"surplus {k!r}: {found[k]!r}" for k in found.keys() - expected.keys()]
        lines += [f"{k!r}: expected {expected[k]!r}, found {found[k]!r}" for k in expected.keys() & found.keys() if expected[k] != found[k]]
    else:
        lines = [f"missing {k!r}" for k in expected - found] + [f"surplus {k!r}" for k in found - expected]
    return f"{len(lines)} differences:\n" + "\n".join(sorted(lines)[:limit])


class Case(unittest.TestCase):
    """A test case whose comparisons of large dictionaries print the differences only."""
    maxDiff = 4000

    def assert_same(self, expected, found):
        self.assertTrue(expected, "nothing was expected: the truth is empty")
        message = difference(expected, found)
        if message:
            self.fail(message)


class FolderCase(Case):
    """A test that works in an empty folder of its own."""

    def setUp(self):
        self.folder = work_folder() / self.id().rsplit(".", 1)[-1]
        self.folder.mkdir()
        os.chdir(self.folder)

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def assert_counts(self, items):
        """records + extra = rows + duplicates + folded + skipped + damaged + unknown, for each item of evidence."""
        for item in items:
            self.assertEqual(item["records"] + item["extra"],
                             sum(item[key] for key in ("rows", "duplicates", "folded", "skipped", "damaged", "unknown")), item)


def main():
    program = unittest.main(exit=False, verbosity=1)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun == 0:
        print("no test was found")
        sys.exit(1)
    if result.testsRun == len(result.skipped):
        sys.exit(SKIPPED)
