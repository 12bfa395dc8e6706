# SPDX-License-Identifier: Apache-2.0
"""The page of `ekshume serve` in Debian's Chromium: web/tests/browser.mjs says what is done there."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume
import serve

NODE = ekshume.shared_evidence("node-k8s")
SCRIPT = ekshume.ROOT / "web/tests/browser.mjs"
# EKSHUME_SCREENSHOTS: a folder in which the pictures stay, to be looked at.
FOLDER = os.environ.get("EKSHUME_SCREENSHOTS")

if serve.BROWSER_MISSING:
    ekshume.skip_all(serve.BROWSER_MISSING)


class Browser(ekshume.Case):
    def test_an_analyst_finds_the_dropped_file(self):
        case = serve.case_of("node", NODE / "disk.img.zst", NODE / "logs")
        folder = pathlib.Path(FOLDER) if FOLDER else ekshume.work_folder() / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        server = serve.Server(case, "--operator", "ana")
        try:
            done = subprocess.run(["node", SCRIPT, server.link, folder, serve.CHROMIUM], capture_output=True, text=True, timeout=500)
        finally:
            code = server.stop()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(code, 0)
        self.assertEqual(len(list(folder.glob("*-dark.png"))), 11)
        self.assertEqual(len(list(folder.glob("*-light.png"))), 11)


if __name__ == "__main__":
    ekshume.main()
