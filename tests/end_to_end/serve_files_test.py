# SPDX-License-Identifier: Apache-2.0
"""`ekshume serve`: the files of evidence, of a real node and of an attacker who wrote them for browsers."""
import base64
import hashlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume
import serve

NODE = ekshume.shared_evidence("node-k8s")
WEBSHOP = serve.WEBSHOP
MINER = serve.MINER


class Files(serve.NodeCase):
    def test_files_are_those_of_the_kernel(self):
        truth = ekshume.sha256_list(NODE / f"truth/merged-{WEBSHOP}.sha256")
        names = {path.lstrip("."): digest for path, digest in truth.items()}
        for path in (MINER, "/etc/passwd", "/srv/webshop/run.sh"):
            stat = self.session.rows("/files/stat", of=f"container:{WEBSHOP}", path=path)
            self.assertEqual(stat["sha256"], names[path], path)
            whole = self.session.get("/files/download", of=f"container:{WEBSHOP}", path=path).body
            self.assertEqual(hashlib.sha256(whole).hexdigest(), names[path])
            part = self.session.rows("/files/content", of=f"container:{WEBSHOP}", path=path, offset=16, limit=64)
            self.assertEqual(base64.b64decode(part["base64"]), whole[16:80])
            self.assertEqual(part["size"], len(whole))

    def test_what_a_container_changed_is_marked(self):
        of = f"container:{WEBSHOP}"
        entries = {entry["name"]: entry for entry in self.session.rows("/files/ls", of=of, path="/tmp/.X11-unix")["entries"]}
        self.assertEqual(entries["kdevtmpfsi"]["change"], "added")
        self.assertEqual(entries["kdevtmpfsi"]["notable"], "new hidden program")
        self.assertEqual(self.session.rows("/files/stat", of=of, path=MINER)["layer"]["of"], "container")
        entries = {entry["name"]: entry for entry in self.session.rows("/files/ls", of=of, path="/usr/bin")["entries"]}
        self.assertEqual(entries["curl"]["change"], "deleted")
        self.assertIsNone(entries["env"]["change"])
        self.assertEqual(self.session.get("/files/stat", of=of, path="/usr/bin/curl").status, 404)
        old = self.session.get("/files/stat", of=of, path="/usr/bin/curl", version="old")
        self.assertEqual(old.status, 200)
        new, before = (self.session.rows("/files/stat", of=of, path="/srv/webshop/run.sh", version=version) for version in ("", "old"))
        self.assertTrue(new["has_old_version"])
        self.assertNotEqual(new["sha256"], before["sha256"])
        root = {entry["name"]: entry for entry in self.session.rows("/files/ls", of=of, path="/")["entries"]}
        self.assertGreater(root["tmp"]["changes_below"], 0)

    def test_strings_of_a_program(self):
        found = self.session.rows("/files/strings", of=f"container:{WEBSHOP}", path=MINER)
        texts = [one["text"] for one in found["strings"]]
        self.assertTrue(any("stratum+tcp://xmr.example-pool.test" in text for text in texts))
        whole = self.session.get("/files/download", of=f"container:{WEBSHOP}", path=MINER).body
        for one in found["strings"][:200]:
            if one["encoding"] == "ascii":
                self.assertEqual(whole[one["offset"]:one["offset"] + len(one["text"])].decode(), one["text"])

    def test_a_path_of_the_host_is_whose(self):
        upper = self.session.rows(f"/containers/{WEBSHOP}")["upper"]
        owners = self.session.rows("/files/whois", path=upper + MINER)["owners"]
        self.assertIn(("writable layer", WEBSHOP, MINER), [(one["relation"], one["container_id"], one["path_inside"]) for one in owners])
        command = ekshume.rows("whois", NODE / "disk.img.zst", upper + MINER)
        self.assertEqual([one["relation"] for one in owners], [one["relation"] for one in command])


if __name__ == "__main__":
    ekshume.main()
