// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/inode.h"

#include <fmt/format.h>

#include <algorithm>

#include "fs/ext4/checksum.h"

namespace ekshume::fs::ext4 {
namespace {

// The bytes of InodeExtra that are in use: fields past them are not there, whatever they hold.
constexpr uint32_t EndOf(size_t field_offset) { return static_cast<uint32_t>(field_offset) + 4; }

// i_blocks, in sectors.
uint64_t DecodeSectors(const Geometry& geometry, const InodeCore& core) {
  uint64_t count = core.i_blocks_lo.value();
  if (!geometry.Has(kRoCompatHugeFile)) return count;
  count |= uint64_t{core.i_blocks_high.value()} << 32;
  if ((core.i_flags.value() & kInodeHugeFile) != 0) count *= geometry.block_bytes / 512;
  return count;
}

void DecodeTimes(const InodeCore& core, const InodeExtra& extra, uint32_t extra_bytes,
                 Inode& inode) {
  const auto decode = [&](le32 seconds, le32 field, size_t field_offset) {
    return DecodeTime(seconds.value(), extra_bytes >= EndOf(field_offset) ? field.value() : 0);
  };
  inode.changed = decode(core.i_ctime, extra.i_ctime_extra, offsetof(InodeExtra, i_ctime_extra));
  inode.modified = decode(core.i_mtime, extra.i_mtime_extra, offsetof(InodeExtra, i_mtime_extra));
  inode.accessed = decode(core.i_atime, extra.i_atime_extra, offsetof(InodeExtra, i_atime_extra));
  if (extra_bytes >= EndOf(offsetof(InodeExtra, i_crtime))) {
    inode.created =
        decode(extra.i_crtime, extra.i_crtime_extra, offsetof(InodeExtra, i_crtime_extra));
  }
}

}  // namespace

Timestamp DecodeTime(uint32_t seconds, uint32_t extra) {
  const int64_t epoch = int64_t{extra & 3} << 32;
  return {int64_t{static_cast<int32_t>(seconds)} + epoch, std::min(extra >> 2, 999999999U)};
}

Result<Inode> ParseInode(const Geometry& geometry, InodeNumber number, ByteView raw) {
  // Every name of a listing comes by here: structs are filled where they stay and not copied.
  const auto read_core = raw.Read<InodeCore>(0);
  if (!read_core) return read_core.error();
  const InodeCore& core = *read_core;
  Result<Inode> result(std::in_place);
  Inode& inode = *result;
  inode.number = number;
  inode.mode = core.i_mode.value();
  inode.type = NodeTypeFromMode(inode.mode);
  inode.uid = core.i_uid.value() | uint32_t{core.i_uid_high.value()} << 16;
  inode.gid = core.i_gid.value() | uint32_t{core.i_gid_high.value()} << 16;
  inode.links = core.i_links_count.value();
  inode.flags = core.i_flags.value();
  inode.generation = core.i_generation.value();
  inode.size_bytes = core.i_size_lo.value();
  // In other inodes the upper half was once i_dir_acl.
  if (inode.type == NodeType::kRegular || geometry.Has(kIncompatLargeDir)) {
    inode.size_bytes |= uint64_t{core.i_size_high.value()} << 32;
  }
  inode.sectors = DecodeSectors(geometry, core);
  inode.xattr_block = core.i_file_acl_lo.value();
  if (geometry.Has(kIncompat64Bit)) {
    inode.xattr_block |= uint64_t{core.i_file_acl_high.value()} << 32;
  }
  inode.deletion_time = core.i_dtime.value();
  inode.block = core.i_block;
  inode.checksum_seed =
      Crc32cOfLe32(Crc32cOfLe32(geometry.checksum_seed, ToInteger(number)), inode.generation);

  Result<InodeExtra> extra(InodeExtra{});
  uint32_t usable_bytes = 0;
  if (raw.size() > kGoodOldInodeBytes) {
    extra = raw.Read<InodeExtra>(kGoodOldInodeBytes);
    if (!extra) return extra.error();
    inode.extra_bytes = extra->i_extra_isize.value();
    if (inode.extra_bytes > raw.size() - kGoodOldInodeBytes || inode.extra_bytes % 4 != 0) {
      return Fail(
          ErrorCode::kCorrupt,
          fmt::format("ext4: inode {} has i_extra_isize {}, expected at most {}", ToInteger(number),
                      inode.extra_bytes, raw.size() - kGoodOldInodeBytes));
    }
    // The kernel takes 0 (an inode from before the extra fields) as "all there".
    usable_bytes = inode.extra_bytes == 0 ? sizeof(InodeExtra) : inode.extra_bytes;
  }
  DecodeTimes(core, *extra, usable_bytes, inode);
  return result;
}

Result<InodeChecksum> ComputeInodeChecksum(const Inode& inode, ByteView raw) {
  constexpr size_t kLow = offsetof(InodeCore, i_checksum_lo);
  constexpr size_t kHigh = kGoodOldInodeBytes + offsetof(InodeExtra, i_checksum_hi);
  InodeChecksum sum;
  sum.stored = EKSHUME_TRY(raw.Read<le16>(kLow)).value();
  sum.has_high_half =
      raw.size() > kGoodOldInodeBytes && inode.extra_bytes >= offsetof(InodeExtra, i_ctime_extra);
  // Over the inode with the sum itself taken as zero.
  InodeBytes zeroed(raw.size());
  CopyBytes(zeroed.span(), raw);
  CopyBytes(zeroed.span().subspan(kLow), AsBytes(le16{}));
  if (sum.has_high_half) {
    sum.stored |= uint32_t{EKSHUME_TRY(raw.Read<le16>(kHigh)).value()} << 16;
    CopyBytes(zeroed.span().subspan(kHigh), AsBytes(le16{}));
  }
  sum.computed = Crc32c(inode.checksum_seed, zeroed.view());
  if (!sum.has_high_half) sum.computed &= 0xFFFF;
  return sum;
}

bool InodeChecksumMatches(const Geometry& geometry, const Inode& inode, ByteView raw) {
  if (!geometry.Has(kRoCompatMetadataCsum)) return true;
  const auto sum = ComputeInodeChecksum(inode, raw);
  return sum && sum->stored == sum->computed;
}

Stat MakeStat(const Geometry& geometry, const Inode& inode) {
  Stat stat;
  stat.type = inode.type;
  stat.permissions = inode.mode & 07777;
  stat.uid = inode.uid;
  stat.gid = inode.gid;
  stat.links = inode.links;
  stat.inode = ToInteger(inode.number);
  stat.generation = inode.generation;
  stat.size_bytes = inode.size_bytes;
  stat.allocated_bytes = inode.sectors * 512;
  // The kernel counts the sectors that a file inside its inode would need.
  if (inode.Has(kInodeInlineData) && geometry.Has(kIncompatInlineData) &&
      inode.type == NodeType::kRegular) {
    stat.allocated_bytes += (inode.size_bytes + 511) / 512 * 512;
  }
  if (inode.type == NodeType::kCharDevice || inode.type == NodeType::kBlockDevice) {
    const ByteView block(inode.block);
    const auto old_encoding = block.Read<le32>(0);
    const auto new_encoding = block.Read<le32>(4);
    if (old_encoding && old_encoding->value() != 0) {
      stat.device_major = (old_encoding->value() >> 8) & 0xFF;
      stat.device_minor = old_encoding->value() & 0xFF;
    } else if (new_encoding) {
      stat.device_major = (new_encoding->value() >> 8) & 0xFFF;
      stat.device_minor =
          (new_encoding->value() & 0xFF) | ((new_encoding->value() >> 12) & 0xFFF00);
    }
  }
  stat.modified = inode.modified;
  stat.changed = inode.changed;
  stat.accessed = inode.accessed;
  stat.created = inode.created;
  return stat;
}

}  // namespace ekshume::fs::ext4
