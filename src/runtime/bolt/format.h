// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/endian.h"

// A bolt database on disk, as go.etcd.io/bbolt (and boltdb/bolt before it) writes it. Field names
// are those of bbolt's internal/common: page.go, meta.go, bucket.go, inode.go. Integers are of the
// writer's byte order; every machine that Kubernetes runs EKS nodes on is little-endian.
//
// The file is an array of pages. Pages 0 and 1 are meta pages, written in turn: the valid one with
// the higher txid is the database, the other the state before the last transaction. A bucket is a
// B+tree of (key, value) items, ascending by key bytes; an item whose value is itself a bucket has
// kBucketLeafFlag.
namespace ekshume::runtime::bolt {

// page.go: Page. Followed by `count` elements, or by a Meta, or by page numbers (freelist). The
// page occupies `overflow` more pages after its own.
struct PageHeader {
  le64 id;
  le16 flags;
  le16 count;
  le32 overflow;
};
static_assert(sizeof(PageHeader) == 16 && offsetof(PageHeader, overflow) == 12);

inline constexpr uint16_t kBranchPageFlag = 0x01;
inline constexpr uint16_t kLeafPageFlag = 0x02;
inline constexpr uint16_t kMetaPageFlag = 0x04;
inline constexpr uint16_t kFreelistPageFlag = 0x10;

// page.go: branchPageElement. `pos` is relative to the element's own first byte.
struct BranchPageElement {
  le32 pos;
  le32 ksize;
  le64 pgid;
};
static_assert(sizeof(BranchPageElement) == 16 && offsetof(BranchPageElement, pgid) == 8);

// page.go: leafPageElement. The value follows the key.
struct LeafPageElement {
  le32 flags;
  le32 pos;
  le32 ksize;
  le32 vsize;
};
static_assert(sizeof(LeafPageElement) == 16 && offsetof(LeafPageElement, vsize) == 12);

inline constexpr uint32_t kBucketLeafFlag = 0x01;

// bucket.go: InBucket, the head of a bucket's value. With root 0 the bucket is inline: its only
// page, a leaf, follows within the value.
struct InBucket {
  le64 root;
  le64 sequence;
};
static_assert(sizeof(InBucket) == 16 && offsetof(InBucket, sequence) == 8);

// meta.go: Meta, after the PageHeader of pages 0 and 1.
struct Meta {
  le32 magic;
  le32 version;
  le32 pageSize;
  le32 flags;
  InBucket root;
  le64 freelist;  // kPgidNoFreelist when the freelist is not kept on disk
  le64 pgid;      // high-water mark: pages at and above it were never used
  le64 txid;
  le64 checksum;  // FNV-1a, 64 bits, of the bytes before it
};
static_assert(sizeof(Meta) == 64 && offsetof(Meta, checksum) == 56);

inline constexpr uint32_t kMagic = 0xED0CDAED;
inline constexpr uint32_t kVersion = 2;
inline constexpr uint64_t kPgidNoFreelist = 0xffffffffffffffff;

// The page size is the operating system's at creation. Where page 0 is destroyed, page 1 is looked
// for at these.
inline constexpr size_t kMinPageBytes = 1024;
inline constexpr size_t kMaxPageBytes = 65536;

}  // namespace ekshume::runtime::bolt
