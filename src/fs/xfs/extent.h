// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/limits.h"
#include "fs/xfs/context.h"
#include "fs/xfs/inode.h"

namespace ekshume::fs::xfs {

enum class Fork : uint8_t { kData, kAttr };

// One mapping of a fork; blocks are filesystem blocks. Lies inside one allocation group.
struct Extent {
  uint64_t file_block;
  uint64_t byte_offset;  // on the device
  uint64_t count;
  bool unwritten;

  uint64_t end_block() const { return file_block + count; }
};

// Every mapping of a fork in format "extents" or "btree", ascending, without overlaps, at most
// `most`: more is reported (kFilesystemLimit). Damaged records and tree blocks are reported and
// left out. kCorrupt when the fork has another format.
Result<std::vector<Extent>> ReadExtents(const Context& context, const Inode& inode, Fork fork,
                                        size_t most = limits::kMaxExtentsPerFile);

// Fills `out`, a whole number of blocks, with the fork's blocks from `file_block` on; as one read
// where they lie together. kNotFound when one of them is not mapped or not written.
Result<void> ReadForkBlocks(const Context& context, std::span<const Extent> extents,
                            uint64_t file_block, std::span<std::byte> out);

// The index of the first extent that ends after `file_block`.
size_t FindExtent(std::span<const Extent> extents, uint64_t file_block);

}  // namespace ekshume::fs::xfs
