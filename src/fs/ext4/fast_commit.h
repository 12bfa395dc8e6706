// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/byte_view.h"
#include "fs/ext4/inode.h"
#include "fs/filesystem.h"

namespace ekshume::fs::ext4 {

// What fast commits said about one name of a directory.
struct NameChange {
  std::set<uint32_t> removed;        // entries of this name that lead to these inodes are gone
  std::optional<InodeNumber> added;  // the inode it leads to, unless the disk has the name already
};

struct DirectoryChanges {
  bool is_new = false;  // created by a fast commit: what its blocks hold is older
  std::map<std::string, NameChange, std::less<>> names;
};

// What fast commits changed that is kept beside the disk instead of in patched blocks. Inodes
// themselves are patched.
struct FastCommitChanges {
  std::unordered_map<uint32_t, std::vector<Run>> runs;         // by inode: its whole run list
  std::unordered_map<uint32_t, DirectoryChanges> directories;  // by inode

  bool empty() const { return runs.empty() && directories.empty(); }
};

class JournalBlocks;
struct JournalShape;

// The tags of all fast commits that belong to transaction `sequence` (the first one that the log
// proper does not hold), up to the last valid tail; empty when there are none.
struct FastCommitLog {
  struct Record {
    uint16_t tag;
    size_t offset;  // of the value, in `bytes`
    size_t length;
  };
  std::vector<std::byte> bytes;
  std::vector<Record> records;
  uint32_t commit_count = 0;
  std::string damage;  // empty, or why the area could not be read to its end
};
FastCommitLog ReadFastCommits(const JournalShape& shape, JournalBlocks& blocks, uint32_t sequence);

}  // namespace ekshume::fs::ext4
