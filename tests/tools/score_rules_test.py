# SPDX-License-Identifier: Apache-2.0
"""rules/ find every attack of the shared recordings, and stay silent where the records' truth says so."""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume

if not (ekshume.SHARED / "logs").is_dir():
    ekshume.skip_all(f"{ekshume.SHARED / 'logs'} is not there; set EKSHUME_SHARED")


class Score(ekshume.Case):
    def test_nothing_is_missed_and_nothing_fires_that_must_not(self):
        run = subprocess.run([sys.executable, pathlib.Path(__file__).with_name("score-rules"), "--json"], capture_output=True, text=True)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        score = json.loads(run.stdout)
        falco, stratus = score["falco"], score["stratus"]
        self.assertEqual(([], []), (falco["missed"], falco["fired"]))
        self.assertEqual([], stratus["missed"])
        self.assertEqual(falco["expected"], falco["found"])
        self.assertGreaterEqual(falco["expected"], 38)
        self.assertGreaterEqual(falco["must_not"], 8)
        self.assertEqual((35, 35), (stratus["expected"], stratus["found"]))
        self.assertGreaterEqual(stratus["right"] / stratus["fired"], 0.9)


if __name__ == "__main__":
    ekshume.main()
