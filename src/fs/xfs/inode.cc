// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/inode.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "fs/xfs/checksum.h"
#include "fs/xfs/inode_changes.h"

namespace ekshume::fs::xfs {
namespace {

constexpr int64_t kNanosecondsPerSecond = 1000000000;

// Section "Timestamps": bigtime counts nanoseconds from -2^31 seconds; the legacy form is two
// 32-bit halves, signed seconds and nanoseconds.
Timestamp DecodeTime(be64 raw, bool bigtime) {
  const uint64_t value = raw.value();
  Timestamp time;
  if (bigtime) {
    time.seconds = static_cast<int64_t>(value / kNanosecondsPerSecond) - kBigtimeEpochOffsetSeconds;
    time.nanoseconds = static_cast<uint32_t>(value % kNanosecondsPerSecond);
  } else {
    time.seconds = static_cast<int32_t>(static_cast<uint32_t>(value >> 32));
    time.nanoseconds = static_cast<uint32_t>(value) % kNanosecondsPerSecond;
  }
  return time;
}

// Verifies every inode of a cluster. Slots without an inode of version 3 are left alone: a cluster
// may reach over blocks that hold something else.
void VerifyCluster(const Superblock& sb, InodeCluster& cluster) {
  if (!sb.has_crc) return;
  const ByteView bytes(cluster.bytes);
  for (size_t offset = 0; bytes.Contains(offset, sb.inode_bytes); offset += sb.inode_bytes) {
    const auto magic = bytes.Read<be16>(offset);
    if (!magic || magic->value() != kDinodeMagic) continue;
    const auto slot = bytes.Sub(offset, sb.inode_bytes);
    if (slot && !ChecksumMatches(*slot, offsetof(Dinode, di_crc))) {
      cluster.bad_checksum.set(offset / InodeCluster::kSmallestInode);
    }
  }
}

Error BadInode(const Inode& inode, std::string_view what) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("xfs: inode {} at {:#x}: {}", inode.number, inode.byte_offset, what));
}

// Checks what says that the slot holds this inode.
Result<void> CheckIdentity(const Superblock& sb, const Inode& inode) {
  const Dinode& core = inode.core;
  if (core.di_magic.value() != kDinodeMagic) {
    return BadInode(inode, fmt::format("bad magic {:#06x}, expected {:#06x} (\"IN\")",
                                       core.di_magic.value(), kDinodeMagic));
  }
  const bool good_version =
      sb.has_crc ? core.di_version == 3 : core.di_version == 1 || core.di_version == 2;
  if (!good_version) return BadInode(inode, fmt::format("version {}", core.di_version));
  if (sb.has_crc && core.di_ino.value() != inode.number) {
    return BadInode(inode, fmt::format("calls itself inode {}", core.di_ino.value()));
  }
  if (sb.has_crc && core.di_uuid != sb.meta_uuid) {
    return BadInode(inode, "belongs to another filesystem (UUID)");
  }
  if (core.di_mode.value() == 0) {
    return Fail(ErrorCode::kNotFound, fmt::format("xfs: inode {} is free", inode.number));
  }
  return {};
}

// Divides the slot into its forks and decodes the counters.
void SplitForks(const Context& context, ByteView slot, Inode& inode) {
  const Dinode& core = inode.core;
  const size_t core_bytes = inode.has_v3 ? sizeof(Dinode) : kDinodeCoreBytesV2;
  const ByteView literal = slot.From(core_bytes);
  const size_t fork_offset = size_t{core.di_forkoff} * 8;
  inode.data_fork = literal;
  if (fork_offset >= literal.size()) {
    context.Report(DiagnosticCode::kXfsBadStructure,
                   fmt::format("inode {}: di_forkoff {} lies outside the inode", inode.number,
                               core.di_forkoff),
                   inode.byte_offset);
  } else if (fork_offset != 0) {
    inode.data_fork = literal.First(fork_offset);
    inode.attr_fork = literal.From(fork_offset);
  }
  if (inode.has_flag2(kDiflag2Nrext64)) {
    inode.data_extents = core.di_big_nextents.value();
    inode.attr_extents = core.di_nextents.value();
  } else {
    inode.data_extents = core.di_nextents.value();
    inode.attr_extents = core.di_anextents.value();
  }
}

// XFS keeps device numbers as System V did: 14 bits of major, 18 of minor.
void DecodeDevice(const Inode& inode, Stat& stat) {
  const auto device = inode.data_fork.Read<be32>(0);
  if (!device) return;
  stat.device_major = device->value() >> 18;
  stat.device_minor = device->value() & 0x3ffff;
}

}  // namespace

