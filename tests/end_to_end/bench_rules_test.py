# SPDX-License-Identifier: Apache-2.0
"""bench/rules on little data: it prints every line, and all the rules that it makes load. Its times mean nothing here."""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume


class BenchRules(ekshume.Case):
    def test_prints_what_it_measures(self):
        command = [ekshume.ROOT / "bench/rules", "--size", "2", "--pairs", "1", "--work", ekshume.work_folder() / "bench"]
        run = subprocess.run(command, env=os.environ | {"EKSHUME": str(ekshume.EKSHUME)}, capture_output=True, text=True)
        self.assertEqual(0, run.returncode, run.stderr)
        for title in ("audit", "cloudtrail"):
            self.assertRegex(run.stdout, rf"(?m)^.{{5}}{title}: peak memory ")
            few = re.search(rf"(?m)^.{{5}}{title}: (\d+) rules / reading .*\d s / .*\d s = \d", run.stdout)
            many = re.search(rf"(?m)^.{{5}}{title}: (\d+) rules / (\d+) rules .*\d s / .*\d s = \d", run.stdout)
            self.assertTrue(few and many, run.stdout)
            self.assertGreater(int(few[1]), 290)
            self.assertEqual((int(many[1]), many[2]), (10 * int(few[1]), few[1]))
        self.assertRegex(run.stdout, r"(?m)^.{5}load: 4000 rules ")


if __name__ == "__main__":
    if not (ekshume.SHARED / "logs").exists():
        ekshume.skip_all("the real records in EKSHUME_SHARED/logs are not there")
    ekshume.main()
