// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/superblock.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "base/limits.h"

namespace ekshume::fs::xfs {
namespace {

Error BadField(std::string_view field, uint64_t found, std::string_view expected) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("xfs: superblock: {} is {}, expected {}", field, found, expected));
}

bool IsPowerOfTwoIn(uint32_t value, uint32_t low, uint32_t high) {
  return std::has_single_bit(value) && value >= low && value <= high;
}

uint8_t Log2(uint32_t power_of_two) { return static_cast<uint8_t>(std::countr_zero(power_of_two)); }

// Writers of 32-bit machines once put the field where alignment had moved it.
uint32_t Features2(const Dsb& dsb) {
  if ((dsb.sb_versionnum.value() & kSbVersionMoreBitsBit) == 0) return 0;
  return dsb.sb_features2.value() | dsb.sb_bad_features2.value();
}

Result<void> CheckVersion4(const Dsb& dsb, bool force) {
  const uint16_t versionnum = dsb.sb_versionnum.value();
  if ((versionnum & kSbVersionDirV2Bit) == 0) {
    return Fail(ErrorCode::kUnsupported, "xfs: unsupported XFS feature: version 1 directories");
  }
  if (force) return {};
  if ((versionnum & kSbVersionSharedBit) != 0) {
    return Fail(ErrorCode::kUnsupported, "xfs: unsupported XFS feature: shared (0x200)");
  }
  const uint32_t features2 = Features2(dsb);
  if ((features2 & ~kSbVersion2Known) != 0) {
    return Fail(ErrorCode::kUnsupported, fmt::format("xfs: unsupported XFS features2 bits {:#x}",
                                                     features2 & ~kSbVersion2Known));
  }
  return {};
}

// Refuses what would make the rest read wrongly: the bits of sb_features_incompat that this reader
// does not know.
Result<void> CheckIncompat(uint32_t incompat, bool force) {
  const uint32_t unknown = incompat & ~kSbFeatIncompatKnown;
  if (unknown == 0 || force) return {};
  std::string names;
  if ((unknown & kSbFeatIncompatZoned) != 0) names += " (zoned)";
  if ((unknown & kSbFeatIncompatZoneGaps) != 0) names += " (zone gaps)";
  return Fail(ErrorCode::kUnsupported,
              fmt::format("xfs: unsupported XFS incompat feature {:#x}{}", unknown, names));
}

Result<void> ParseSizes(const Dsb& dsb, Superblock& sb) {
  sb.block_bytes = dsb.sb_blocksize.value();
  if (!IsPowerOfTwoIn(sb.block_bytes, 512, 65536)) {
    return BadField("sb_blocksize", sb.block_bytes, "a power of two from 512 to 65536");
  }
  sb.block_log = Log2(sb.block_bytes);
  if (dsb.sb_blocklog != sb.block_log) {
    return BadField("sb_blocklog", dsb.sb_blocklog, fmt::format("{}", sb.block_log));
  }
  sb.sector_bytes = dsb.sb_sectsize.value();
  if (!IsPowerOfTwoIn(sb.sector_bytes, 512, 32768) || sb.sector_bytes > sb.block_bytes) {
    return BadField("sb_sectsize", sb.sector_bytes, "a power of two from 512 to the block size");
  }
  sb.inode_bytes = dsb.sb_inodesize.value();
  if (!IsPowerOfTwoIn(sb.inode_bytes, 256, 2048) || sb.inode_bytes > sb.block_bytes) {
    return BadField("sb_inodesize", sb.inode_bytes, "a power of two from 256 to 2048");
  }
  sb.inode_log = Log2(sb.inode_bytes);
  sb.inodes_per_block = sb.block_bytes / sb.inode_bytes;
  sb.inodes_per_block_log = Log2(sb.inodes_per_block);
  if (dsb.sb_inopblog != sb.inodes_per_block_log) {
    return BadField("sb_inopblog", dsb.sb_inopblog, fmt::format("{}", sb.inodes_per_block_log));
  }
  if (dsb.sb_dirblklog > 16 || sb.block_log + dsb.sb_dirblklog > 16) {
    return BadField("sb_dirblklog", dsb.sb_dirblklog, "directory blocks of at most 64 KiB");
  }
  sb.dir_block_bytes = sb.block_bytes << dsb.sb_dirblklog;
  return {};
}

