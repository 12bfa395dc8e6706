// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "fs/xfs/log_metadata.h"
#include "fs/xfs/log_recover.h"

namespace ekshume::fs::xfs {
namespace {

// A timestamp of the log: one counter, or seconds and nanoseconds in the writer's byte order.
be64 TimestampToDisk(le64 logged, bool bigtime) {
  if (bigtime) return be64::Of(logged.value());
  const auto seconds = static_cast<uint32_t>(logged.value());
  const auto nanoseconds = static_cast<uint32_t>(logged.value() >> 32);
  return be64::Of(uint64_t{seconds} << 32 | nanoseconds);
}

// The core as it belongs on disk. Keeps what a logged core does not carry: the unlinked list's
// link.
Dinode CoreToDisk(const LogDinode& from, const Dinode& on_disk, Lsn lsn) {
  const bool is_v3 = from.di_version >= 3;
  const uint64_t flags2 = is_v3 ? from.di_flags2.value() : 0;
  const bool bigtime = (flags2 & kDiflag2Bigtime) != 0;
  const bool nrext64 = (flags2 & kDiflag2Nrext64) != 0;
  Dinode to = on_disk;
  to.di_magic = be16::Of(from.di_magic.value());
  to.di_mode = be16::Of(from.di_mode.value());
  to.di_version = from.di_version;
  to.di_format = from.di_format;
  to.di_onlink = be16::Of((flags2 & kDiflag2Metadata) != 0 ? from.di_metatype.value() : 0);
  to.di_uid = be32::Of(from.di_uid.value());
  to.di_gid = be32::Of(from.di_gid.value());
  to.di_nlink = be32::Of(from.di_nlink.value());
  to.di_projid_lo = be16::Of(from.di_projid_lo.value());
  to.di_projid_hi = be16::Of(from.di_projid_hi.value());
  to.di_atime = TimestampToDisk(from.di_atime, bigtime);
  to.di_mtime = TimestampToDisk(from.di_mtime, bigtime);
  to.di_ctime = TimestampToDisk(from.di_ctime, bigtime);
  to.di_size = be64::Of(from.di_size.value());
  to.di_nblocks = be64::Of(from.di_nblocks.value());
  to.di_extsize = be32::Of(from.di_extsize.value());
  to.di_nextents = be32::Of(from.di_nextents.value());
  to.di_anextents = be16::Of(nrext64 ? 0 : from.di_anextents.value());
  to.di_forkoff = from.di_forkoff;
  to.di_aformat = from.di_aformat;
  to.di_dmevmask = be32::Of(from.di_dmevmask.value());
  to.di_dmstate = be16::Of(from.di_dmstate.value());
  to.di_flags = be16::Of(from.di_flags.value());
  to.di_gen = be32::Of(from.di_gen.value());
  // Version 2 counts flushes in the last two of these bytes; recovery starts that count anew.
  to.di_big_nextents = be64::Of(nrext64 ? from.di_big_nextents.value() : 0);
  if (!is_v3) return to;
  to.di_changecount = be64::Of(from.di_changecount.value());
  to.di_lsn = be64::Of(lsn);
  to.di_flags2 = be64::Of(flags2);
  to.di_cowextsize = be32::Of(from.di_cowextsize.value());
  to.di_pad2 = {};
  to.di_crtime = TimestampToDisk(from.di_crtime, bigtime);
  to.di_ino = be64::Of(from.di_ino.value());
  to.di_uuid = from.di_uuid;
  return to;
}

// On disk, and in the log: where version 2 ends before the link that a logged core does not carry.
size_t CoreBytes(uint8_t version) { return version >= 3 ? sizeof(Dinode) : kDinodeCoreBytesV2; }
size_t LoggedCoreBytes(uint8_t version) {
  return version >= 3 ? sizeof(LogDinode) : offsetof(LogDinode, di_next_unlinked);
}

// True when the inode on disk is newer than the logged one: version 3 knows by the LSN, older ones
// by a count of flushes that wraps.
bool IsNewerOnDisk(const Dinode& on_disk, const LogDinode& logged, Lsn lsn) {
  if (on_disk.di_version >= 3) {
    const Lsn disk_lsn = on_disk.di_lsn.value();
    // Checkpoints may share an LSN, so an equal one does not tell.
    return disk_lsn != 0 && disk_lsn != kNullCommitLsn && disk_lsn > lsn;
  }
  const auto disk_flushes = static_cast<uint16_t>(on_disk.di_big_nextents.value());
  const auto flushes = static_cast<uint16_t>(logged.di_big_nextents.value() >> 48);
  if (flushes >= disk_flushes) return false;
  return disk_flushes != kDiMaxFlush || flushes >= kDiMaxFlush / 2;
}

// The root of an extent tree as it is in memory (and in the log): the header of a tree block, keys,
// pointers, with room for as many as the region holds. On disk: a short header, and room for as
// many as the fork holds.
Result<void> RootToDisk(ByteView root, bool has_crc, std::span<std::byte> fork) {
  const size_t header_bytes = has_crc ? sizeof(BtreeLongCrcBlock) : sizeof(BtreeLongBlock);
  constexpr size_t kPairBytes = kBmbtKeyBytes + kBmbtPtrBytes;
  const auto header = EKSHUME_TRY(root.Read<BtreeHeader>(0));
  const size_t count = header.bb_numrecs.value();
  const size_t from_room = (root.From(header_bytes).size()) / kPairBytes;
  const size_t to_room =
      fork.size() < sizeof(BmdrBlock) ? 0 : (fork.size() - sizeof(BmdrBlock)) / kPairBytes;
  if (count == 0 || count > from_room || count > to_room) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("its extent tree's root has {} records, there is room for {} in the "
                            "log and {} in the fork",
                            count, from_room, to_room));
  }
  Put(fork, 0, BmdrBlock{header.bb_level, header.bb_numrecs});
  CopyBytes(fork.subspan(sizeof(BmdrBlock)),
            EKSHUME_TRY(root.Sub(header_bytes, count * kBmbtKeyBytes)));
  CopyBytes(fork.subspan(sizeof(BmdrBlock) + to_room * kBmbtKeyBytes),
            EKSHUME_TRY(root.Sub(header_bytes + from_room * kBmbtKeyBytes, count * kBmbtPtrBytes)));
  return {};
}

}  // namespace

