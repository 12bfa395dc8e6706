// SPDX-License-Identifier: Apache-2.0

// Makes databases of stores that no lab node has, with bbolt itself and the bucket names of the
// programs' sources (containerd core/metadata/buckets.go, core/snapshots/storage/bolt.go;
// amazon-ecs-agent agent/data):
//
//	cd $(mktemp -d) && go mod init make && go get go.etcd.io/bbolt@v1.3.7 &&
//	cp .../make.go . && go run make.go OUTPUT-FOLDER && zstd -19 --rm OUTPUT-FOLDER/*.db
//
// moby-meta.db, moby-metadata.db: Docker 29 with containerd's image store; one stopped container,
// whose record containerd has dropped: only its snapshot, its "-init" parent and an image layer.
// soci-meta.db, soci-metadata.db: a container on a snapshot that was loaded lazily; another one of
// the devmapper snapshotter; metadata version 5.
// agent.db: the ECS agent's; two containers of a task.
package main

import (
	"encoding/binary"
	"log"
	"os"
	"path/filepath"
	"strings"

	bolt "go.etcd.io/bbolt"
)

const (
	stopped = "1111111111111111111111111111111111111111111111111111111111111111"
	lazy    = "2222222222222222222222222222222222222222222222222222222222222222"
	mapper  = "3333333333333333333333333333333333333333333333333333333333333333"
	layer   = "sha256:4444444444444444444444444444444444444444444444444444444444444444"
	known   = "6f91804bf7239b84c75531715f19c742c743f0e6c0e1537cde31a775df1dcabd"
	gone    = "5555555555555555555555555555555555555555555555555555555555555555"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func write(name string, fill func(tx *bolt.Tx)) {
	path := filepath.Join(os.Args[1], name)
	os.Remove(path)
	db, err := bolt.Open(path, 0600, &bolt.Options{PageSize: 4096})
	must(err)
	must(db.Update(func(tx *bolt.Tx) error { fill(tx); return nil }))
	must(db.Close())
}

// The bucket at a path of names joined by "|" (keys of snapshots hold slashes).
func bucket(tx *bolt.Tx, path string) *bolt.Bucket {
	names := strings.Split(path, "|")
	b, err := tx.CreateBucketIfNotExists([]byte(names[0]))
	must(err)
	for _, name := range names[1:] {
		b, err = b.CreateBucketIfNotExists([]byte(name))
		must(err)
	}
	return b
}

func put(tx *bolt.Tx, path, key string, value []byte) {
	must(bucket(tx, path).Put([]byte(key), value))
}

func version(tx *bolt.Tx, v int64) {
	put(tx, "v1", "version", binary.AppendVarint(nil, v))
}

// A snapshot as meta.db names it.
func named(tx *bolt.Tx, namespace, snapshotter, key, name, parent string) {
	path := "v1|" + namespace + "|snapshots|" + snapshotter + "|" + key
	put(tx, path, "name", []byte(name))
	if parent != "" {
		put(tx, path, "parent", []byte(parent))
	}
}

// A snapshot as the snapshotter's metadata.db names it.
func stored(tx *bolt.Tx, name, parent string, id uint64, kind byte, labels map[string]string) {
	path := "v1|snapshots|" + name
	put(tx, path, "id", binary.AppendUvarint(nil, id))
	put(tx, path, "kind", []byte{kind})
	if parent != "" {
		put(tx, path, "parent", []byte(parent))
	}
	for key, value := range labels {
		put(tx, path+"|labels", key, []byte(value))
	}
}

func container(tx *bolt.Tx, namespace, id, snapshotter string) {
	path := "v1|" + namespace + "|containers|" + id
	put(tx, path, "image", []byte("registry.test/app:1"))
	put(tx, path, "snapshotter", []byte(snapshotter))
	put(tx, path, "snapshotKey", []byte(id))
}

func main() {
	write("moby-meta.db", func(tx *bolt.Tx) {
		version(tx, 4)
		named(tx, "moby", "overlayfs", layer, "moby/1/"+layer, "")
		named(tx, "moby", "overlayfs", stopped+"-init", "moby/3/"+stopped+"-init", layer)
		named(tx, "moby", "overlayfs", stopped, "moby/4/"+stopped, stopped+"-init")
	})
	write("moby-metadata.db", func(tx *bolt.Tx) {
		stored(tx, "moby/1/"+layer, "", 1, 3, nil)
		stored(tx, "moby/3/"+stopped+"-init", "moby/1/"+layer, 2, 3, nil)
		stored(tx, "moby/4/"+stopped, "moby/3/"+stopped+"-init", 3, 2, nil)
	})
	write("soci-meta.db", func(tx *bolt.Tx) {
		version(tx, 5)
		container(tx, "k8s.io", lazy, "soci")
		container(tx, "k8s.io", mapper, "devmapper")
		named(tx, "k8s.io", "soci", layer, "k8s.io/1/"+layer, "")
		named(tx, "k8s.io", "soci", lazy, "k8s.io/2/"+lazy, layer)
		named(tx, "k8s.io", "devmapper", mapper, "k8s.io/1/"+mapper, "")
	})
	write("soci-metadata.db", func(tx *bolt.Tx) {
		stored(tx, "k8s.io/1/"+layer, "", 1, 3, map[string]string{"containerd.io/snapshot/remote": "remote snapshot"})
		stored(tx, "k8s.io/2/"+lazy, "k8s.io/1/"+layer, 2, 2, nil)
	})
	write("agent.db", func(tx *bolt.Tx) {
		arn := "arn:aws:ecs:us-east-1:123456789012:task/shop/0123456789abcdef0123456789abcdef"
		put(tx, "metadata", "cluster-name", []byte(`"shop"`))
		put(tx, "tasks", "0123456789abcdef0123456789abcdef", []byte(`{"Arn":"`+arn+`","Family":"web","Version":"7"}`))
		put(tx, "containers", "0123456789abcdef0123456789abcdef-web",
			[]byte(`{"DockerId":"`+known+`","DockerName":"ecs-web-7-web","Container":{"Name":"web","Image":"app:1","KnownStatus":"RUNNING"}}`))
		put(tx, "containers", "0123456789abcdef0123456789abcdef-log",
			[]byte(`{"DockerId":"`+gone+`","DockerName":"ecs-web-7-log","Container":{"Name":"log","Image":"log:1","KnownStatus":"STOPPED","KnownExitCode":137}}`))
		put(tx, "containers", "broken", []byte(`{"DockerId":`))
		put(tx, "images", "none", []byte(`{}`))
	})
}
