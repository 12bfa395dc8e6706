# SPDX-License-Identifier: Apache-2.0
"""bench/events on little data: it prints every line, and what it stores is what it made. Its times mean nothing here."""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

RATIOS = ("audit: ekshume / DuckDB, the same fields", "audit: ekshume / DuckDB, fields and records", "audit: ekshume / jq -c",
          "cloudtrail: ekshume / DuckDB, the same fields", "cloudtrail: ekshume / DuckDB, fields and records", "cloudtrail: ekshume / zcat, jq -c")
PEAKS = ("audit: peak memory", "cloudtrail: peak memory", "search: making the case: peak memory", "searches: peak memory")


class BenchEvents(ekshume.Case):
    def test_prints_what_it_measures(self):
        command = [ekshume.ROOT / "bench/events", "--size", "2", "--rows", "20000", "--pairs", "1", "--runs", "1", "--work", ekshume.work_folder() / "bench"]
        run = subprocess.run(command, env=os.environ | {"EKSHUME": str(ekshume.EKSHUME)}, capture_output=True, text=True)
        self.assertEqual(0, run.returncode, run.stderr)
        lines = run.stdout.splitlines()
        for wanted in RATIOS + PEAKS:
            self.assertEqual(1, sum(line[5:].startswith(wanted + " ") for line in lines), f"{wanted}\n{run.stdout}")
        self.assertEqual(6, sum("facets: " in line for line in lines), run.stdout)
        self.assertEqual(5, sum("text: " in line for line in lines), run.stdout)
        rows = [line for line in lines if "every record is a row" in line]
        self.assertEqual(3, len(rows), run.stdout)
        for line in rows:
            self.assertTrue(line.startswith("ok"), line)


if __name__ == "__main__":
    if not shutil.which("jq") or not (ekshume.SHARED / "logs").exists():
        ekshume.skip_all("jq or the real records in EKSHUME_SHARED/logs are not there")
    ekshume.main()
