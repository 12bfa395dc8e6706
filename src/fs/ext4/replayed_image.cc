// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/replayed_image.h"

#include <algorithm>

#include "fs/ext4/journal_format.h"

namespace ekshume::fs::ext4 {

ReplayedImage::ReplayedImage(const image::Image& base, uint32_t block_bytes,
                             std::vector<JournalledBlock> blocks)
    : base_(base), block_bytes_(block_bytes), blocks_(std::move(blocks)) {
  // The newest of each home block first, then one of each kept.
  std::reverse(blocks_.begin(), blocks_.end());
  std::stable_sort(blocks_.begin(), blocks_.end(),
                   [](const auto& a, const auto& b) { return a.home_block < b.home_block; });
  const auto end = std::unique(blocks_.begin(), blocks_.end(), [](const auto& a, const auto& b) {
    return a.home_block == b.home_block;
  });
  blocks_.erase(end, blocks_.end());
  blocks_.shrink_to_fit();
}

std::vector<JournalledBlock>::const_iterator ReplayedImage::FirstAt(uint64_t home_block) const {
  return std::lower_bound(
      blocks_.begin(), blocks_.end(), home_block,
      [](const JournalledBlock& block, uint64_t number) { return block.home_block < number; });
}

uint64_t ReplayedImage::NextData(uint64_t offset_bytes) const {
  const uint64_t next = base_.NextData(offset_bytes);
  const auto block = FirstAt(offset_bytes / block_bytes_);
  if (block == blocks_.end()) return next;
  return std::min(next, std::max(offset_bytes, block->home_block * block_bytes_));
}

Result<void> ReplayedImage::ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const {
  auto block = FirstAt(offset_bytes / block_bytes_);
  const uint64_t end = offset_bytes + out.size();
  // A block read whole from the journal need not be readable at home.
  const bool wholly_journalled = block != blocks_.end() && !out.empty() &&
                                 block->home_block == offset_bytes / block_bytes_ &&
                                 end <= (block->home_block + 1) * block_bytes_;
  if (!wholly_journalled) EKSHUME_TRY(base_.ReadAt(offset_bytes, out));
  for (; block != blocks_.end() && block->home_block * block_bytes_ < end; ++block) {
    const uint64_t home = block->home_block * block_bytes_;
    const uint64_t begin = std::max(home, offset_bytes);
    const auto piece =
        out.subspan(begin - offset_bytes, std::min(home + block_bytes_, end) - begin);
    const uint64_t within = begin - home;
    EKSHUME_TRY(base_.ReadAt(block->source_offset_bytes + within, piece));
    if (block->escaped && within < sizeof(be32)) {
      const be32 magic = be32::Of(kJournalMagic);
      CopyBytes(piece, AsBytes(magic).From(within).First(piece.size()));
    }
  }
  return {};
}

}  // namespace ekshume::fs::ext4
