// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/checked.h"
#include "base/result.h"
#include "fs/ext4/format.h"

namespace ekshume::fs::ext4 {

// The validated shape of a filesystem, from its superblock. Plain values; all units in the names.
struct Geometry {
  uint32_t block_bytes = 0;       // 1024 to 65536
  uint64_t block_count = 0;       // of the filesystem
  uint32_t first_data_block = 0;  // where group 0 begins: 1 with 1 KiB blocks, mostly
  uint32_t blocks_per_group = 0;
  uint32_t inodes_per_group = 0;
  uint32_t inode_count = 0;
  uint32_t inode_bytes = 0;
  uint32_t descriptor_bytes = 0;
  uint32_t group_count = 0;
  uint32_t first_meta_group = UINT32_MAX;  // descriptor blocks from here on lie inside their groups
  uint32_t cluster_blocks = 1;             // bigalloc: blocks per cluster
  uint32_t compat = 0;
  uint32_t incompat = 0;
  uint32_t ro_compat = 0;
  uint32_t checksum_seed = 0;  // where crc32c of metadata begins
  std::array<std::byte, 16> uuid{};
  std::array<uint32_t, 2> backup_groups{};

  bool Has(CompatFeature feature) const { return (compat & feature) != 0; }
  bool Has(IncompatFeature feature) const { return (incompat & feature) != 0; }
  bool Has(RoCompatFeature feature) const { return (ro_compat & feature) != 0; }

  uint64_t total_bytes() const { return block_count * block_bytes; }
  // Whether [block, block + count) lies inside the filesystem.
  bool ContainsBlocks(uint64_t block, uint64_t count) const {
    return RangeFits(block, count, block_count);
  }
  uint64_t FirstBlockOfGroup(uint64_t group) const {
    return group * blocks_per_group + first_data_block;
  }
  // Whether the group begins with a copy of the superblock.
  bool GroupHasSuperBlock(uint32_t group) const;
  // Where the descriptor of `group` lies, in bytes: the primary one for `copy_group` 0, otherwise
  // the one beside the backup superblock of `copy_group`. With meta_bg, where descriptors have
  // their copies in fixed places, any `copy_group` but 0 means the first of these. Nothing when
  // that place is outside the filesystem.
  std::optional<uint64_t> DescriptorOffset(uint32_t group, uint32_t copy_group) const;
};

// Checks a superblock and computes the geometry. kCorrupt names the field that makes no sense; a
// bad checksum is not an error, see SuperBlockChecksumMatches.
Result<Geometry> MakeGeometry(const SuperBlock& superblock);

// True when the superblock carries no checksum or a right one.
bool SuperBlockChecksumMatches(const SuperBlock& superblock);

}  // namespace ekshume::fs::ext4
