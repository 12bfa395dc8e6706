# SPDX-License-Identifier: Apache-2.0
"""The verbs on the demo node: each output format, export, extraction, mount, compressed and split images, the case."""
import csv
import hashlib
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

ARCHIVE = ekshume.ROOT / "tests/data/demo-node.img.zst"
IMAGE = ekshume.work_folder() / "demo.img"
subprocess.run(["zstd", "-d", "-q", "-f", "--sparse", ARCHIVE, "-o", IMAGE], check=True)
WEB = next(c for c in ekshume.rows("containers", "list", IMAGE) if c["pod"] and c["pod"]["container"] == "web")


def tree_hashes(folder):
    """{path: sha256} of the regular files below a folder."""
    found = {}
    for directory, _, names in os.walk(folder):
        for name in names:
            path = pathlib.Path(directory) / name
            if path.is_file() and not path.is_symlink():
                found["/" + str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def container_hashes():
    return {row["path"]: row["sha256"] for row in ekshume.rows("containers", "hash", IMAGE, WEB["id"], "/")}


class Formats(ekshume.Case):
    def test_all_formats_have_the_same_rows(self):
        lines = ekshume.rows("fs", "find", IMAGE, "/etc")
        whole = json.loads(ekshume.Run("fs", "find", IMAGE, "/etc", "--format", "json").out)
        self.assertEqual(lines, whole)
        table = list(csv.DictReader(io.StringIO(ekshume.Run("fs", "find", IMAGE, "/etc", "--format", "csv").out)))
        self.assertEqual([row["path"] for row in lines], [row["path"] for row in table])
        self.assertEqual([row["mtime"] for row in lines], [row["mtime"] for row in table])
        text = ekshume.Run("fs", "find", IMAGE, "/etc").out.splitlines()
        self.assertEqual(len(lines) + 1, len(text))
        self.assertTrue(text[0].startswith("PATH"))

    def test_same_input_same_output(self):
        runs = {ekshume.Run("fs", "find", IMAGE, "/", "--sha256", "--format", "jsonl").out for _ in range(3)}
        self.assertEqual(1, len(runs))
        one = subprocess.run(["taskset", "-c", "0", ekshume.EKSHUME, "fs", "find", IMAGE, "/", "--sha256", "--format", "jsonl"],
                             env={"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PATH": os.environ["PATH"]}, capture_output=True, text=True)
        self.assertEqual(runs, {one.stdout})

    def test_output_to_a_file(self):
        target = ekshume.work_folder() / "rows.jsonl"
        run = ekshume.Run("pods", "list", IMAGE, "--format", "jsonl", "--output", target)
        self.assertEqual("", run.out)
        self.assertEqual(ekshume.rows("pods", "list", IMAGE), [json.loads(line) for line in target.read_text().splitlines()])

    def test_help_has_examples(self):
        for verb in ("investigate", "image", "fs", "containers", "pods", "images", "whois", "case"):
            run = ekshume.Run(verb, "--help")
            self.assertEqual(0, run.code)
            self.assertIn("Example", run.out, verb)


class Exports(ekshume.Case):
    def test_tar_holds_what_the_container_saw(self):
        target = ekshume.work_folder() / "web.tar"
        self.assertEqual(0, ekshume.Run("containers", "export", IMAGE, WEB["id"], "--output", target).code)
        rows = {row["path"]: row for row in ekshume.rows("containers", "find", IMAGE, WEB["id"], "/") if row["path"] != "/"}
        with tarfile.open(target) as archive:
            members = {"/" + member.name: member for member in archive.getmembers()}
            self.assertEqual({p for p, r in rows.items() if r["type"] != "s"}, set(members))
            hashes = container_hashes()
            for path, member in members.items():
                row = rows[path]
                self.assertEqual(int(row["mode"], 8), member.mode, path)
                self.assertEqual((row["uid"], row["gid"]), (member.uid, member.gid), path)
                if member.issym():
                    self.assertEqual(row["target"], member.linkname)
                if member.isreg():
                    self.assertEqual(hashes[path], hashlib.sha256(archive.extractfile(member).read()).hexdigest(), path)
        piped = ekshume.Run("containers", "export", IMAGE, WEB["id"])
        self.assertEqual(target.read_bytes(), piped.raw)

    def test_gnu_tar_agrees(self):
        folder = ekshume.work_folder() / "untarred"
        folder.mkdir()
        archive = ekshume.work_folder() / "gnu.tar"
        ekshume.Run("containers", "export", IMAGE, WEB["id"], "--output", archive)
        subprocess.run(["tar", "-xf", archive, "-C", folder, "--exclude", "dev/*"], check=True)
        self.assert_same(container_hashes(), tree_hashes(folder))

    def test_extract(self):
        target = ekshume.work_folder() / "extracted"
        run = ekshume.Run("containers", "extract", IMAGE, WEB["id"], "/", "--to", target)
        self.assertIn(run.code, (0, 1), run)
        self.assert_same(container_hashes(), tree_hashes(target))
        # The set-uid shell comes out without its bit.
        self.assertEqual(0, (target / "usr/local/bin/.dbus").stat().st_mode & 0o6000)
        again = ekshume.Run("containers", "extract", IMAGE, WEB["id"], "/", "--to", target)
        self.assertNotEqual(0, again.code)

    def test_extract_one_file_of_the_host(self):
        target = ekshume.work_folder() / "cron"
        self.assertEqual(0, ekshume.Run("fs", "extract", IMAGE, "/etc/cron.d", "--to", target).code)
        self.assertEqual(ekshume.Run("fs", "cat", IMAGE, "/etc/cron.d/system-update").raw, (target / "system-update").read_bytes())

    def test_mount(self):
        if not os.path.exists("/dev/fuse") or shutil.which("fusermount3") is None:
            self.skipTest("no FUSE here")
        folder = ekshume.work_folder() / "mounted"
        folder.mkdir()
        process = subprocess.Popen([ekshume.EKSHUME, "containers", "mount", IMAGE, WEB["id"], "--at", folder], stderr=subprocess.PIPE)
        try:
            for _ in range(100):
                if os.path.ismount(folder) or process.poll() is not None:
                    break
                time.sleep(0.1)
            self.assertTrue(os.path.ismount(folder), process.poll())
            self.assert_same(container_hashes(), tree_hashes(folder))
            with self.assertRaises(OSError):
                (folder / "new").write_text("x")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
        self.assertFalse(os.path.ismount(folder))
        self.assertEqual(0, process.returncode, process.stderr.read())

    def test_files_of_an_image(self):
        reference = WEB["image"]
        names = {row["path"] for row in ekshume.rows("images", "find", IMAGE, reference, "/")}
        self.assertIn("/usr/bin/curl", names)  # the container deleted it, the image has it
        self.assertNotIn("/tmp/.X11-unix/kdevtmpfsi", names)


class Images(ekshume.Case):
    def expected(self):
        return {row["path"]: row["sha256"] for row in ekshume.rows("fs", "hash", IMAGE, "/")}

    def found(self, path):
        return {row["path"]: row["sha256"] for row in ekshume.rows("fs", "hash", path, "/")}

    def test_compressed_and_split(self):
        gz = ekshume.work_folder() / "demo.bin"  # by content, not by name
        with open(gz, "wb") as out:
            subprocess.run(["gzip", "-1", "-c", IMAGE], stdout=out, check=True)
        parts = ekshume.work_folder() / "parts"
        parts.mkdir()
        subprocess.run(["split", "-b", "64M", "-d", "-a", "3", "--numeric-suffixes=1", IMAGE, parts / "demo."], check=True)
        for path in (ARCHIVE, gz, parts / "demo.001"):
            with self.subTest(path.name):
                self.assert_same(self.expected(), self.found(path))
        digest = subprocess.run(["sha256sum", IMAGE], capture_output=True, text=True, check=True).stdout.split()[0]
        for path in (ARCHIVE, gz, parts / "demo.001"):
            content = [r for r in ekshume.rows("image", "hash", path) if r["what"] == "content"]
            self.assertEqual([digest], [r["sha256"] for r in content], path)

    def test_folder_with_an_extracted_node(self):
        folder = ekshume.work_folder() / "node"
        run = ekshume.Run("fs", "extract", IMAGE, "/", "--to", folder, "--devices", "--preserve")
        if os.geteuid() != 0:
            self.skipTest("device nodes need root")
        self.assertIn(run.code, (0, 1), run)
        image = {c["id"]: c["state"] for c in ekshume.rows("containers", "list", IMAGE)}
        self.assertEqual(image, {c["id"]: c["state"] for c in ekshume.rows("containers", "list", folder)})

    def test_truncated_image(self):
        short = ekshume.work_folder() / "short.img"
        shutil.copyfile(IMAGE, short)
        os.truncate(short, 300 << 20)
        run = ekshume.Run("fs", "find", short, "/", "--format", "jsonl")
        self.assertEqual(1, run.code, run)
        self.assertIn("ends before the end", run.err)
        self.assertGreater(len(run.out.splitlines()), 50)


class Cases(ekshume.Case):
    def test_case_is_evidence_and_keeps_its_ledger(self):
        folder = ekshume.work_folder() / "cases"
        folder.mkdir()
        case = folder / "mine"
        for expected in (1, 2):
            run = ekshume.Run("investigate", ARCHIVE if expected == 1 else case, *(["--case", case] if expected == 1 else []))
            self.assertEqual(0, run.code, run)
            self.assertEqual(expected, len(ekshume.rows("case", "custody", case)))
        self.assertEqual([str(case)], [c["path"] for c in ekshume.rows("case", "list", folder)])
        self.assertEqual(0, ekshume.Run("case", "verify", case).code)
        ledger = case / "custody.jsonl"
        ledger.write_text(ledger.read_text().replace('"user":"', '"user":"not-', 1))
        self.assertEqual(3, ekshume.Run("case", "verify", case).code)
        digest = hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()
        self.assertIn(digest, ledger.read_text())


if __name__ == "__main__":
    ekshume.main()
