// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "fs/filesystem.h"
#include "fs/xfs/context.h"

namespace ekshume::fs::xfs {

// A stretch of the device that holds inodes, read once, with each inode's checksum verified.
struct InodeCluster {
  static constexpr size_t kBytes = 16384;  // a multiple of every inode size, never straddled
  static constexpr size_t kSmallestInode = 256;

  std::vector<std::byte> bytes;
  std::bitset<kBytes / kSmallestInode> bad_checksum;  // by offset / kSmallestInode
};

// A validated inode. Keeps its cluster alive, so the forks stay readable. Cheap to move.
struct Inode {
  uint64_t number = 0;
  uint64_t byte_offset = 0;  // of its slot on the device
  Dinode core{};             // fields of version 3 are valid only with has_v3
  bool has_v3 = false;
  uint16_t mode = 0;
  uint64_t size_bytes = 0;
  uint64_t data_extents = 0;
  uint64_t attr_extents = 0;
  ByteView data_fork;
  ByteView attr_fork;  // empty when there is none
  std::shared_ptr<const InodeCluster> holder;

  NodeType type() const { return NodeTypeFromMode(mode); }
  bool has_flag2(uint64_t flag) const { return has_v3 && (core.di_flags2.value() & flag) != 0; }
  bool is_realtime() const { return (core.di_flags.value() & kDiflagRealtime) != 0; }
};

// What stat(2) shows of an inode.
Stat StatOf(const Superblock& sb, const Inode& inode);

// Reads inodes by number through a small cache of clusters. `context` and what it names must
// outlive it. Any number of threads may use it.
class InodeReader {
 public:
  explicit InodeReader(const Context& context) : context_(context) {}

  // kOutOfRange for a number that no inode can have, kNotFound for a free inode, kCorrupt when the
  // slot does not hold this inode. A wrong checksum is reported and the inode read all the same.
  Result<Inode> Read(uint64_t number) const;

 private:
  using ClusterPointer = std::shared_ptr<const InodeCluster>;
  static constexpr size_t kSlots = 1024;  // 16 MiB of clusters
  struct Slot {
    std::mutex mutex;
    uint64_t cluster = UINT64_MAX;
    ClusterPointer bytes;
  };

  Result<ClusterPointer> GetCluster(uint64_t cluster) const;

  const Context& context_;
  mutable std::array<Slot, kSlots> slots_;
};

}  // namespace ekshume::fs::xfs
