// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/ext4/format.h"

namespace ekshume::fs::ext4 {

// What a superblock's feature words mean to a reader.
struct FeatureReport {
  std::vector<std::string> names;    // all that are set, by tune2fs' names, sorted
  std::vector<std::string> refused;  // incompatible ones that ekshume cannot read
  std::vector<std::string> unknown;  // read-only compatible ones without a known meaning
  std::string_view type;             // "ext2", "ext3" or "ext4", by the rules of blkid
};
FeatureReport DescribeFeatures(const SuperBlock& superblock);

}  // namespace ekshume::fs::ext4
