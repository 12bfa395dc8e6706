// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "image/image.h"

namespace ekshume::fs::ext4 {

// A block whose newest content lies in the journal.
struct JournalledBlock {
  uint64_t home_block;
  uint64_t source_offset_bytes;  // of the copy, in the image
  bool escaped;                  // the copy's first four bytes are the journal's magic, zeroed
};

// A device as its journal would leave it: reads of journalled blocks are led to their copies in the
// journal, so that a replay of any length costs a few bytes per block. `base` must outlive it. Any
// number of threads may read.
class ReplayedImage final : public image::Image {
 public:
  // `blocks` in the order in which the journal holds them: the last one of a home block counts.
  ReplayedImage(const image::Image& base, uint32_t block_bytes,
                std::vector<JournalledBlock> blocks);

  uint64_t size_bytes() const override { return base_.size_bytes(); }
  const std::string& name() const override { return base_.name(); }
  uint64_t NextData(uint64_t offset_bytes) const override;
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override;

  size_t block_count() const { return blocks_.size(); }

 private:
  std::vector<JournalledBlock>::const_iterator FirstAt(uint64_t home_block) const;

  const image::Image& base_;
  const uint64_t block_bytes_;
  std::vector<JournalledBlock> blocks_;  // ascending by home block, one each
};

}  // namespace ekshume::fs::ext4
