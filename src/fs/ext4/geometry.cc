// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/geometry.h"

#include <fmt/format.h>

#include <bit>

#include "base/limits.h"
#include "fs/ext4/checksum.h"

namespace ekshume::fs::ext4 {
namespace {

constexpr uint32_t kMaxLogBlockSize = 6;     // 64 KiB
constexpr uint32_t kMaxLogClusterSize = 20;  // the kernel's EXT4_MAX_CLUSTER_LOG_SIZE is 30; 1 GiB

bool IsPowerOf(uint32_t value, uint32_t base) {
  while (value > 1 && value % base == 0) value /= base;
  return value == 1;
}

Error BadField(std::string_view field, uint64_t value, std::string_view expected) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("ext4: superblock has {} {}, expected {}", field, value, expected));
}

}  // namespace

bool Geometry::GroupHasSuperBlock(uint32_t group) const {
  if (group == 0) return true;
  if (Has(kCompatSparseSuper2)) return group == backup_groups[0] || group == backup_groups[1];
  if (group == 1 || !Has(kRoCompatSparseSuper)) return true;
  return group % 2 == 1 && (IsPowerOf(group, 3) || IsPowerOf(group, 5) || IsPowerOf(group, 7));
}

std::optional<uint64_t> Geometry::DescriptorOffset(uint32_t group, uint32_t copy_group) const {
  const uint32_t per_block = block_bytes / descriptor_bytes;
  const uint32_t descriptor_block = group / per_block;
  uint64_t block = 0;
  if (Has(kIncompatMetaBg) && descriptor_block >= first_meta_group) {
    // Copies lie in the first, second and last group of those that the block describes.
    const uint64_t home = uint64_t{descriptor_block} * per_block + (copy_group == 0 ? 0 : 1);
    if (home >= group_count) return std::nullopt;
    block = FirstBlockOfGroup(home) + (GroupHasSuperBlock(static_cast<uint32_t>(home)) ? 1 : 0);
    if (block_bytes == 1024 && home == 0 && first_data_block == 0) ++block;
  } else {
    if (copy_group >= group_count) return std::nullopt;
    // With 1 KiB blocks the superblock is block 1 even when group 0 begins at block 0 (bigalloc).
    const uint64_t superblock_block =
        copy_group == 0 ? kSuperBlockOffset / block_bytes : FirstBlockOfGroup(copy_group);
    block = superblock_block + 1 + descriptor_block;
  }
  if (block >= block_count) return std::nullopt;
  return block * block_bytes + uint64_t{group % per_block} * descriptor_bytes;
}

Result<Geometry> MakeGeometry(const SuperBlock& superblock) {
  Geometry geometry;
  if (superblock.s_magic.value() != kSuperBlockMagic) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("ext4: bad superblock magic {:#06x}, expected {:#06x}",
                            superblock.s_magic.value(), kSuperBlockMagic));
  }
  geometry.compat = superblock.s_feature_compat.value();
  geometry.incompat = superblock.s_feature_incompat.value();
  geometry.ro_compat = superblock.s_feature_ro_compat.value();
  const bool revision_0 = superblock.s_rev_level.value() == 0;

  const uint32_t log_block_size = superblock.s_log_block_size.value();
  if (log_block_size > kMaxLogBlockSize)
    return BadField("s_log_block_size", log_block_size, "0 to 6");
  geometry.block_bytes = 1024U << log_block_size;
  if (geometry.Has(kRoCompatBigalloc)) {
    const uint32_t log_cluster_size = superblock.s_log_cluster_size.value();
    if (log_cluster_size < log_block_size || log_cluster_size > kMaxLogClusterSize) {
      return BadField("s_log_cluster_size", log_cluster_size, "at least s_log_block_size");
    }
    geometry.cluster_blocks = 1U << (log_cluster_size - log_block_size);
  }
  geometry.inode_bytes = revision_0 ? kGoodOldInodeBytes : superblock.s_inode_size.value();
  if (geometry.inode_bytes < kGoodOldInodeBytes || geometry.inode_bytes > geometry.block_bytes ||
      !std::has_single_bit(geometry.inode_bytes)) {
    return BadField("s_inode_size", geometry.inode_bytes,
                    "a power of two from 128 to the block size");
  }
  geometry.descriptor_bytes = sizeof(GroupDescriptor);
  if (geometry.Has(kIncompat64Bit)) {
    geometry.descriptor_bytes = superblock.s_desc_size.value();
    if (geometry.descriptor_bytes < 64 || geometry.descriptor_bytes > 1024 ||
        !std::has_single_bit(geometry.descriptor_bytes)) {
      return BadField("s_desc_size", geometry.descriptor_bytes, "a power of two from 64 to 1024");
    }
  }
  geometry.block_count = superblock.s_blocks_count_lo.value();
  if (geometry.Has(kIncompat64Bit)) {
    geometry.block_count |= uint64_t{superblock.s_blocks_count_hi.value()} << 32;
  }
  geometry.first_data_block = superblock.s_first_data_block.value();
  if (geometry.block_count > UINT64_MAX / 2 / geometry.block_bytes) {
    return BadField("a block count of", geometry.block_count, "less than 2^63 bytes");
  }
  if (geometry.first_data_block > 1 || geometry.first_data_block >= geometry.block_count) {
    return BadField("s_first_data_block", geometry.first_data_block, "0 or 1");
  }
  geometry.blocks_per_group = superblock.s_blocks_per_group.value();
  geometry.inodes_per_group = superblock.s_inodes_per_group.value();
  if (geometry.blocks_per_group == 0) return BadField("s_blocks_per_group", 0, "more");
  if (geometry.inodes_per_group == 0 || geometry.inodes_per_group > geometry.block_bytes * 8) {
    return BadField("s_inodes_per_group", geometry.inodes_per_group, "1 to the bits of a block");
  }
  const uint64_t groups =
      (geometry.block_count - geometry.first_data_block - 1) / geometry.blocks_per_group + 1;
  if (groups > limits::kMaxExt4Groups) {
    return Fail(ErrorCode::kLimit,
                fmt::format("kMaxExt4Groups: the superblock declares {} block groups", groups));
  }
  geometry.group_count = static_cast<uint32_t>(groups);
  geometry.inode_count = superblock.s_inodes_count.value();
  if (geometry.inode_count == 0 || geometry.inode_count > groups * geometry.inodes_per_group) {
    return BadField("s_inodes_count", geometry.inode_count, "what its groups hold");
  }
  if (geometry.Has(kIncompatMetaBg)) geometry.first_meta_group = superblock.s_first_meta_bg.value();
  geometry.uuid = superblock.s_uuid;
  for (size_t index = 0; index < 2; ++index) {
    geometry.backup_groups[index] = superblock.s_backup_bgs[index].value();
  }
  geometry.checksum_seed = geometry.Has(kIncompatCsumSeed) ? superblock.s_checksum_seed.value()
                                                           : Crc32c(~0U, ByteView(geometry.uuid));
  return geometry;
}

bool SuperBlockChecksumMatches(const SuperBlock& superblock) {
  if ((superblock.s_feature_ro_compat.value() & kRoCompatMetadataCsum) == 0) return true;
  const ByteView bytes = AsBytes(superblock);
  return superblock.s_checksum.value() ==
         Crc32c(~0U, bytes.First(offsetof(SuperBlock, s_checksum)));
}

}  // namespace ekshume::fs::ext4
