# SPDX-License-Identifier: Apache-2.0
"""tools/check-tidy must find what clang-tidy finds in each source alone, where it stands, and nothing else."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Both sources give names of their own to the same things; the third does not compile behind the first.
SOURCES = {
    "src/planted/first.cc": """namespace planted {
namespace {
struct Row { int value; };
int Twice(int value) { return 2 * value; }
}  // namespace
int First(int value) { return Twice(Row{value}.value); }
}  // namespace planted
#define PLANTED 1
""",
    "src/planted/second.cc": """namespace planted {
namespace {
struct Row { int* place; };
int Twice(const int* place) { return 2 * *place; }
}  // namespace
int Second(int value) {
  const Row row{value > 3 ? nullptr : &value};
  return Twice(row.place);
}
}  // namespace planted
""",
    "src/planted/third.cc": """#ifdef PLANTED
#error behind the first
#endif
struct lower_case { int value; };
""",
    "src/planted/third_test.cc": """int Third(int value) {
  int* place = nullptr;
  return value > 3 ? *place : 0;
}
""",
}


class CheckTidy(unittest.TestCase):
    def run_on(self, *options):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder).resolve()
            shutil.copy(ROOT / ".clang-tidy", copy)
            commands = []
            for path, text in SOURCES.items():
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                (copy / path).write_text(text)
                commands.append({"file": str(copy / path), "directory": folder,
                                 "command": f"clang++ -std=c++23 -o x.o -c {path}"})
            (copy / "build").mkdir()
            (copy / "build/compile_commands.json").write_text(json.dumps(commands))
            for command in (["init", "-q"], ["add", "src"]):
                subprocess.run(["git", *command], cwd=copy, check=True)
            return subprocess.run([sys.executable, ROOT / "tools/check-tidy", *options, "build"], cwd=copy,
                                  capture_output=True, text=True)

    def test_each_planted_mistake_is_found_where_it_stands(self):
        done = self.run_on()
        self.assertEqual(1, done.returncode, done.stderr)
        found = [line for line in done.stdout.splitlines() if " error: " in line]
        self.assertEqual(2, len(found), done.stdout)
        self.assertRegex(done.stdout, r"(?m)^src/planted/second\.cc:4:.*core\.NullDereference")
        self.assertRegex(done.stdout, r"(?m)^src/planted/third\.cc:4:.*'lower_case'")

    def test_the_analyzer_can_be_left_out(self):
        done = self.run_on("--no-analyzer")
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertNotIn("core.NullDereference", done.stdout)
        self.assertIn("'lower_case'", done.stdout)


if __name__ == "__main__":
    if not shutil.which("clang-tidy-19"):
        print("skipped: clang-tidy-19 is not installed (make deps)")
        sys.exit(77)
    unittest.main()
