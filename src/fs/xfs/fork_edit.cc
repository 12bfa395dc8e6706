// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/fork_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace ekshume::fs::xfs {

ForkEdit::ForkEdit(std::span<const Extent> extents, uint8_t block_log) : block_log_(block_log) {
  for (const Extent& extent : extents) {
    extents_.emplace_hint(extents_.end(), extent.file_block, extent);
  }
}

std::vector<Extent> ForkEdit::Extents() const {
  std::vector<Extent> all;
  all.reserve(extents_.size());
  for (const auto& [file_block, extent] : extents_) all.push_back(extent);
  return all;
}

Extent ForkEdit::Part(const Extent& extent, uint64_t start, uint64_t end) const {
  const uint64_t from = std::max(start, extent.file_block);
  const uint64_t to = std::min(end, extent.end_block());
  return {from, extent.byte_offset + ((from - extent.file_block) << block_log_), to - from,
          extent.unwritten};
}

Result<void> ForkEdit::Map(const Extent& added) {
  const auto next = extents_.lower_bound(added.file_block);
  if ((next != extents_.end() && next->first < added.end_block()) ||
      (next != extents_.begin() && std::prev(next)->second.end_block() > added.file_block)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("file block {:#x} is mapped already", added.file_block));
  }
  extents_.emplace_hint(next, added.file_block, added);
  return {};
}

void ForkEdit::SplitAt(uint64_t block) {
  const auto next = extents_.lower_bound(block);
  if (next == extents_.begin()) return;
  Extent& extent = std::prev(next)->second;
  if (extent.end_block() <= block) return;
  extents_.emplace_hint(next, block, Part(extent, block, extent.end_block()));
  extent.count = block - extent.file_block;
}

std::vector<Extent> ForkEdit::Unmap(uint64_t start, uint64_t end) {
  SplitAt(start);
  SplitAt(end);
  const auto first = extents_.lower_bound(start);
  const auto last = extents_.lower_bound(end);
  std::vector<Extent> taken;
  std::transform(first, last, std::back_inserter(taken),
                 [](const auto& entry) { return entry.second; });
  extents_.erase(first, last);
  return taken;
}

std::vector<Extent> ForkEdit::Written(uint64_t start, uint64_t end) const {
  std::vector<Extent> written;
  auto at = extents_.lower_bound(start);
  if (at != extents_.begin() && std::prev(at)->second.end_block() > start) --at;
  for (; at != extents_.end() && at->first < end; ++at) {
    if (!at->second.unwritten) written.push_back(Part(at->second, start, end));
  }
  return written;
}

}  // namespace ekshume::fs::xfs
