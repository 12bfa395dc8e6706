// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "fs/xfs/extent.h"

namespace ekshume::fs::xfs {

// An attribute as its entry on disk names it: kAttrRoot, kAttrSecure or neither, and the name.
struct AttributeName {
  uint8_t name_space = 0;
  std::string name;

  auto operator<=>(const AttributeName&) const = default;
};

// What finished intents made of one inode: it takes the place of what the device says. Nothing is
// written into trees of extents or attributes; the reader asks here once it has decoded them.
struct InodeChange {
  std::optional<std::vector<Extent>> data_extents;  // as ReadExtents gives them
  std::optional<std::vector<Extent>> attr_extents;
  std::optional<uint64_t> size_bytes;
  // Without the blocks by which the trees of extents themselves grew or shrank.
  std::optional<uint64_t> block_count;
  // Attributes to show with this value, or not to show.
  std::map<AttributeName, std::optional<std::string>> attributes;

  std::optional<std::vector<Extent>>& ExtentsOf(Fork fork) {
    return fork == Fork::kData ? data_extents : attr_extents;
  }
  const std::optional<std::vector<Extent>>& ExtentsOf(Fork fork) const {
    return fork == Fork::kData ? data_extents : attr_extents;
  }
};

// By inode number.
struct InodeChanges {
  std::unordered_map<uint64_t, InodeChange> by_inode;
};

}  // namespace ekshume::fs::xfs