Result<LogRecovery::InodeItem> LogRecovery::ParseInodeItem(ByteView description) {
  const auto model = [](const auto& format) {
    return InodeItem{format.ilf_size.value(),   format.ilf_fields.value(), format.ilf_ino.value(),
                     format.ilfu_rdev.value(),  format.ilf_blkno.value(),  format.ilf_len.value(),
                     format.ilf_boffset.value()};
  };
  if (description.size() == sizeof(InodeLogFormat32)) {
    return model(EKSHUME_TRY(description.Read<InodeLogFormat32>(0)));
  }
  return model(EKSHUME_TRY(description.Read<InodeLogFormat>(0)));
}

Result<void> LogRecovery::ReplayInode(const LogTransaction& transaction, const Item& item) {
  const InodeItem inode = EKSHUME_TRY(ParseInodeItem(transaction.Region(item, 0)));
  if (IsCancelled({inode.blkno, inode.len})) {
    ++replay_.cancelled_count;
    return {};
  }
  const auto cluster = CheckedMultiply<uint64_t>(inode.blkno, kBasicBlockBytes);
  const auto offset = cluster ? CheckedAdd<uint64_t>(*cluster, inode.boffset) : std::nullopt;
  if (!offset || !RangeFits(*offset, uint64_t{superblock_.inode_bytes}, patched_.size_bytes())) {
    return Fail(ErrorCode::kCorrupt, fmt::format("inode {} at block {:#x} lies past the end of the "
                                                 "device",
                                                 inode.ino, inode.blkno));
  }
  std::vector<std::byte> slot =
      EKSHUME_TRY(image::ReadBytes(patched_, *offset, superblock_.inode_bytes));
  // Before version 3 an inode may end before the struct's last fields do; slots are at least 256
  // bytes, so reading all of it is safe.
  const auto on_disk = EKSHUME_TRY(ByteView(slot).Read<Dinode>(0));
  if (on_disk.di_magic.value() != kDinodeMagic) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("inode {} has the magic {:#06x} on disk, expected {:#06x} (\"IN\")",
                            inode.ino, on_disk.di_magic.value(), kDinodeMagic));
  }
  // Before version 3 a core ends early, and so does the region; what follows reads as zero.
  const ByteView core_region = transaction.Region(item, 1);
  std::array<std::byte, sizeof(LogDinode)> core_bytes{};
  CopyBytes(core_bytes, core_region.First(core_bytes.size()));
  const auto logged = EKSHUME_TRY(ByteView(core_bytes).Read<LogDinode>(0));
  if (logged.di_magic.value() != kDinodeMagic ||
      core_region.size() < LoggedCoreBytes(logged.di_version)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("the logged core of inode {} has the magic {:#06x} and {} bytes",
                            inode.ino, logged.di_magic.value(), core_region.size()));
  }
  if (IsNewerOnDisk(on_disk, logged, transaction.lsn())) {
    ++replay_.newer_on_disk_count;
    return ChangeOwner(inode, ByteView(slot));
  }
  const Dinode core = CoreToDisk(logged, on_disk, transaction.lsn());
  CopyBytes(slot, AsBytes(core).First(CoreBytes(core.di_version)));
  EKSHUME_TRY(CopyForks(transaction, item, inode, slot));
  StampInode(slot);
  EKSHUME_TRY(patched_.Patch(*offset, ByteView(slot)));
  ++replay_.inode_count;
  return ChangeOwner(inode, ByteView(slot));
}

