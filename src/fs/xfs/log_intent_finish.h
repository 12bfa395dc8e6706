// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_view.h"
#include "base/limits.h"
#include "base/result.h"
#include "fs/xfs/context.h"
#include "fs/xfs/fork_edit.h"
#include "fs/xfs/inode.h"
#include "fs/xfs/inode_changes.h"
#include "fs/xfs/log_format.h"

namespace ekshume::fs::xfs {

// Does what unfinished intents wanted, one after the other, as far as a reader sees it: maps and
// unmaps blocks of files, exchanges ranges, sets and removes attributes. It works on decoded
// mappings and attributes; no block on the device changes, so nothing needs to be allocated.
//
// `replayed` is the device with all else of the log replayed, and without changes; it must outlive
// this. One thread.
class IntentFinisher {
 public:
  // Extents that may be read or moved for all intents together; at most
  // limits::kMaxLogIntentExtents but in tests.
  explicit IntentFinisher(const Context& replayed,
                          size_t most_extents = limits::kMaxLogIntentExtents)
      : context_(replayed), inodes_(replayed), extents_left_(most_extents) {}

  // What the intent wanted and what became of it, the end of a sentence: "of inode 77 ... was
  // finished". kCorrupt and kUnsupported when it makes no sense for what the device holds, kLimit
  // when there is too much to do; nothing is changed then.
  // `regions` are those of its item.
  Result<std::string> Finish(uint16_t type, std::span<const ByteView> regions);

  InodeChanges Take();

 private:
  using ForkKey = std::pair<uint64_t, Fork>;

  Result<std::string> FinishBmap(ByteView description);
  Result<std::string> FinishExchange(ByteView description);
  Result<std::string> FinishAttribute(std::span<const ByteView> regions);

  // The fork as the intents so far left it.
  Result<ForkEdit*> EditFork(const Inode& inode, Fork fork);
  // kLimit when `count` extents more are too many.
  Result<void> Spend(size_t count);
  // Exchanges the mappings of as many blocks, which must lie within the bounds of files.
  Result<void> ExchangeRange(const Inode& one, ForkEdit& fork_one, uint64_t start_one,
                             const Inode& two, ForkEdit& fork_two, uint64_t start_two,
                             uint64_t count);
  // Adds to and takes from the inode's count of blocks.
  void Recount(const Inode& inode, uint64_t added, uint64_t removed);

  const Context& context_;
  const InodeReader inodes_;
  size_t extents_left_;
  std::map<ForkKey, ForkEdit> forks_;
  InodeChanges changes_;
};

}  // namespace ekshume::fs::xfs
