// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"
#include "fs/xfs/format.h"
#include "image/image.h"

namespace ekshume::fs::xfs {

// Where an inode's slot lies.
struct InodeLocation {
  uint32_t ag;
  uint32_t ag_block;
  uint32_t offset_bytes;  // inside the block
  uint64_t byte_offset;   // of the slot on the device
};

// The validated model of the superblock: everything here was range-checked by ParseSuperblock, so
// that the address maths below cannot overflow. Immutable once made; any thread may use it.
struct Superblock {
  int version = 0;  // 4 or 5
  uint32_t block_bytes = 0;
  uint8_t block_log = 0;
  uint32_t sector_bytes = 0;
  uint32_t inode_bytes = 0;
  uint8_t inode_log = 0;
  uint32_t inodes_per_block = 0;
  uint8_t inodes_per_block_log = 0;
  uint32_t ag_blocks = 0;
  uint8_t ag_block_log = 0;  // bits of an AG block number in fsblocks and inode numbers
  uint32_t ag_count = 0;
  uint64_t data_blocks = 0;  // of the whole filesystem
  uint64_t log_start = 0;    // fsblock; 0 when the log is on another device. Not range-checked
  uint32_t log_blocks = 0;
  uint32_t log_sector_bytes = 0;
  uint32_t log_stripe_unit_bytes = 0;  // 0 or 1 when there is none
  uint32_t dir_block_bytes = 0;
  uint32_t inode_align_blocks = 0;  // of inode clusters; 0 without the feature
  uint64_t root_inode = 0;
  uint64_t metadata_root_inode = 0;  // with has_metadir
  Uuid uuid{};
  Uuid meta_uuid{};  // the one inside metadata; equals uuid without META_UUID
  std::string label;

  // Feature bits as they lie on disk.
  uint32_t ro_compat = 0;
  uint32_t incompat = 0;
  uint32_t log_incompat = 0;

  bool has_crc = false;  // version 5
  bool has_ftype = false;
  bool has_logv2 = false;
  bool has_attr2 = false;
  bool has_lazy_counters = false;
  bool has_ascii_ci = false;
  bool has_finobt = false;
  bool has_rmapbt = false;
  bool has_reflink = false;
  bool has_inobtcount = false;
  bool has_verity = false;
  bool has_sparse_inodes = false;
  bool has_meta_uuid = false;
  bool has_bigtime = false;
  bool needs_repair = false;
  bool has_nrext64 = false;
  bool has_exchange_range = false;
  bool has_parent = false;
  bool has_metadir = false;
  bool has_realtime = false;  // a realtime section, here or on another device

  uint64_t size_bytes() const { return data_blocks << block_log; }

  // How many blocks allocation group `ag` has: the last one may be shorter.
  uint32_t AgLength(uint32_t ag) const;
  // Byte offset of a block of an allocation group; `ag` and `ag_block` must be in range.
  uint64_t AgBlockToByte(uint32_t ag, uint32_t ag_block) const {
    return (uint64_t{ag} * ag_blocks + ag_block) << block_log;
  }
  // Byte offset of sector `index` (0 superblock, 1 AGF, 2 AGI, 3 AGFL) of an allocation group.
  uint64_t AgHeaderToByte(uint32_t ag, uint32_t index) const {
    return AgBlockToByte(ag, 0) + uint64_t{index} * sector_bytes;
  }
  // True when the `count` blocks from `fsblock` on lie inside one allocation group.
  bool ContainsBlocks(uint64_t fsblock, uint64_t count) const;
  // Byte offset of a filesystem block; nothing when it is out of range.
  std::optional<uint64_t> FsBlockToByte(uint64_t fsblock) const;
  uint64_t FsBlockOf(uint32_t ag, uint32_t ag_block) const {
    return (uint64_t{ag} << ag_block_log) | ag_block;
  }
  // Where an inode lies by its number; nothing when the number is out of range.
  std::optional<InodeLocation> LocateInode(uint64_t inode) const;
  uint64_t InodeNumber(uint32_t ag, uint32_t ag_inode) const {
    return (uint64_t{ag} << (ag_block_log + inodes_per_block_log)) | ag_inode;
  }

  // The enabled features by the names that mkfs.xfs and xfs_info use, sorted.
  std::vector<std::string> FeatureNames() const;
};

// Checks the raw superblock, in the specification's order, and makes the model. kCorrupt names the
// field that is impossible; kUnsupported names the feature that is unknown, unless `force`.
Result<Superblock> ParseSuperblock(const Dsb& dsb, bool force);

// Reads the superblock of `device`: the primary one, or the first good secondary one, which is
// reported. Checks the checksum (reported when wrong). Fails as ParseSuperblock does on the primary
// one when no copy is good.
Result<Superblock> ReadSuperblock(const image::Image& device, bool force,
                                  DiagnosticSink& diagnostics);

// True when the device begins with the magic of XFS, or when the primary superblock is gone but the
// other headers of the first allocation group stand. Reads a few sectors.
bool SniffSuperblock(const image::Image& device);

}  // namespace ekshume::fs::xfs