Result<void> ParseGroups(const Dsb& dsb, Superblock& sb) {
  sb.ag_blocks = dsb.sb_agblocks.value();
  // The header sectors alone need this much; the upper bound is XFS_MAX_AG_BYTES, 1 TiB.
  if (sb.ag_blocks < 4 || sb.ag_blocks > (uint64_t{1} << 40 >> sb.block_log)) {
    return BadField("sb_agblocks", sb.ag_blocks, "4 blocks to 1 TiB");
  }
  sb.ag_block_log = static_cast<uint8_t>(std::bit_width(sb.ag_blocks - 1));
  if (dsb.sb_agblklog != sb.ag_block_log) {
    return BadField("sb_agblklog", dsb.sb_agblklog, fmt::format("{}", sb.ag_block_log));
  }
  sb.ag_count = dsb.sb_agcount.value();
  sb.data_blocks = dsb.sb_dblocks.value();
  const uint64_t most = uint64_t{sb.ag_count} * sb.ag_blocks;
  if (sb.ag_count == 0 || sb.data_blocks > most || sb.data_blocks <= most - sb.ag_blocks) {
    return BadField(
        "sb_dblocks", sb.data_blocks,
        fmt::format("{} groups of {} blocks, the last one shorter", sb.ag_count, sb.ag_blocks));
  }
  if (sb.data_blocks > (uint64_t{1} << 62 >> sb.block_log)) {
    return BadField("sb_dblocks", sb.data_blocks, "less than 2^62 bytes");
  }
  return {};
}

void ParseLog(const Dsb& dsb, Superblock& sb) {
  sb.log_start = dsb.sb_logstart.value();
  sb.log_blocks = dsb.sb_logblocks.value();
  sb.has_logv2 = (dsb.sb_versionnum.value() & kSbVersionLogV2Bit) != 0;
  const uint32_t sector = dsb.sb_logsectsize.value();
  sb.log_sector_bytes = IsPowerOfTwoIn(sector, 512, 32768) ? sector : kBasicBlockBytes;
  sb.log_stripe_unit_bytes = sb.has_logv2 ? dsb.sb_logsunit.value() : 0;
}

void ParseFeatures(const Dsb& dsb, Superblock& sb) {
  const uint16_t versionnum = dsb.sb_versionnum.value();
  const uint32_t features2 = Features2(dsb);
  sb.has_ascii_ci = (versionnum & kSbVersionBorgBit) != 0;
  sb.has_attr2 = sb.version == 5 || (features2 & kSbVersion2Attr2) != 0;
  sb.has_lazy_counters = sb.version == 5 || (features2 & kSbVersion2LazySbCount) != 0;
  sb.inode_align_blocks = (versionnum & kSbVersionAlignBit) != 0 ? dsb.sb_inoalignmt.value() : 0;
  sb.has_realtime = dsb.sb_rblocks.value() != 0;
  if (sb.version == 4) {
    sb.has_ftype = (features2 & kSbVersion2Ftype) != 0;
    sb.meta_uuid = sb.uuid;
    return;
  }
  sb.has_crc = true;
  sb.ro_compat = dsb.sb_features_ro_compat.value();
  sb.incompat = dsb.sb_features_incompat.value();
  sb.log_incompat = dsb.sb_features_log_incompat.value();
  sb.has_finobt = (sb.ro_compat & kSbFeatRoCompatFinobt) != 0;
  sb.has_rmapbt = (sb.ro_compat & kSbFeatRoCompatRmapbt) != 0;
  sb.has_reflink = (sb.ro_compat & kSbFeatRoCompatReflink) != 0;
  sb.has_inobtcount = (sb.ro_compat & kSbFeatRoCompatInobtcnt) != 0;
  sb.has_verity = (sb.ro_compat & kSbFeatRoCompatVerity) != 0;
  sb.has_ftype = (sb.incompat & kSbFeatIncompatFtype) != 0;
  sb.has_sparse_inodes = (sb.incompat & kSbFeatIncompatSpinodes) != 0;
  sb.has_meta_uuid = (sb.incompat & kSbFeatIncompatMetaUuid) != 0;
  sb.has_bigtime = (sb.incompat & kSbFeatIncompatBigtime) != 0;
  sb.needs_repair = (sb.incompat & kSbFeatIncompatNeedsRepair) != 0;
  sb.has_nrext64 = (sb.incompat & kSbFeatIncompatNrext64) != 0;
  sb.has_exchange_range = (sb.incompat & kSbFeatIncompatExchrange) != 0;
  sb.has_parent = (sb.incompat & kSbFeatIncompatParent) != 0;
  sb.has_metadir = (sb.incompat & kSbFeatIncompatMetadir) != 0;
  sb.meta_uuid = sb.has_meta_uuid ? dsb.sb_meta_uuid : sb.uuid;
  if (sb.has_metadir) sb.metadata_root_inode = dsb.sb_metadirino.value();
}

}  // namespace

