# SPDX-License-Identifier: Apache-2.0
"""Rows and diagnostics of real logs and disks against committed goldens (tests/data/golden).

A golden says, for one folder of shared logs or one disk: the counts of each item, the diagnostics, how many rows
each source and action have, in how many rows each column stands, a SHA-256 over each column and over all rows, and
rows: all where they are few, else the first and last ones of each item and source. Rows are in the order of the
evidence; keys, accounts and public addresses are masked in what is committed, not in the digests.

`golden_test.py --update [NAME...]` writes the goldens anew: read the difference as you would read code. Whether the
rows are true is for tests/truth/log_truth_test.py, which reads the same files independently.
"""
import collections
import hashlib
import ipaddress
import json
import os
import pathlib
import re
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

GOLDEN = ekshume.ROOT / "tests/data/golden"
LOGS = ekshume.SHARED / "logs"
MOST_BYTES = 90 * 1024  # of a golden with all rows
ENDS = 3  # rows of each item and source at the beginning and at the end, when it is larger
WRITTEN = 1795651200  # the modification time that all evidence gets: 2026-11-26
UPDATE = "--update" in sys.argv
if UPDATE:
    NAMES = sys.argv[sys.argv.index("--update") + 1:]
    del sys.argv[sys.argv.index("--update"):]


def short(text, digits=8):
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:digits]


def mask_address(match):
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return match[0]
    return match[0] if address.is_private or address.is_multicast or address.is_unspecified else f"ip-{short(match[0], 6)}"


def masked(value):
    """Without real keys, principals, accounts, people's and public addresses; what was equal stays equal."""
    if isinstance(value, dict):
        return {masked(key): masked(inner) for key, inner in value.items()}
    return [masked(inner) for inner in value] if isinstance(value, list) else masked_text(value) if isinstance(value, str) else value


def masked_text(text):
    text = re.sub(r"\bA(KIA|SIA|ROA|IDA)[A-Z0-9]{12,}", lambda m: f"A{m[1]}-{short(m[0], 6)}", text)
    text = re.sub(r"[\w.+-]+@[\w-]+\.[\w.-]+\w", lambda m: f"mail-{short(m[0], 6)}", text)
    text = re.sub(r"(?<![0-9A-Za-z.])[0-9]{12}(?![0-9A-Za-z])", lambda m: f"account-{short(m[0], 6)}", text)
    return re.sub(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])", mask_address, text)


def place(row):
    return (row["evidence"], int((row.get("locator") or "offset=0").split("=")[1]), row.get("source", ""), row["id"])


def canonical(row):
    """What is said, without what is not; the record as its size and digest."""
    kept = {key: value for key, value in row.items() if value not in (None, "") and key != "raw"}
    raw = row.get("raw") or ""
    kept["raw"] = f"{len(raw.encode('utf-8', 'surrogateescape'))} bytes {short(raw, 12)}"
    return kept


def dump(value):
    return json.dumps(value, ensure_ascii=True, sort_keys=False)


def summary(rows, report):
    columns = {}
    for column in sorted({column for row in rows for column in row}):
        digest = hashlib.sha256()
        for row in rows:
            digest.update(dump(row.get(column)).encode() + b"\n")
        columns[column] = f"{sum(column in row for row in rows)} rows {digest.hexdigest()[:16]}"
    kinds = collections.Counter(f"{row.get('source')} {row.get('action', '-')}" for row in rows)
    lines = [{"rows": len(rows), "sha256": hashlib.sha256("\n".join(map(dump, rows)).encode()).hexdigest()},
             {"columns": columns}, {"actions": dict(sorted(kinds.items()))}]
    for item in report["events"]["items"]:
        lines.append({"item": item["name"], "formats": item["formats"],
                      **{key: item[key] for key in ("records", "extra", "rows", "duplicates", "folded", "skipped", "damaged", "unknown") if item[key]}})
    lines.append({"known": sorted(report["events"]["known"])})
    for diagnostic in sorted(report["diagnostics"], key=dump):
        # What filesystems and stores say in detail is for their own tests.
        ours = diagnostic.get("code", "log_").startswith(("log_", "artifact_"))
        lines.append({"diagnostic": {key: value for key, value in diagnostic.items() if key not in ("meaning", "severity") and (ours or key != "detail")}})
    return lines