Result<void> LogRecovery::CopyForks(const LogTransaction& transaction, const Item& item,
                                    const InodeItem& inode, std::span<std::byte> slot) const {
  const auto core = EKSHUME_TRY(ByteView(slot).Read<Dinode>(0));
  const std::span<std::byte> literal = slot.subspan(CoreBytes(core.di_version));
  const size_t fork_offset = size_t{core.di_forkoff} * 8;
  if (fork_offset > literal.size()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("inode {} has its attribute fork at byte {} of {}",
                                                 inode.ino, fork_offset, literal.size()));
  }
  const std::span<std::byte> data = fork_offset == 0 ? literal : literal.first(fork_offset);
  const std::span<std::byte> attributes =
      fork_offset == 0 ? std::span<std::byte>() : literal.subspan(fork_offset);
  if ((inode.fields & kIlogDev) != 0 && data.size() >= sizeof(be32)) {
    Put(data, 0, be32::Of(inode.rdev));
  }
  uint32_t region = 2;
  const auto copy = [&](uint32_t plain, uint32_t root, std::span<std::byte> fork) -> Result<void> {
    if ((inode.fields & (plain | root)) == 0 || region >= inode.region_count) return {};
    const ByteView logged = transaction.Region(item, region++);
    if ((inode.fields & plain) == 0) return RootToDisk(logged, superblock_.has_crc, fork);
    if (logged.size() > fork.size()) {
      return Fail(ErrorCode::kCorrupt, fmt::format("inode {} has {} bytes for a fork of {}",
                                                   inode.ino, logged.size(), fork.size()));
    }
    CopyBytes(fork, logged);
    return {};
  };
  EKSHUME_TRY(copy(kIlogDdata | kIlogDext, kIlogDbroot, data));
  return copy(kIlogAdata | kIlogAext, kIlogAbroot, attributes);
}

}  // namespace ekshume::fs::xfs
