// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "fs/filesystem.h"

namespace ekshume::casefile {

// One directory's entries in a stable order, and by name.
struct Listing {
  std::vector<fs::DirectoryEntry> entries;
  std::unordered_map<std::string_view, size_t> by_name;  // views into entries
};

// The directories that were asked for lately: FUSE looks up one name at a time, and scanning a
// directory for each would cost the square of its size. Keeps up to kMaxCachedEntries entries. Any
// number of threads.
class ListingCache {
 public:
  // `filesystem` must outlive the cache.
  explicit ListingCache(const fs::Filesystem& filesystem) : filesystem_(filesystem) {}

  Result<std::shared_ptr<const Listing>> Get(fs::NodeId directory);

 private:
  static constexpr size_t kMaxCachedEntries = 1000000;

  using Item = std::pair<fs::NodeId, std::shared_ptr<const Listing>>;

  const fs::Filesystem& filesystem_;
  std::mutex mutex_;
  std::list<Item> recent_;  // newest first
  std::unordered_map<uint64_t, std::list<Item>::iterator> by_node_;
  size_t entry_count_ = 0;
};

}  // namespace ekshume::casefile
