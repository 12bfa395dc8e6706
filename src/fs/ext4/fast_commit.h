// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "fs/ext4/inode.h"
#include "fs/filesystem.h"

namespace ekshume::fs::ext4 {

// What fast commits changed in one directory: the newest word about a name.
struct DirectoryChanges {
  bool is_new = false;  // created by a fast commit: what its blocks hold is older
  // Names in byte order; the inode a name leads to, or nothing when it was removed.
  std::map<std::string, std::optional<InodeNumber>, std::less<>> names;
};

// What fast commits changed that is kept beside the disk instead of in patched blocks.
struct FastCommitChanges {
  std::unordered_map<uint32_t, std::vector<Run>> runs;         // by inode: the whole run list
  std::unordered_map<uint32_t, DirectoryChanges> directories;  // by inode
};

}  // namespace ekshume::fs::ext4
