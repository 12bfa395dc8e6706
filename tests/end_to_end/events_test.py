# SPDX-License-Identifier: Apache-2.0
"""Logs and artifacts on one timeline: every wrapping, exact counts, the attack in order, and what
happens when evidence is damaged, the disk is full, or the program is killed."""
import base64
import collections
import gzip
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tarfile
import time
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

NODE = ekshume.shared_evidence("node-k8s")
AUDIT = (NODE / "logs/kube-apiserver-audit.log").read_bytes()
LINES = AUDIT.splitlines()


def investigate(case, *evidence, codes=(0,)):
    """The report of an investigation."""
    run = ekshume.Run("investigate", *evidence, "--case", case, "--format", "json")
    if run.code not in codes:
        raise AssertionError(repr(run))
    return json.loads(run.out)


def ids(case):
    return sorted(row["id"] for row in ekshume.rows("search", case, "*", "--columns", "id"))


class Events(ekshume.FolderCase):
    def assert_items(self, report):
        self.assertTrue(report["events"]["items"])
        self.assert_counts(report["events"]["items"])


class Wrappings(Events):
    def wrappings(self):
        """Every wrapping that audit logs arrive in, with the same records."""
        text = [line.decode() for line in LINES]
        cloudwatch = [{"logStreamName": "kube-apiserver-audit-0", "timestamp": 1795556400000 + i,
                       "message": line, "ingestionTime": 1, "eventId": str(i)} for i, line in enumerate(text)]
        payload = [{"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/eks/prod/cluster",
                    "logStream": "kube-apiserver-audit-0", "subscriptionFilters": [],
                    "logEvents": [{"id": str(i), "timestamp": 1795556400000, "message": line}
                                  for i, line in enumerate(text[start:start + 100])]}
                   for start in range(0, len(text), 100)]
        control = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "",
                   "logEvents": [{"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health of destination"}]}
        insights = {"results": [[{"field": "@timestamp", "value": "2026-11-24 21:40:01.661"},
                                 {"field": "@message", "value": line}] for line in text], "status": "Complete"}
        csv = "@timestamp,@message\n" + "".join(
            '2026-11-24 21:40:01.661,"' + line.replace('"', '""') + '"\n' for line in text)
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            for part, lines in enumerate((LINES[:500], LINES[500:])):
                content = gzip.compress(b"\n".join(lines) + b"\n")
                info = tarfile.TarInfo(f"logs/{part}.gz")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("audit.log", AUDIT)
        yield "lines", AUDIT
        yield "array", b"[" + b",\n".join(LINES) + b"]"
        yield "list", b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[' + b",".join(LINES) + b"]}"
        yield "printed", json.dumps([json.loads(line) for line in LINES], indent=2).encode()
        yield "concatenated", b"".join(LINES)
        yield "gzip", gzip.compress(AUDIT)
        yield "gzip_members", gzip.compress(AUDIT[:100000]) + gzip.compress(AUDIT[100000:])
        yield "gzip_twice", gzip.compress(gzip.compress(AUDIT))
        yield "zstd", subprocess.run(["zstd", "-c"], input=AUDIT, capture_output=True, check=True).stdout
        yield "tar_gz", gzip.compress(tar.getvalue())
        yield "zip", zipped.getvalue()
        yield "filter_log_events", json.dumps({"events": cloudwatch, "searchedLogStreams": []}).encode()
        yield "export_to_s3", gzip.compress(b"".join(b"2026-11-24T21:40:00.000Z " + line + b"\n" for line in LINES))
        yield "logs_tail", b"".join(
            b"2026-11-24T21:40:00.000000+00:00 kube-apiserver-audit-0 " + line + b"\n" for line in LINES)
        yield "insights", json.dumps(insights).encode()
        yield "insights_csv", csv.encode()
        yield "firehose", b"".join(gzip.compress(json.dumps(p).encode()) for p in [control, *payload])
        yield "firehose_gzip", gzip.compress(b"".join(gzip.compress(json.dumps(p).encode()) for p in payload))
        yield "subscription", b"\n".join(base64.b64encode(gzip.compress(json.dumps(p).encode())) for p in payload)
        yield "lambda", json.dumps({"awslogs": {"data": base64.b64encode(
            gzip.compress(json.dumps(dict(payload[0], logEvents=[e for p in payload for e in p["logEvents"]])).encode())).decode()}}).encode()
        yield "fluent_bit", b"".join(json.dumps({"date": 1.5, "log": line, "kubernetes": {"pod_name": "apiserver"}}).encode() + b"\n"
                                     for line in text)

    def test_every_wrapping_gives_the_same_events(self):
        report = investigate("plain", NODE / "logs/kube-apiserver-audit.log")
        self.assert_items(report)
        expected = ids("plain")
        self.assertEqual(len(LINES), report["events"]["items"][0]["records"])
        self.assertEqual(len(expected), report["events"]["items"][0]["rows"])
        seen = 0
        for name, content in self.wrappings():
            with self.subTest(name):
                path = self.write("in/" + name, content)
                report = investigate("case-" + name, path)
                self.assert_items(report)
                self.assertEqual(expected, ids("case-" + name))
                # Into the case that has them: all are duplicates, nothing is added.
                if name != "lines":
                    again = investigate("plain", path)
                    self.assert_items(again)
                    item = again["events"]["items"][0]
                    self.assertEqual(0, item["rows"], item)
                    self.assertEqual(len(LINES), item["duplicates"] + item["folded"], item)
                self.assertEqual(expected, ids("plain"))
                seen += 1
        self.assertGreater(seen, 20)

    def test_twice_adds_nothing(self):
        path = self.write("audit.log", AUDIT)
        investigate("case", path)
        before = ids("case")
        report = investigate("case", path, self.write("copy-under-another-name", AUDIT))
        self.assertEqual([], report["events"]["items"])
        self.assertEqual(2, len(report["events"]["known"]))
        self.assertEqual(before, ids("case"))

    def test_show_prints_the_record_as_found(self):
        path = self.write("audit.log", AUDIT)
        investigate("case", path)
        rows = ekshume.rows("search", "case", "verb:create AND object_kind:pods\\/exec", "--columns", "id,locator")
        self.assertGreater(len(rows), 5)
        for row in rows:
            shown = ekshume.Run("case", "show", "case", row["id"])
            self.assertEqual(0, shown.code, shown)
            self.assertIn(shown.raw.rstrip(b"\n"), LINES)
            offset = int(row["locator"].removeprefix("offset="))
            self.assertTrue(AUDIT[offset:].startswith(shown.raw.rstrip(b"\n")))


class Exports(Events):
    def test_every_format_holds_every_event(self):
        investigate("case", NODE / "logs")
        expected = ekshume.rows("search", "case", "*")
        for name, header in (("jsonl", 0), ("csv", 1), ("timesketch", 0), ("timesketch-csv", 1), ("cef", 0)):
            run = ekshume.Run("export", "case", "--to", name)
            self.assertEqual(0, run.code, run)
            self.assertEqual(len(expected) + header, len(run.out.splitlines()), name)
        for line, row in zip(ekshume.Run("export", "case", "--to", "timesketch").out.splitlines(), expected):
            event = json.loads(line)
            self.assertEqual(row["message"], event["message"])
            self.assertTrue(event["timestamp_desc"])
            self.assertEqual(row["time"][:19], event["datetime"][:19])
        run = ekshume.Run("export", "case", "--to", "parquet", "--output", "lake")
        self.assertEqual(0, run.code, run)
        partitions = {f"source={row['source']}/day={row['time'][:10]}" for row in expected}
        found = {str(path.parent.relative_to("lake")) for path in pathlib.Path("lake").rglob("*.parquet")}
        self.assertEqual(partitions, found)
        for path in pathlib.Path("lake").rglob("*.parquet"):
            self.assertEqual(b"PAR1", path.read_bytes()[:4])
        self.assertEqual(3, ekshume.Run("export", "case", "--to", "parquet", "--output", "lake").code)
        self.assertEqual(2, ekshume.Run("export", "case", "--to", "xml").code)
        ledger = ekshume.rows("case", "custody", "case")
        self.assertEqual("export", ledger[-1]["action"])

    def test_our_own_timeline_comes_back(self):
        investigate("case", NODE / "logs")
        run = ekshume.Run("export", "case", "--to", "timesketch", "--output", "t.jsonl")
        self.assertEqual(0, run.code, run)
        report = investigate("again", self.folder / "t.jsonl")
        self.assert_items(report)
        messages = [row["message"] for row in ekshume.rows("search", "case", "*", "--columns", "message")]
        again = [row["message"] for row in ekshume.rows("search", "again", "*", "--columns", "message")]
        self.assertEqual(sorted(messages), sorted(again))

    def test_facets_and_histogram_count_all(self):
        investigate("case", NODE / "logs")
        total = len(ids("case"))
        facets = ekshume.rows("search", "case", "*", "--facets", "source")
        self.assertEqual(total, sum(row["count"] for row in facets))
        self.assert_facets("*", ["user_name", "source", "time", "status_code", "raw"], 3)
        self.assert_facets("secrets", ["source", "source", "action"], 20)
        self.assertEqual([], ekshume.rows("search", "case", "xyzzy", "--facets", "source,action"))
        histogram = ekshume.rows("search", "case", "*", "--histogram", "10s")
        self.assertEqual(total, sum(row["count"] for row in histogram))
        self.assertGreater(len(histogram), 3)


    def assert_facets(self, query, columns, size):
        """Facets of several columns are what counting the rows gives: the most frequent first, then by value, no value last."""
        rows = ekshume.rows("search", "case", query)
        self.assertGreater(len(rows), size)
        facets = ekshume.rows("search", "case", query, "--facets", ",".join(columns), "--facet-size", str(size))
        self.assertEqual(sorted(set(columns)), sorted({row["field"] for row in facets}))
        for column in set(columns):
            found = [(row["value"], row["count"]) for row in facets if row["field"] == column]
            counted = collections.Counter(row[column] for row in rows)
            self.assertEqual(min(size, len(counted)), len(found))
            self.assertEqual(sorted(counted.values(), reverse=True)[:size], [count for _, count in found])
            self.assertEqual(sorted(found, key=lambda pair: (-pair[1], pair[0] is None, pair[0] or "")), found)
            for value, count in found:
                if column not in ("time", "status_code"):  # those are printed in another form
                    self.assertEqual(counted[value], count)


class Attack(Events):
    def test_one_search_shows_the_attack_in_order(self):
        investigate("case", NODE / "disk.img.zst", NODE / "logs", codes=(0, 1))
        query = ("tags:anonymous OR (source:authenticator AND outcome:failure) OR actor:ci-deployer"
                 " OR service_account:\"shop/webshop\""
                 " OR (source:file AND (path:\"/tmp/.X11-unix/kdevtmpfsi\" OR path:\"/usr/local/bin/.dbus\"))"
                 " OR ((source:cron OR source:systemd_unit OR source:ssh) AND time:[2026-11-24T21:40:20 TO *])"
                 " OR pod:recon OR pod:node-health-checker")
        rows = ekshume.rows("search", "case", query)
        times = [row["time"] or "untimed" for row in rows]  # those without a time come last
        self.assertEqual(sorted(times), times)

        def row_text(row):
            return " | ".join(str(row.get(key) or "") for key in (
                "source", "user_name", "namespace", "pod", "container", "path", "message"))

        story = [
            r"k8s_audit \| system:anonymous .*tried to list .*403",
            r"authenticator .*999999999999.*not (let in|mapped)",
            r"k8s_audit \| ci-deployer .*listed secrets",
            r"k8s_audit \| ci-deployer \| shop \| webshop-\S+ \| webshop .*ran .*kdevtmpfsi",
            r"file \| .* \| shop \| webshop-\S+ \| webshop \| /tmp/\.X11-unix/kdevtmpfsi",
            r"file \| .* \| shop \| webshop-\S+ \| webshop \| /usr/local/bin/\.dbus",
            r"k8s_audit \| system:serviceaccount:shop:webshop ",
            r"k8s_audit \| ci-deployer \| kube-system \| node-health-checker .*created pod",
            r"(cron|systemd_unit) \| ",
            r"k8s_audit \| ci-deployer .*created clusterrolebinding",
            r"k8s_audit \| ci-deployer .*created cronjob",
            r"k8s_audit \| ci-deployer \| shop \| recon .*deleted pod",
        ]
        texts = [row_text(row) for row in rows]
        at = {}
        for pattern in story:
            found = [i for i, text in enumerate(texts) if re.search(pattern, text)]
            self.assertTrue(found, f"{pattern}\n" + "\n".join(texts))
            at[pattern] = found
        # The file appears after the exec that made it, and before the escape.
        exec_at = at[story[3]][0]
        self.assertLess(exec_at, at[story[4]][0])
        self.assertLess(at[story[1]][0], exec_at)
        self.assertLess(at[story[2]][0], exec_at)
        self.assertLess(exec_at, at[story[7]][0])
        self.assertLess(at[story[7]][0], at[story[8]][-1])
        for pattern in (story[9], story[10], story[11]):
            self.assertLess(at[story[7]][0], at[pattern][-1], pattern)

    def test_an_actor_is_found_by_every_name(self):
        investigate("case", NODE / "logs")
        by_arn = ekshume.rows("search", "case", 'actor:"arn:aws:iam::123456789012:user/ci-deployer"', "--columns", "id,source")
        by_key = ekshume.rows("search", "case", "actor:AKIAEXAMPLECI0000002", "--columns", "id,source")
        self.assertEqual(by_arn, by_key)
        self.assertEqual({"authenticator", "k8s_audit"}, {row["source"] for row in by_arn})


class Damage(Events):
    def test_one_corrupt_member_of_ten_leaves_nine(self):
        part = len(LINES) // 10
        for kind in ("tar", "zip"):
            with self.subTest(kind):
                buffer = io.BytesIO()
                names = [f"part{i}.log" for i in range(10)]
                parts = [b"\n".join(LINES[i * part:(i + 1) * part]) + b"\n" for i in range(10)]
                if kind == "zip":
                    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
                        for name, content in zip(names, parts):
                            archive.writestr(name, content)
                        middle = archive.infolist()[4].header_offset + 200
                    data = bytearray(buffer.getvalue())
                else:
                    with tarfile.open(fileobj=buffer, mode="w") as archive:
                        for name, content in zip(names, parts):
                            packed = gzip.compress(content)
                            info = tarfile.TarInfo(name + ".gz")
                            info.size = len(packed)
                            archive.addfile(info, io.BytesIO(packed))
                    data = bytearray(buffer.getvalue())
                    middle = data.index(b"part4.log") + 512 + 100
                data[middle:middle + 50] = os.urandom(50)
                report = investigate(kind, self.write(kind + ".bin", bytes(data)), codes=(1,))
                self.assert_items(report)
                damaged = [d for d in report["diagnostics"] if d["code"] == "log_carrier_damaged"]
                self.assertEqual(1, len(damaged), damaged)
                self.assertIn("part4", damaged[0]["evidence"])
                members = {row["evidence"] for row in ekshume.rows("search", kind, "*", "--columns", "evidence")}
                for i in (0, 1, 2, 3, 5, 6, 7, 8, 9):
                    self.assertTrue(any(f"part{i}.log" in member for member in members), (i, members))

    def test_bad_lines_leave_the_others(self):
        good = LINES[:50]
        bad = [b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":' + b"[" * 100000,
               b'{"auditID":"x","kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"\xff\xfe"}',
               LINES[60][:len(LINES[60]) // 2] + b"[Truncated...]",
               b"x" * (100 << 20),
               LINES[61].replace(b"2026-", b"0000-"), LINES[62].replace(b'"2026-', b'"30828-')]
        content = b"\n".join([*good[:25], *bad, *good[25:]]) + b"\n"
        report = investigate("case", self.write("audit.log", content), codes=(0, 1))
        self.assert_items(report)
        stored = {row["record_id"] for row in ekshume.rows("search", "case", "*", "--columns", "record_id")}
        for line in good:
            self.assertIn(json.loads(line)["auditID"], stored)
        self.assertIn(json.loads(LINES[60])["auditID"], stored)
        codes = {d["code"] for d in report["diagnostics"]}
        self.assertIn("log_record_too_long", codes)
        self.assertIn("log_record_truncated", codes)

    def test_a_bomb_costs_little(self):
        zeros = gzip.compress(b"\0" * (64 << 20), 9)
        bomb = gzip.compress(zeros * 64, 9)
        run = ekshume.Run("investigate", self.write("bomb.gz", bomb), self.write("audit.log", AUDIT), "--case", "case", "--format", "json")
        self.assertIn(run.code, (0, 1), run)
        self.assertEqual(len(set(json.loads(line)["auditID"] for line in LINES)), len(ids("case")))

    def test_a_query_that_is_wrong_points_at_the_place(self):
        investigate("case", self.write("audit.log", b"\n".join(LINES[:5])))
        run = ekshume.Run("search", "case", "verb:create AND (pod:x")
        self.assertEqual(2, run.code, run)
        self.assertIn("^", run.err)
        run = ekshume.Run("sql", "case", "DELETE FROM events")
        self.assertEqual(2, run.code, run)
        self.assertEqual(5, len(ids("case")))

    def test_killed_and_resumed_gives_the_same_rows(self):
        # Enough that the kill comes in the middle: the same records with other ids.
        many = []
        for copy in range(60):
            for line in LINES:
                many.append(line.replace(b'"auditID":"', b'"auditID":"%d-' % copy, 1))
        half = len(many) // 2
        first = self.write("a.log", b"\n".join(many[:half]))
        second = self.write("b.log", b"\n".join(many[half:]))
        investigate("whole", first, second)
        expected = ids("whole")
        killed = 0
        for delay in (0.05, 0.2, 0.5, 1.0):
            process = subprocess.Popen([ekshume.EKSHUME, "-q", "investigate", first, second, "--case", "cut"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        self.assertGreater(killed, 0)
        investigate("cut", first, second)
        self.assertEqual(expected, ids("cut"))

    @unittest.skipUnless(os.geteuid() == 0, "a small file system needs root")
    def test_a_full_disk_leaves_the_store_intact(self):
        mount = self.folder / "small"
        mount.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", mount], check=True)
        try:
            investigate(mount / "case", self.write("small.log", b"\n".join(LINES[:100])))
            before = ids(mount / "case")
            many = b"\n".join(line.replace(b'"auditID":"', b'"auditID":"%d-' % copy, 1)
                              for copy in range(200) for line in LINES)
            (mount / "ballast").write_bytes(b"\1" * (17 << 20))
            run = ekshume.Run("investigate", self.write("large.log", many), "--case", mount / "case")
            self.assertEqual(3, run.code, run)
            self.assertEqual(before, ids(mount / "case"))
            (mount / "ballast").unlink()
        finally:
            subprocess.run(["umount", mount], check=True)


if __name__ == "__main__":
    ekshume.main()
