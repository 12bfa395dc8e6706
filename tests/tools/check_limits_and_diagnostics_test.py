# SPDX-License-Identifier: Apache-2.0
"""tools/check-limits-and-diagnostics must find each kind of omission when one is made in a copy of the sources."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = ("src/base/limits.h", "inline constexpr int kMaxPlanted = 1;  // planted\n")
# What is added to which files, and what must be found; nothing must be found where that is None.
PLANTED = {
    "unused limit": ([LIMIT], "limit kMaxPlanted is used by nothing"),
    "limit that only a comment uses": ([LIMIT, ("src/fs/planted.cc", "// limits::kMaxPlanted\n")],
                                       "limit kMaxPlanted is used by nothing"),
    "untested limit": ([LIMIT, ("src/fs/planted.cc", "int x = limits::kMaxPlanted;\n")],
                       "limit kMaxPlanted is named by no unit test"),
    "limit that only a comment tests": ([LIMIT, ("src/fs/planted.cc", "int x = limits::kMaxPlanted;\n"),
                                         ("src/fs/planted_test.cc", "// limits::kMaxPlanted\n")],
                                        "limit kMaxPlanted is named by no unit test"),
    "tested limit": ([LIMIT, ("src/fs/planted.cc", "int x = limits::kMaxPlanted;\n"),
                      ("src/fs/planted_test.cc", "int y = limits::kMaxPlanted + 1;\n")], None),
    "diagnostic that only a test names": (
        [("src/base/diagnostic_codes.def", 'EKSHUME_DIAGNOSTIC(kPlanted, kInfo, "Planted")\n'),
         ("src/fs/planted_test.cc", "auto code = DiagnosticCode::kPlanted;\n")], "diagnostic kPlanted is reported by nothing"),
}


class CheckLimitsAndDiagnostics(unittest.TestCase):
    def run_on(self, root):
        tool = ROOT / "tools/check-limits-and-diagnostics"
        return subprocess.run([sys.executable, tool, root], capture_output=True, text=True)

    def test_the_repository_passes(self):
        done = self.run_on(ROOT)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_each_planted_omission_is_found(self):
        for name, (additions, message) in PLANTED.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                copy = pathlib.Path(folder)
                shutil.copytree(ROOT / "src", copy / "src")
                for path, text in additions:
                    with (copy / path).open("a") as file:
                        file.write(text)
                done = self.run_on(copy)
                if message is None:
                    self.assertNotIn("Planted", done.stderr)
                else:
                    self.assertEqual(1, done.returncode)
                    self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main()
