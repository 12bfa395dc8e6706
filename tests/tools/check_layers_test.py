# SPDX-License-Identifier: Apache-2.0
"""tools/check-layers must find each kind of violation when one is planted in a copy of the sources."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
PLANTED = {
    "arrow downwards": ("src/fs/planted.h", SPDX + '#include "casefile/case.h"\n', "fs may not use casefile"),
    "one format uses another": ("src/fs/xfs/planted.h", SPDX + '#include "fs/ext4/format.h"\n', "fs/xfs may not use fs/ext4"),
    "a writer below casefile": ("src/runtime/planted.cc", SPDX + 'void F() { unlink("x"); }\n', "writes to the file system"),
    "an opened file": ("src/image/planted.cc", SPDX + "int f = open(p, O_CREAT);\n", "opens a file for writing"),
    "a raw cast": ("src/volume/planted.cc", SPDX + "auto* p = reinterpret_cast<char*>(q);\n", "casts or copies raw bytes"),
    "a throw": ("src/fs/planted.cc", SPDX + "void F() { throw 1; }\n", "throws or ends the process"),
    "a print": ("src/fs/planted.cc", SPDX + 'void F() { std::printf("x"); }\n', "prints"),
    "no licence": ("src/base/planted.h", "#pragma once\n", "SPDX"),
    "a long file": ("src/base/planted.cc", SPDX + "int x;\n" * 900, "more than 800"),
}


class CheckLayers(unittest.TestCase):
    def run_on(self, root):
        return subprocess.run([sys.executable, ROOT / "tools/check-layers", root], capture_output=True, text=True)

    def test_the_repository_passes(self):
        done = self.run_on(ROOT)
        self.assertEqual(0, done.returncode, done.stdout)

    def test_each_planted_violation_is_found(self):
        for name, (path, text, message) in PLANTED.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                copy = pathlib.Path(folder)
                shutil.copytree(ROOT / "src", copy / "src")
                (copy / path).write_text(text)
                done = self.run_on(copy)
                self.assertEqual(1, done.returncode, done.stdout)
                self.assertIn(message, done.stdout)
                self.assertIn(path, done.stdout)


if __name__ == "__main__":
    unittest.main()
