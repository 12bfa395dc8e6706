// SPDX-License-Identifier: Apache-2.0

// Makes the bolt databases of this folder with bbolt itself:
//
//	cd $(mktemp -d) && go mod init make && go get go.etcd.io/bbolt@v1.3.7 &&
//	cp .../make.go . && go run make.go OUTPUT-FOLDER && zstd -19 --rm OUTPUT-FOLDER/*.db
//
// Each holds the same: a bucket "many" of 600 items (branch pages), "nested" with a bucket chain
// a/b/c, "inline" (small enough to lie in its parent), and "large" with a value of three pages. Each
// was written in several transactions, so that stale pages are left.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func make(path string, pageSize int, count int) {
	os.Remove(path)
	db, err := bolt.Open(path, 0600, &bolt.Options{PageSize: pageSize, NoFreelistSync: pageSize == 1024})
	must(err)
	must(db.Update(func(tx *bolt.Tx) error {
		many, err := tx.CreateBucket([]byte("many"))
		must(err)
		for i := 0; i < count; i++ {
			must(many.Put([]byte(fmt.Sprintf("key-%04d", i)), []byte(fmt.Sprintf("value %d", i))))
		}
		bucket, err := tx.CreateBucket([]byte("nested"))
		must(err)
		for _, name := range []string{"a", "b", "c"} {
			bucket, err = bucket.CreateBucket([]byte(name))
			must(err)
		}
		must(bucket.Put([]byte("deep"), []byte("down")))
		inline, err := tx.CreateBucket([]byte("inline"))
		must(err)
		must(inline.Put([]byte("small"), []byte("value")))
		return nil
	}))
	must(db.Update(func(tx *bolt.Tx) error {
		gone, err := tx.CreateBucket([]byte("gone"))
		must(err)
		for i := 0; i < 40; i++ {
			must(gone.Put([]byte(fmt.Sprintf("deleted-%02d", i)), bytes.Repeat([]byte("x"), pageSize/30)))
		}
		return nil
	}))
	must(db.Update(func(tx *bolt.Tx) error {
		must(tx.DeleteBucket([]byte("gone")))
		large, err := tx.CreateBucket([]byte("large"))
		must(err)
		return large.Put([]byte("blob"), bytes.Repeat([]byte("0123456789abcdef"), pageSize*3/16))
	}))
	must(db.Close())
}

func main() {
	for _, size := range []int{1024, 4096, 16384, 65536} {
		make(filepath.Join(os.Args[1], fmt.Sprintf("pages-%d.db", size)), size, 600)
	}
	make(filepath.Join(os.Args[1], "small.db"), 1024, 3)
}
