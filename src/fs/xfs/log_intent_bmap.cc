// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "fs/xfs/log_intents.h"
#include "fs/xfs/log_metadata.h"

namespace ekshume::fs::xfs {
namespace {

// One record of a fork, unpacked.
struct Mapping {
  uint64_t start_offset;
  uint64_t start_block;
  uint64_t count;
  bool unwritten;

  uint64_t end() const { return start_offset + count; }
};
constexpr uint64_t kMaxMappingBlocks = (uint64_t{1} << 21) - 1;
constexpr uint64_t kMaxFileOffset = (uint64_t{1} << 54) - 1;

Mapping Unpack(const BmbtRec& record) {
  const uint64_t l0 = record.l0.value();
  const uint64_t l1 = record.l1.value();
  return {l0 >> 9 & kMaxFileOffset, (l0 & 0x1ff) << 43 | l1 >> 21, l1 & kMaxMappingBlocks,
          l0 >> 63 != 0};
}

BmbtRec Pack(const Mapping& mapping) {
  const uint64_t l0 = (mapping.unwritten ? uint64_t{1} << 63 : 0) | mapping.start_offset << 9 |
                      (mapping.start_block >> 43 & 0x1ff);
  return {be64::Of(l0), be64::Of(mapping.start_block << 21 | mapping.count)};
}

bool CanMerge(const Mapping& left, const Mapping& right) {
  return left.end() == right.start_offset && left.start_block + left.count == right.start_block &&
         left.unwritten == right.unwritten && left.count + right.count <= kMaxMappingBlocks;
}

// Puts `added` into a hole of the sorted `mappings`, joined with its neighbours where they touch.
Result<void> Insert(std::vector<Mapping>& mappings, const Mapping& added) {
  const auto next =
      std::ranges::lower_bound(mappings, added.start_offset, {}, &Mapping::start_offset);
  if ((next != mappings.end() && next->start_offset < added.end()) ||
      (next != mappings.begin() && std::prev(next)->end() > added.start_offset)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("file block {:#x} is mapped already", added.start_offset));
  }
  auto at = mappings.insert(next, added);
  if (std::next(at) != mappings.end() && CanMerge(*at, *std::next(at))) {
    at->count += std::next(at)->count;
    mappings.erase(std::next(at));
  }
  if (at != mappings.begin() && CanMerge(*std::prev(at), *at)) {
    std::prev(at)->count += at->count;
    mappings.erase(at);
  }
  return {};
}

// Takes the file's blocks [start, end) out of `mappings`; returns how many were mapped.
uint64_t Remove(std::vector<Mapping>& mappings, uint64_t start, uint64_t end) {
  std::vector<Mapping> kept;
  uint64_t removed = 0;
  for (const Mapping& mapping : mappings) {
    const uint64_t from = std::clamp(start, mapping.start_offset, mapping.end());
    const uint64_t to = std::clamp(end, mapping.start_offset, mapping.end());
    if (from >= to) {
      kept.push_back(mapping);
      continue;
    }
    removed += to - from;
    if (from > mapping.start_offset) {
      kept.push_back({mapping.start_offset, mapping.start_block, from - mapping.start_offset,
                      mapping.unwritten});
    }
    if (to < mapping.end()) {
      kept.push_back({to, mapping.start_block + (to - mapping.start_offset), mapping.end() - to,
                      mapping.unwritten});
    }
  }
  mappings = std::move(kept);
  return removed;
}

}  // namespace

