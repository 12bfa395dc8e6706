// SPDX-License-Identifier: Apache-2.0

// bolt_put FILE < LINES writes a bbolt file. Each line is {"bucket": "…", "key": "…", "value": …} and
// one transaction of its own, as a daemon that saves its state would do; the value is stored as
// compact JSON, and null deletes the key. A line without a key makes the bucket.
package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"os"

	bolt "go.etcd.io/bbolt"
)

type line struct {
	Bucket, Key string
	Value       json.RawMessage
}

func main() {
	db, err := bolt.Open(os.Args[1], 0o600, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	for decoder := json.NewDecoder(os.Stdin); ; {
		var entry line
		if err := decoder.Decode(&entry); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		if err := db.Update(func(tx *bolt.Tx) error { return put(tx, entry) }); err != nil {
			log.Fatal(err)
		}
	}
}

func put(tx *bolt.Tx, entry line) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(entry.Bucket))
	if err != nil || entry.Key == "" {
		return err
	}
	if string(entry.Value) == "null" {
		return bucket.Delete([]byte(entry.Key))
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, entry.Value); err != nil {
		return err
	}
	return bucket.Put([]byte(entry.Key), compact.Bytes())
}
