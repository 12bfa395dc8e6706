// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "fs/xfs/log_intent_finish.h"

namespace ekshume::fs::xfs {
namespace {

constexpr uint64_t kMaxFileBlock = (uint64_t{1} << 54) - 1;

// Maps what was `from` on at `to` on; returns how many blocks.
// The place must be free.
Result<uint64_t> MapAt(ForkEdit& fork, std::span<const Extent> extents, uint64_t from,
                       uint64_t to) {
  uint64_t count = 0;
  for (Extent extent : extents) {
    extent.file_block = extent.file_block - from + to;
    count += extent.count;
    EKSHUME_TRY(fork.Map(extent));
  }
  return count;
}

bool Overlap(uint64_t start_one, uint64_t start_two, uint64_t count) {
  return start_one < start_two + count && start_two < start_one + count;
}

}  // namespace

Result<void> IntentFinisher::ExchangeRange(const Inode& one, ForkEdit& fork_one, uint64_t start_one,
                                           const Inode& two, ForkEdit& fork_two, uint64_t start_two,
                                           uint64_t count) {
  const auto taken_one = fork_one.Unmap(start_one, start_one + count);
  const auto taken_two = fork_two.Unmap(start_two, start_two + count);
  const uint64_t to_two = EKSHUME_TRY(MapAt(fork_two, taken_one, start_one, start_two));
  const uint64_t to_one = EKSHUME_TRY(MapAt(fork_one, taken_two, start_two, start_one));
  Recount(one, to_one, to_two);
  Recount(two, to_two, to_one);
  return {};
}

Result<std::string> IntentFinisher::FinishExchange(ByteView description) {
  const auto format = EKSHUME_TRY(description.Read<XmiLogFormat>(0));
  const uint64_t flags = format.xmi_flags.value();
  const uint64_t start_one = format.xmi_startoff1.value();
  const uint64_t start_two = format.xmi_startoff2.value();
  const uint64_t count = format.xmi_blockcount.value();
  const uint64_t size_one = format.xmi_isize1.value();
  const uint64_t size_two = format.xmi_isize2.value();
  const bool set_sizes = (flags & kXmiSetSizes) != 0;
  const std::string what = fmt::format(
      "of inodes {} and {} ({} blocks at file blocks {:#x} and {:#x})", format.xmi_inode1.value(),
      format.xmi_inode2.value(), count, start_one, start_two);
  if ((flags & ~kXmiFlagsKnown) != 0) {
    return Fail(ErrorCode::kUnsupported, fmt::format("{} has unknown flags {:#x}", what, flags));
  }
  if (count > kMaxFileBlock || start_one > kMaxFileBlock - count ||
      start_two > kMaxFileBlock - count ||
      (format.xmi_inode1.value() == format.xmi_inode2.value() &&
       Overlap(start_one, start_two, count)) ||
      (set_sizes && std::max(size_one, size_two) > static_cast<uint64_t>(INT64_MAX))) {
    return Fail(ErrorCode::kCorrupt, what + " makes no sense");
  }
  const Inode one = EKSHUME_TRY(inodes_.Read(format.xmi_inode1.value()));
  const Inode two = EKSHUME_TRY(inodes_.Read(format.xmi_inode2.value()));
  if (one.core.di_gen.value() != format.xmi_igen1.value() ||
      two.core.di_gen.value() != format.xmi_igen2.value()) {
    return Fail(ErrorCode::kCorrupt, what + " is for inodes that were freed since");
  }
  const Fork fork = (flags & kXmiAttrFork) != 0 ? Fork::kAttr : Fork::kData;
  ForkEdit& fork_one = *EKSHUME_TRY(EditFork(one, fork));
  ForkEdit& fork_two = *EKSHUME_TRY(EditFork(two, fork));
  std::vector<Extent> parts = {{start_one, 0, count, false}};
  if ((flags & kXmiIno1Written) != 0) parts = fork_one.Written(start_one, start_one + count);
  // At most all extents move, and each part cuts two of each fork in two.
  EKSHUME_TRY(Spend(fork_one.extent_count() + fork_two.extent_count() + parts.size() * 4));
  for (const Extent& part : parts) {
    EKSHUME_TRY(ExchangeRange(one, fork_one, part.file_block, two, fork_two,
                              part.file_block - start_one + start_two, part.count));
  }
  if (set_sizes) {
    changes_.by_inode[one.number].size_bytes = size_one;
    changes_.by_inode[two.number].size_bytes = size_two;
  }
  return what + " was finished";
}

}  // namespace ekshume::fs::xfs
