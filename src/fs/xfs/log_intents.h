// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "base/limits.h"
#include "base/result.h"
#include "fs/xfs/inode_changes.h"
#include "fs/xfs/log_transactions.h"
#include "fs/xfs/superblock.h"
#include "image/image.h"

namespace ekshume::fs::xfs {

// Operations of several transactions that the log says were begun (intents) and done. Recovery
// finishes those that were not. Those on free space, back references and reference counts change
// nothing that a reader sees; those on files' blocks and attributes are finished here. One thread.
class LogIntents {
 public:
  // `most_bytes` may be kept of what the intents say; limits::kMaxLogIntentBytes but in tests.
  explicit LogIntents(size_t most_bytes = limits::kMaxLogIntentBytes) : bytes_left_(most_bytes) {}

  // True when items of this type are intents or their "done" items.
  static bool IsIntentType(uint16_t type);
  // Takes one such item. kCorrupt when it is malformed, kLimit past limits::kMaxLogIntents.
  Result<void> Add(const LogTransaction& transaction, const LogTransaction::Item& item);

  // How many are not done.
  size_t unfinished_count() const { return pending_.size(); }
  // Finishes them in the order they were begun, as far as that changes what is readable, and
  // forgets them. Says what they were (kXfsIntentUnfinished), and which could not be finished
  // (kXfsIntentFailed). `replayed` is the device with all else of the log replayed.
  InodeChanges Finish(const image::Image& replayed, const Superblock& superblock,
                      DiagnosticSink& diagnostics);

 private:
  struct Intent {
    uint64_t sequence;
    Lsn lsn;
    std::vector<std::vector<std::byte>> regions;  // of those that are to be finished
    size_t kept_bytes = 0;                        // in `regions`
    bool is_dropped = false;                      // there was no room for its regions
  };
  using Key = std::pair<uint16_t, uint64_t>;  // type, identifier

  void Remove(const Key& key);

  std::map<Key, Intent> pending_;
  uint64_t next_sequence_ = 0;
  size_t bytes_left_;
};

}  // namespace ekshume::fs::xfs
