// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "fs/xfs/extent.h"

namespace ekshume::fs::xfs {

// The mappings of one fork, to be changed. Blocks are filesystem blocks of the file; extents that
// touch are not joined. One thread.
class ForkEdit {
 public:
  // `extents` as ReadExtents gives them; `block_log` is that of the filesystem's block size.
  ForkEdit(std::span<const Extent> extents, uint8_t block_log);

  size_t extent_count() const { return extents_.size(); }
  std::vector<Extent> Extents() const;

  // Puts `added` where nothing is mapped. kCorrupt when something is.
  Result<void> Map(const Extent& added);
  // Takes out what is mapped of [start, end), and returns it in ascending order.
  std::vector<Extent> Unmap(uint64_t start, uint64_t end);
  // What is mapped and written of [start, end), in ascending order.
  std::vector<Extent> Written(uint64_t start, uint64_t end) const;

 private:
  // Makes `block` the border of two extents when it lies inside one.
  void SplitAt(uint64_t block);
  // What is left of `extent` between `start` and `end`, which must leave something.
  Extent Part(const Extent& extent, uint64_t start, uint64_t end) const;

  std::map<uint64_t, Extent> extents_;  // by file_block
  uint8_t block_log_;
};

}  // namespace ekshume::fs::xfs