def golden_of(rows, report):
    """The golden's lines."""
    rows = [canonical(row) for row in sorted(rows, key=place)]
    head = summary(rows, report)
    all_rows = [dump(masked(line)) for line in rows]
    if sum(map(len, all_rows)) > MOST_BYTES:
        kept, groups = set(), collections.defaultdict(list)
        for number, row in enumerate(rows):
            groups[row["evidence"] if len(rows) < 1000 else "", row["source"]].append(number)
        for numbers in groups.values():
            kept.update(numbers[:ENDS] + numbers[-ENDS:])
        all_rows = [all_rows[number] for number in sorted(kept)]
    return [dump(masked(line)) for line in head] + all_rows


class Golden(ekshume.Case):
    def compare(self, name, rows, report):
        found = golden_of(rows, report)
        path = GOLDEN / (name + ".jsonl")
        if UPDATE:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(found) + "\n")
            return
        expected = path.read_text().splitlines()
        if expected != found:
            self.fail(self.difference(path, expected, found))

    @staticmethod
    def difference(path, expected, found):
        """Which columns, items, diagnostics and rows differ, in words."""
        old, new = [[json.loads(line) for line in lines] for lines in (expected, found)]
        lines = [f"{path.name} differs (--update writes it anew; read the difference first)"]
        if old[0]["rows"] != new[0]["rows"]:
            lines.append(f"rows: expected {old[0]['rows']}, found {new[0]['rows']}")
        for part in ("columns", "actions"):
            before, after = [next(line[part] for line in side if part in line) for side in (old, new)]
            for key in sorted(before.keys() | after.keys()):
                if before.get(key) != after.get(key):
                    lines.append(f"{part[:-1]} {key}: expected {before.get(key)}, found {after.get(key)}")
        rows = [{line["id"]: line for line in side if "id" in line} for side in (old, new)]
        for key in rows[0].keys() & rows[1].keys():
            for column in sorted(rows[0][key].keys() | rows[1][key].keys()):
                if rows[0][key].get(column) != rows[1][key].get(column):
                    lines.append(f"{rows[1][key]['evidence']} {rows[1][key].get('locator')} {column}: expected {rows[0][key].get(column)!r}, found {rows[1][key].get(column)!r}")
        others = [{dump(line) for line in side if "id" not in line and "columns" not in line and "actions" not in line or line.get("id") not in rows[1 - at]}
                  for at, side in enumerate((old, new))]
        lines += [f"missing {line}" for line in sorted(others[0] - others[1])] + [f"surplus {line}" for line in sorted(others[1] - others[0])]
        return "\n".join(line[:600] for line in lines[:80])

    def investigate(self, name, *evidence):
        run = ekshume.Run("investigate", *evidence, "--case", name + ".case", "--format", "json")
        self.assertIn(run.code, (0, 1, 3), repr(run))
        if run.code == 3:  # nothing in it is of a known format
            return [], {"events": {"items": [], "known": []}, "diagnostics": [{"detail": run.err.strip().splitlines()[-1]}]}
        rows = ekshume.rows("search", name + ".case", "*")
        return rows, json.loads(run.out)


class Logs(Golden):
    """Each folder of real logs, with the path that it has there and one modification time."""

    def test_every_folder(self):
        if not LOGS.is_dir():
            self.skipTest(f"{LOGS} is not there; set EKSHUME_SHARED")
        work = ekshume.work_folder() / "logs"
        work.mkdir()
        os.chdir(work)
        folders = sorted(path.name for path in LOGS.iterdir() if path.is_dir())
        self.assertGreater(len(folders), 10)
        for name in folders:
            if UPDATE and NAMES and name not in NAMES:
                continue
            with self.subTest(name):
                shutil.copytree(LOGS / name, name)
                for path in pathlib.Path(name).rglob("*"):
                    os.utime(path, (WRITTEN, WRITTEN))
                rows, report = self.investigate(name, name)
                self.compare("logs/" + name, rows, report)


class Nodes(Golden):
    """The logs and artifacts on both disks, and the logs beside them."""

    def check(self, name, *beside):
        if UPDATE and NAMES and name not in NAMES:
            return
        folder = ekshume.shared_evidence(name)
        work = ekshume.work_folder() / name
        work.mkdir()
        os.chdir(work)
        image = work / "disk.img"
        os.rename(ekshume.unpacked(folder / "disk.img.zst"), image)
        for path in beside:
            shutil.copy(folder / path, work)
        names = ["disk.img", *(pathlib.Path(path).name for path in beside)]
        for path in names:
            os.utime(path, (WRITTEN, WRITTEN))
        rows, report = self.investigate(name, *names)
        image.unlink()
        self.compare("nodes/" + name, rows, report)

    def test_node_k8s(self):
        self.check("node-k8s", "logs/kube-apiserver-audit.log", "logs/authenticator.log")

    def test_node_docker(self):
        self.check("node-docker")


if __name__ == "__main__":
    ekshume.main()
