// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "fs/xfs/log_intent_finish.h"

namespace ekshume::fs::xfs {
namespace {

constexpr uint64_t kMaxMappingBlocks = (uint64_t{1} << 21) - 1;
constexpr uint64_t kMaxFileBlock = (uint64_t{1} << 54) - 1;

uint64_t BlocksOf(std::span<const Extent> extents) {
  uint64_t count = 0;
  for (const Extent& extent : extents) count += extent.count;
  return count;
}

}  // namespace

Result<std::string> IntentFinisher::FinishBmap(ByteView description) {
  const auto header = EKSHUME_TRY(description.Read<IntentLogHeader>(0));
  const auto extent = EKSHUME_TRY(description.Read<MapExtent>(sizeof(IntentLogHeader)));
  const uint32_t flags = extent.me_flags.value();
  const uint64_t start = extent.me_startoff.value();
  const uint64_t block = extent.me_startblock.value();
  const uint64_t count = extent.me_len.value();
  const bool is_map = (flags & kBmapExtentTypeMask) == kBmapMap;
  const std::string what = fmt::format(
      "of inode {} ({} {} blocks at file block {:#x} {} block {:#x})", extent.me_owner.value(),
      is_map ? "map" : "unmap", count, start, is_map ? "to" : "from", block);
  if (header.nextents.value() != 1 || (!is_map && (flags & kBmapExtentTypeMask) != kBmapUnmap) ||
      (flags & kBmapExtentRealtime) != 0 || count == 0 || count > kMaxMappingBlocks ||
      start > kMaxFileBlock - count || !context_.sb.ContainsBlocks(block, count)) {
    return Fail(ErrorCode::kCorrupt, what + " makes no sense");
  }
  const Inode inode = EKSHUME_TRY(inodes_.Read(extent.me_owner.value()));
  ForkEdit* const fork =
      EKSHUME_TRY(EditFork(inode, (flags & kBmapExtentAttrFork) != 0 ? Fork::kAttr : Fork::kData));
  // What is mapped anew, or cut off on both sides. Extents taken out were counted when they came.
  EKSHUME_TRY(Spend(2));
  if (is_map) {
    EKSHUME_TRY(fork->Map({start, context_.sb.FsBlockToByte(block).value_or(0), count,
                           (flags & kBmapExtentUnwritten) != 0}));
    Recount(inode, count, 0);
  } else {
    Recount(inode, 0, BlocksOf(fork->Unmap(start, start + count)));
  }
  return what + " was finished";
}

}  // namespace ekshume::fs::xfs