Result<std::string> LogIntents::FinishBmap(ByteView description) {
  const auto header = EKSHUME_TRY(description.Read<IntentLogHeader>(0));
  const auto extent = EKSHUME_TRY(description.Read<MapExtent>(sizeof(IntentLogHeader)));
  const uint32_t flags = extent.me_flags.value();
  const uint64_t ino = extent.me_owner.value();
  const bool is_attribute = (flags & kBmapExtentAttrFork) != 0;
  const bool is_map = (flags & kBmapExtentTypeMask) == kBmapMap;
  const Mapping wanted{extent.me_startoff.value(), extent.me_startblock.value(),
                       extent.me_len.value(), (flags & kBmapExtentUnwritten) != 0};
  const std::string what =
      fmt::format("of inode {} ({} {} blocks at file block {:#x} {} block {:#x})", ino,
                  is_map ? "map" : "unmap", wanted.count, wanted.start_offset,
                  is_map ? "to" : "from", wanted.start_block);
  const auto location = superblock_.LocateInode(ino);
  if (header.nextents.value() != 1 || !location ||
      (!is_map && (flags & kBmapExtentTypeMask) != kBmapUnmap) ||
      (flags & kBmapExtentRealtime) != 0 || wanted.count == 0 || wanted.count > kMaxMappingBlocks ||
      wanted.start_offset > kMaxFileOffset - wanted.count ||
      !superblock_.ContainsBlocks(wanted.start_block, wanted.count)) {
    return Fail(ErrorCode::kCorrupt, what + " makes no sense");
  }
  std::vector<std::byte> slot =
      EKSHUME_TRY(image::ReadBytes(patched_, location->byte_offset, superblock_.inode_bytes));
  Dinode core = EKSHUME_TRY(ByteView(slot).Read<Dinode>(0));
  const bool is_v3 = core.di_version >= 3;
  const uint8_t format = is_attribute ? core.di_aformat : core.di_format;
  if (core.di_magic.value() != kDinodeMagic || core.di_mode.value() == 0) {
    return Fail(ErrorCode::kCorrupt, what + " is for a free inode");
  }
  if (format != kDinodeFmtExtents) return what + " was not finished: its extents are in a tree";
  const size_t core_bytes = is_v3 ? sizeof(Dinode) : kDinodeCoreBytesV2;
  const size_t fork_offset = size_t{core.di_forkoff} * 8;
  if (fork_offset > slot.size() - core_bytes || (is_attribute && fork_offset == 0)) {
    return Fail(ErrorCode::kCorrupt, what + " has no such fork");
  }
  const std::span<std::byte> literal = std::span(slot).subspan(core_bytes);
  const std::span<std::byte> fork = is_attribute       ? literal.subspan(fork_offset)
                                    : fork_offset == 0 ? literal
                                                       : literal.first(fork_offset);
  const bool nrext64 = is_v3 && (core.di_flags2.value() & kDiflag2Nrext64) != 0;
  const uint64_t count = is_attribute
                             ? (nrext64 ? core.di_nextents.value() : core.di_anextents.value())
                             : (nrext64 ? core.di_big_nextents.value() : core.di_nextents.value());
  const size_t room = fork.size() / sizeof(BmbtRec);
  if (count > room) return Fail(ErrorCode::kCorrupt, what + " has more extents than it holds");
  std::vector<Mapping> mappings;
  mappings.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    mappings.push_back(Unpack(EKSHUME_TRY(ByteView(fork).Read<BmbtRec>(i * sizeof(BmbtRec)))));
  }
  uint64_t blocks = core.di_nblocks.value();
  if (is_map) {
    EKSHUME_TRY(Insert(mappings, wanted));
    blocks += wanted.count;
  } else {
    blocks -= std::min(blocks, Remove(mappings, wanted.start_offset, wanted.end()));
  }
  if (mappings.size() > room) return what + " was not finished: it needs a tree of extents";
  for (size_t i = 0; i < mappings.size(); ++i) {
    Put(fork, i * sizeof(BmbtRec), Pack(mappings[i]));
  }
  const auto new_count = static_cast<uint32_t>(mappings.size());
  core.di_nblocks = be64::Of(blocks);
  if (is_attribute && !nrext64) {
    core.di_anextents = be16::Of(static_cast<uint16_t>(new_count));
  } else if (!is_attribute && nrext64) {
    core.di_big_nextents = be64::Of(new_count);
  } else {
    core.di_nextents = be32::Of(new_count);
  }
  CopyBytes(slot, AsBytes(core).First(core_bytes));
  StampInode(slot);
  EKSHUME_TRY(patched_.Patch(location->byte_offset, ByteView(slot)));
  return what + " was finished";
}

}  // namespace ekshume::fs::xfs