Stat StatOf(const Superblock& sb, const Inode& inode) {
  const Dinode& core = inode.core;
  Stat stat;
  stat.type = inode.type();
  stat.permissions = inode.mode & 07777;
  stat.uid = core.di_uid.value();
  stat.gid = core.di_gid.value();
  stat.links = core.di_version == 1 ? core.di_onlink.value() : core.di_nlink.value();
  stat.inode = inode.number;
  stat.generation = core.di_gen.value();
  stat.size_bytes = inode.size_bytes;
  // A damaged count saturates rather than wraps.
  stat.allocated_bytes = std::min(core.di_nblocks.value(), UINT64_MAX >> sb.block_log)
                         << sb.block_log;
  if (stat.type == NodeType::kCharDevice || stat.type == NodeType::kBlockDevice) {
    DecodeDevice(inode, stat);
  }
  const bool bigtime = inode.has_flag2(kDiflag2Bigtime);
  stat.modified = DecodeTime(core.di_mtime, bigtime);
  stat.changed = DecodeTime(core.di_ctime, bigtime);
  stat.accessed = DecodeTime(core.di_atime, bigtime);
  if (inode.has_v3) stat.created = DecodeTime(core.di_crtime, bigtime);
  return stat;
}

Result<InodeReader::ClusterPointer> InodeReader::GetCluster(uint64_t cluster) const {
  Slot& slot = slots_[cluster % kSlots];
  {
    const std::lock_guard lock(slot.mutex);
    if (slot.cluster == cluster) return slot.bytes;
  }
  const uint64_t start = cluster * InodeCluster::kBytes;
  auto read = std::make_shared<InodeCluster>();
  const uint64_t size = context_.device.size_bytes();
  if (start >= size) {
    return Fail(ErrorCode::kOutOfRange, fmt::format("xfs: inode at {:#x} is past the end of {}",
                                                    start, context_.device.name()));
  }
  read->bytes = EKSHUME_TRY(image::ReadBytes(
      context_.device, start, std::min<uint64_t>(InodeCluster::kBytes, size - start)));
  VerifyCluster(context_.sb, *read);
  const std::lock_guard lock(slot.mutex);
  slot.cluster = cluster;
  slot.bytes = std::move(read);
  return slot.bytes;
}

Result<Inode> InodeReader::Read(uint64_t number) const {
  const Superblock& sb = context_.sb;
  const auto location = sb.LocateInode(number);
  if (!location) {
    return Fail(ErrorCode::kOutOfRange, fmt::format("xfs: no inode can have number {}", number));
  }
  Inode inode;
  inode.number = number;
  inode.byte_offset = location->byte_offset;
  auto cluster = GetCluster(location->byte_offset / InodeCluster::kBytes);
  size_t within = location->byte_offset % InodeCluster::kBytes;
  if (!cluster) {
    // Damage beside the inode must not cost the inode itself: read it alone.
    auto alone = std::make_shared<InodeCluster>();
    alone->bytes =
        EKSHUME_TRY(image::ReadBytes(context_.device, location->byte_offset, sb.inode_bytes));
    VerifyCluster(sb, *alone);
    cluster = ClusterPointer(std::move(alone));
    within = 0;
  }
  inode.holder = *std::move(cluster);
  const ByteView slot = EKSHUME_TRY(ByteView(inode.holder->bytes).Sub(within, sb.inode_bytes));
  inode.core = EKSHUME_TRY(slot.Read<Dinode>(0));
  inode.has_v3 = inode.core.di_version == 3;
  if (inode.holder->bad_checksum.test(within / InodeCluster::kSmallestInode)) {
    context_.Report(DiagnosticCode::kXfsBadChecksum, fmt::format("inode {}", number),
                    inode.byte_offset);
  }
  EKSHUME_TRY(CheckIdentity(sb, inode));
  inode.mode = inode.core.di_mode.value();
  inode.size_bytes = inode.core.di_size.value();
  if (inode.size_bytes > static_cast<uint64_t>(INT64_MAX)) {
    return BadInode(inode, fmt::format("size {:#x}", inode.size_bytes));
  }
  SplitForks(context_, slot, inode);
  if (const InodeChange* change = context_.ChangeOf(number)) {
    inode.size_bytes = change->size_bytes.value_or(inode.size_bytes);
    if (change->block_count) inode.core.di_nblocks = be64::Of(*change->block_count);
  }
  return inode;
}

}  // namespace ekshume::fs::xfs
