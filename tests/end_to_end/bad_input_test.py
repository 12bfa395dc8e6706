# SPDX-License-Identifier: Apache-2.0
"""Bad input: one clear sentence on standard error, the documented exit code, nothing half-written."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

DEMO = ekshume.ROOT / "tests/data/demo-node.img.zst"


def demo():
    target = ekshume.work_folder() / "demo.img"
    if not target.exists():
        subprocess.run(["zstd", "-d", "-q", "--sparse", DEMO, "-o", target], check=True)
    return target


class BadInput(ekshume.Case):
    def setUp(self):
        self.folder = ekshume.work_folder() / self.id().rsplit(".", 1)[-1]
        self.folder.mkdir()
        os.chdir(self.folder)

    def assert_refused(self, run, code, *words):
        self.assertEqual(code, run.code, run)
        self.assertEqual("", run.out)
        lines = [line for line in run.err.splitlines() if line.startswith("ekshume: ")]
        self.assertEqual(1, len(lines), run.err)
        for word in words:
            self.assertIn(word, lines[0])
        self.assertEqual([], sorted(os.listdir(self.folder)))

    def file(self, content):
        path = ekshume.work_folder() / f"input-{self.id().rsplit('.', 1)[-1]}"
        path.write_bytes(content)
        return path

    def test_missing_file(self):
        for verb in (["investigate"], ["containers", "list"], ["image", "info"], ["image", "hash"], ["pods", "list"]):
            with self.subTest(verb):
                self.assert_refused(ekshume.Run(*verb, "/nowhere/disk.img"), 3, "/nowhere/disk.img")

    def test_folder_with_nothing_known(self):
        folder = ekshume.work_folder() / "empty-folder"
        folder.mkdir()
        self.assert_refused(ekshume.Run("containers", "list", folder), 3, "no container store")

    def test_empty_file(self):
        self.assert_refused(ekshume.Run("containers", "list", self.file(b"")), 3)

    def test_unknown_content(self):
        self.assert_refused(ekshume.Run("investigate", self.file(b"hello, this is no disk\n" * 1000)), 3, "no filesystem")

    def test_encrypted_volume(self):
        self.assert_refused(ekshume.Run("fs", "ls", self.file(b"LUKS\xba\xbe\x00\x02" + bytes(1 << 20))), 3, "LUKS")

    def test_filesystem_that_is_not_read(self):
        content = bytearray(1 << 20)
        content[0x10040:0x10048] = b"_BHRfS_M"
        self.assert_refused(ekshume.Run("fs", "ls", self.file(bytes(content))), 3, "Btrfs")

    def test_tiny_file_that_claims_to_be_huge(self):
        superblock = bytearray(1024)
        superblock[0:4] = b"XFSB"
        superblock[4:8] = (4096).to_bytes(4, "big")
        superblock[8:16] = (1 << 48).to_bytes(8, "big")
        self.assertEqual(3, ekshume.Run("fs", "find", self.file(bytes(superblock)), timeout=20).code)

    def test_standard_input(self):
        self.assert_refused(ekshume.Run("investigate", "-"), 3, "standard input")

    def test_unknown_container(self):
        self.assert_refused(ekshume.Run("containers", "show", demo(), "feedfacecafe"), 3, "feedfacecafe")

    def test_missing_path(self):
        self.assert_refused(ekshume.Run("fs", "cat", demo(), "/etc/no-such-file"), 3, "/etc/no-such-file")

    def test_directory_as_a_file(self):
        self.assert_refused(ekshume.Run("fs", "cat", demo(), "/etc"), 3, "not a regular file")

    def test_missing_partition(self):
        self.assert_refused(ekshume.Run("fs", "ls", demo(), "/", "--partition", "77"), 2, "77")

    def test_usage(self):
        self.assertEqual(2, ekshume.Run().code)
        self.assertEqual(2, ekshume.Run("no-such-verb").code)
        self.assertEqual(2, ekshume.Run("fs", "find", demo(), "--format", "xml").code)

    def test_case_that_is_something_else(self):
        other = ekshume.work_folder() / "other-folder"
        other.mkdir()
        (other / "thesis.txt").write_text("do not touch")
        run = ekshume.Run("investigate", demo(), "--case", other)
        self.assert_refused(run, 2, "not a case")
        self.assertEqual(["thesis.txt"], os.listdir(other))

    def a_container(self):
        return next(c["id"] for c in ekshume.rows("containers", "list", demo()) if c["kind"] == "container" and not c["recovered"])

    def test_full_disk_while_exporting(self):
        if os.geteuid() != 0:
            self.skipTest("a small tmpfs needs root")
        small = ekshume.work_folder() / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
        try:
            container = self.a_container()
            for arguments in (["export", demo(), container, "--output", small / "out.tar"], ["extract", demo(), container, "--to", small / "out"]):
                with self.subTest(arguments[0]):
                    run = ekshume.Run("containers", *arguments)
                    self.assertEqual(3, run.code, run)
                    self.assertIn("No space left", run.err)
                    self.assertEqual([], os.listdir(small))
            run = ekshume.Run("fs", "find", demo(), "/", "--format", "jsonl", "--output", small / "find.jsonl")
            self.assertEqual(3, run.code, run)
            self.assertEqual([], os.listdir(small))
        finally:
            subprocess.run(["umount", small], check=True)

    def test_full_device(self):
        run = ekshume.Run("containers", "export", demo(), self.a_container(), "--output", "/dev/full")
        self.assertEqual(3, run.code, run)
        self.assertTrue(pathlib.Path("/dev/full").is_char_device())

    def test_missing_output_folder(self):
        self.assert_refused(ekshume.Run("fs", "find", demo(), "/", "--output", "/nowhere/x"), 3, "/nowhere/x")

    def test_closed_pipe_is_no_error(self):
        done = subprocess.run(f"'{ekshume.EKSHUME}' fs find '{demo()}' / --format jsonl | head -1 > /dev/null; exit ${{PIPESTATUS[0]}}",
                              shell=True, executable="/bin/bash", capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stderr)


if __name__ == "__main__":
    ekshume.main()
