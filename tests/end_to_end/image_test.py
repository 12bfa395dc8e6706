#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The container image of tools/make-image: that it is a whole OCI layout, and that the program runs in it and nothing else is needed."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import ekshume  # noqa: E402

BUILD = pathlib.Path(ekshume.EKSHUME).resolve().parents[2]
USER = "65532"


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = ekshume.work_folder()
        # EKSHUME_PREFIX: an ekshume that is installed already.
        cls.prefix = pathlib.Path(os.environ.get("EKSHUME_PREFIX", cls.folder / "prefix"))
        if "EKSHUME_PREFIX" not in os.environ:
            subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.prefix, "--strip"], check=True, stdout=subprocess.DEVNULL)
        cls.archive = cls.make("image.tar")
        cls.layout = cls.folder / "layout"
        with tarfile.open(cls.archive) as archive:
            archive.extractall(cls.layout)
        index = json.loads((cls.layout / "index.json").read_text())
        cls.described = index["manifests"][0]
        cls.manifest = json.loads(cls.blob(cls.described))
        cls.config = json.loads(cls.blob(cls.manifest["config"]))

    @classmethod
    def make(cls, name):
        target = cls.folder / name
        subprocess.run([ekshume.ROOT / "tools/make-image", "--name", "registry.test/ekshume:1", cls.prefix, target], check=True, stdout=subprocess.DEVNULL)
        return target

    @classmethod
    def blob(cls, descriptor):
        data = (cls.layout / "blobs/sha256" / descriptor["digest"].removeprefix("sha256:")).read_bytes()
        assert len(data) == descriptor["size"], descriptor
        assert hashlib.sha256(data).hexdigest() == descriptor["digest"].removeprefix("sha256:"), descriptor
        return data

    def test_is_a_whole_layout(self):
        self.assertEqual(json.loads((self.layout / "oci-layout").read_text()), {"imageLayoutVersion": "1.0.0"})
        self.assertEqual(self.described["annotations"]["io.containerd.image.name"], "registry.test/ekshume:1")
        layer = self.manifest["layers"][0]
        self.blob(layer)
        self.assertEqual(self.config["rootfs"]["diff_ids"], [layer["digest"]])  # it is not compressed
        self.assertEqual(self.config["config"]["User"], f"{USER}:{USER}")
        docker = json.loads((self.layout / "manifest.json").read_text())[0]
        self.assertEqual(docker["RepoTags"], ["registry.test/ekshume:1"])
        for name in [docker["Config"], *docker["Layers"]]:
            self.assertTrue((self.layout / name).is_file(), name)

    def test_is_the_same_each_time(self):
        digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
        self.assertEqual(digest(self.archive), digest(self.make("again.tar")))

    def test_holds_no_more_than_it_needs(self):
        with tarfile.open(self.layout / "blobs/sha256" / self.manifest["layers"][0]["digest"].removeprefix("sha256:")) as layer:
            members = layer.getmembers()
        names = {member.name for member in members}
        self.assertLessEqual({"usr/bin/ekshume", "usr/lib/ekshume/libduckdb.so", "etc/ssl/certs/ca-certificates.crt"}, names)
        self.assertTrue(any(name.startswith("usr/libexec/ekshume/ekshume-collect-") for name in names))
        self.assertTrue(any(name.startswith("usr/share/ekshume/rules/") and name.endswith(".yml") for name in names))
        self.assertEqual([m.name for m in members if m.name.endswith(("bin/sh", "bin/bash", "bin/dpkg"))], [])
        self.assertEqual([m.name for m in members if m.mode & 0o6000], [])
        self.assertEqual({m.uid for m in members if m.name != "work"}, {0})

    @unittest.skipUnless(os.geteuid() == 0, "chroot needs root")
    def test_program_runs_in_it(self):
        root = self.folder / "root"
        with tarfile.open(self.layout / "blobs/sha256" / self.manifest["layers"][0]["digest"].removeprefix("sha256:")) as layer:
            layer.extractall(root)

        (root / "proc").mkdir()  # runtimes mount it; the loader needs it for $ORIGIN
        environment = dict(entry.split("=", 1) for entry in self.config["config"]["Env"])
        inside = f'mount -t proc proc "$1/proc" && root=$1 && shift && exec chroot --userspec={USER}:{USER} "$root" "$@"'

        def run(*arguments):
            return subprocess.run(["unshare", "--mount", "sh", "-c", inside, "sh", root, *self.config["config"]["Entrypoint"], *arguments],
                                  capture_output=True, text=True, timeout=300, env={**environment, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        version = run("--version")
        self.assertEqual((version.returncode, version.stderr), (0, ""))
        outside = subprocess.run([ekshume.EKSHUME, "--version"], capture_output=True, text=True, check=True)
        self.assertEqual(version.stdout, outside.stdout)
        self.assertEqual(run("operator", "--help").returncode, 0)
        # A case is made and searched: the rules and DuckDB are there.
        (root / "tmp/log.json").write_text('{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a-1","stage":"ResponseComplete","verb":"create",'
                                           '"requestURI":"/api/v1/namespaces/shop/pods/web/exec?command=sh","user":{"username":"mallory"},'
                                           '"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web"},'
                                           '"responseStatus":{"code":101},"requestReceivedTimestamp":"2026-11-24T21:40:27.000000Z",'
                                           '"stageTimestamp":"2026-11-24T21:40:27.100000Z"}\n')
        made = run("investigate", "/tmp/log.json", "--case", "/work/case")
        self.assertIn(made.returncode, (0, 1), made.stderr)
        found = run("search", "/work/case", "user_name:mallory", "--format", "jsonl")
        self.assertEqual([json.loads(line)["pod"] for line in found.stdout.splitlines()], ["web"], found.stderr)


if __name__ == "__main__":
    unittest.main()
