// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/byte_view.h"
#include "base/time.h"
#include "fs/ext4/format.h"
#include "fs/ext4/geometry.h"
#include "fs/filesystem.h"

namespace ekshume::fs::ext4 {

enum class InodeNumber : uint32_t {};
constexpr uint32_t ToInteger(InodeNumber number) { return static_cast<uint32_t>(number); }

// The on-disk bytes of one inode, without a heap allocation for the common sizes. They are not set
// before they are written.
class InodeBytes {
 public:
  explicit InodeBytes(size_t size) : size_(size), large_(size > small_.size() ? size : 0) {}
  std::span<std::byte> span() {
    return large_.empty() ? std::span(small_).first(size_) : std::span(large_);
  }
  ByteView view() const {
    return large_.empty() ? ByteView(small_).First(size_) : ByteView(large_);
  }

 private:
  size_t size_;
  std::array<std::byte, 256> small_;
  std::vector<std::byte> large_;
};

// An inode as the kernel would have it in memory. Owns nothing outside itself.
struct Inode {
  InodeNumber number{};
  uint16_t mode = 0;
  NodeType type = NodeType::kUnknown;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t links = 0;
  uint32_t flags = 0;
  uint32_t generation = 0;
  uint64_t size_bytes = 0;
  uint64_t sectors = 0;        // of 512 bytes, allocated
  uint64_t xattr_block = 0;    // 0: none
  uint32_t deletion_time = 0;  // i_dtime; on the orphan list the next inode
  uint32_t extra_bytes = 0;    // i_extra_isize as it lies on disk
  uint32_t checksum_seed = 0;  // where checksums of blocks that belong to this inode begin
  Timestamp accessed;
  Timestamp changed;
  Timestamp modified;
  std::optional<Timestamp> created;
  std::array<std::byte, kInodeBlockBytes> block{};  // i_block

  bool Has(InodeFlag flag) const { return (flags & flag) != 0; }
};

// i_xtime with i_xtime_extra: the low two bits of `extra` are bits 32 and 33 of the signed seconds,
// the others nanoseconds. Nanoseconds past 999999999, which only damage writes, are cut to that.
Timestamp DecodeTime(uint32_t seconds, uint32_t extra);

// Raw bytes to model. kCorrupt when i_extra_isize makes no sense.
Result<Inode> ParseInode(const Geometry& geometry, InodeNumber number, ByteView raw);

// The checksum of an inode's bytes, as stored and as it should be.
struct InodeChecksum {
  uint32_t stored = 0;
  uint32_t computed = 0;
  bool has_high_half = false;  // only the low 16 bits are kept otherwise
};
Result<InodeChecksum> ComputeInodeChecksum(const Inode& inode, ByteView raw);
// True when inodes carry no checksum or `raw` a right one.
bool InodeChecksumMatches(const Geometry& geometry, const Inode& inode, ByteView raw);

// What stat(2) shows.
Stat MakeStat(const Geometry& geometry, const Inode& inode);

}  // namespace ekshume::fs::ext4