uint32_t Superblock::AgLength(uint32_t ag) const {
  const uint64_t before = uint64_t{ag} * ag_blocks;
  if (ag >= ag_count || before >= data_blocks) return 0;
  return static_cast<uint32_t>(std::min<uint64_t>(ag_blocks, data_blocks - before));
}

bool Superblock::ContainsBlocks(uint64_t fsblock, uint64_t count) const {
  const uint64_t ag = fsblock >> ag_block_log;
  if (ag >= ag_count) return false;
  const uint64_t ag_block = fsblock & ((uint64_t{1} << ag_block_log) - 1);
  return RangeFits(ag_block, count, uint64_t{AgLength(static_cast<uint32_t>(ag))});
}

std::optional<uint64_t> Superblock::FsBlockToByte(uint64_t fsblock) const {
  if (!ContainsBlocks(fsblock, 1)) return std::nullopt;
  const uint64_t ag_block = fsblock & ((uint64_t{1} << ag_block_log) - 1);
  return AgBlockToByte(static_cast<uint32_t>(fsblock >> ag_block_log),
                       static_cast<uint32_t>(ag_block));
}

std::optional<InodeLocation> Superblock::LocateInode(uint64_t inode) const {
  if (inode > kMaxInodeNumber) return std::nullopt;
  const uint64_t ag = inode >> (ag_block_log + inodes_per_block_log);
  const uint64_t ag_block = (inode >> inodes_per_block_log) & ((uint64_t{1} << ag_block_log) - 1);
  if (ag >= ag_count || ag_block >= AgLength(static_cast<uint32_t>(ag))) return std::nullopt;
  InodeLocation location;
  location.ag = static_cast<uint32_t>(ag);
  location.ag_block = static_cast<uint32_t>(ag_block);
  location.offset_bytes = static_cast<uint32_t>(inode & (inodes_per_block - 1)) << inode_log;
  location.byte_offset = AgBlockToByte(location.ag, location.ag_block) + location.offset_bytes;
  return location;
}

std::vector<std::string> Superblock::FeatureNames() const {
  std::vector<std::string> names;
  const auto add = [&](bool enabled, const char* name) {
    if (enabled) names.emplace_back(name);
  };
  add(has_ascii_ci, "ascii-ci");
  add(has_attr2, "attr2");
  add(has_bigtime, "bigtime");
  add(has_crc, "crc");
  add(has_exchange_range, "exchange");
  add(has_finobt, "finobt");
  add(has_ftype, "ftype");
  add(has_inobtcount, "inobtcount");
  add(has_lazy_counters, "lazy-count");
  add(has_logv2, "logv2");
  add(has_meta_uuid, "meta_uuid");
  add(has_metadir, "metadir");
  add(needs_repair, "needsrepair");
  add(has_nrext64, "nrext64");
  add(has_parent, "parent");
  add(has_realtime, "realtime");
  add(has_reflink, "reflink");
  add(has_rmapbt, "rmapbt");
  add(has_sparse_inodes, "sparse");
  add(has_verity, "verity");
  return names;
}

Result<Superblock> ParseSuperblock(const Dsb& dsb, bool force) {
  if (dsb.sb_magicnum.value() != kSbMagic) {
    return Fail(ErrorCode::kCorrupt, fmt::format("xfs: bad superblock magic {:#010x}, expected "
                                                 "{:#010x} (\"XFSB\")",
                                                 dsb.sb_magicnum.value(), kSbMagic));
  }
  Superblock sb;
  sb.version = dsb.sb_versionnum.value() & kSbVersionNumBits;
  if (sb.version != 4 && sb.version != 5) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("xfs: unsupported XFS version {}", sb.version));
  }
  if (sb.version == 4) EKSHUME_TRY(CheckVersion4(dsb, force));
  if (sb.version == 5) EKSHUME_TRY(CheckIncompat(dsb.sb_features_incompat.value(), force));
  EKSHUME_TRY(ParseSizes(dsb, sb));
  EKSHUME_TRY(ParseGroups(dsb, sb));
  ParseLog(dsb, sb);
  sb.uuid = dsb.sb_uuid;
  ParseFeatures(dsb, sb);
  const std::string_view fname(dsb.sb_fname.data(), dsb.sb_fname.size());
  sb.label = fname.substr(0, fname.find('\0'));
  sb.root_inode = dsb.sb_rootino.value();
  return sb;
}

}  // namespace ekshume::fs::xfs
