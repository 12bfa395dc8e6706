// SPDX-License-Identifier: Apache-2.0
#include "casefile/mount_listing.h"

#include "casefile/member_path.h"
#include "fs/path.h"

namespace ekshume::casefile {

Result<std::shared_ptr<const Listing>> ListingCache::Get(fs::NodeId directory) {
  const auto key = static_cast<uint64_t>(directory);
  {
    const std::lock_guard lock(mutex_);
    const auto known = by_node_.find(key);
    if (known != by_node_.end()) {
      recent_.splice(recent_.begin(), recent_, known->second);
      return recent_.front().second;
    }
  }
  auto listing = std::make_shared<Listing>();
  listing->entries = EKSHUME_TRY(fs::ListDirectory(filesystem_, directory));
  // The kernel takes no such names, and would refuse the whole directory for one.
  std::erase_if(listing->entries, [](const auto& entry) { return !IsPathComponent(entry.name); });
  for (size_t i = 0; i < listing->entries.size(); ++i) {
    listing->by_name.emplace(listing->entries[i].name, i);
  }
  const std::lock_guard lock(mutex_);
  const auto known = by_node_.find(key);
  if (known != by_node_.end()) return known->second->second;  // another thread was faster
  recent_.emplace_front(directory, listing);
  by_node_.emplace(key, recent_.begin());
  entry_count_ += listing->entries.size() + 1;
  while (entry_count_ > kMaxCachedEntries && recent_.size() > 1) {
    entry_count_ -= recent_.back().second->entries.size() + 1;
    by_node_.erase(static_cast<uint64_t>(recent_.back().first));
    recent_.pop_back();
  }
  return std::shared_ptr<const Listing>(std::move(listing));
}

}  // namespace ekshume::casefile
