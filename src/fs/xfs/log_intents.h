// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"
#include "fs/xfs/log_transactions.h"
#include "fs/xfs/superblock.h"
#include "image/patched_image.h"

namespace ekshume::fs::xfs {

// Operations of several transactions that the log says were begun (intents) and done. Recovery
// finishes those that were not. Most of them only move free space, back references and reference
// counts, which no reader sees; those that map or unmap a file's blocks are finished here, and
// those that exchange ranges or change attributes are reported. One thread.
class LogIntents {
 public:
  LogIntents(const Superblock& superblock, image::PatchedImage& patched,
             DiagnosticSink& diagnostics)
      : superblock_(superblock), patched_(patched), diagnostics_(diagnostics) {}

  // True when items of this type are intents or their "done" items.
  static bool IsIntentType(uint16_t type);
  // Takes one such item. kCorrupt when it is malformed, kLimit past limits::kMaxLogIntents.
  Result<void> Add(const LogTransaction& transaction, const LogTransaction::Item& item);

  // How many are not done.
  size_t unfinished_count() const { return pending_.size(); }
  // Finishes them, in the order they were begun, as far as that changes what is readable, and
  // reports (kXfsIntentUnfinished) what they were. kLimit when patches need too much memory.
  Result<void> Finish();

 private:
  struct Intent {
    uint64_t sequence;
    Lsn lsn;
    std::vector<std::byte> description;  // of those that Finish() looks into
  };
  using Key = std::pair<uint16_t, uint64_t>;  // type, identifier

  // Does what the intent wanted, when it can. Says what became of it: the end of a sentence.
  Result<std::string> FinishIntent(uint16_t type, ByteView description);
  Result<std::string> FinishBmap(ByteView description);

  const Superblock& superblock_;
  image::PatchedImage& patched_;
  DiagnosticSink& diagnostics_;
  std::map<Key, Intent> pending_;
  uint64_t next_sequence_ = 0;
};

}  // namespace ekshume::fs::xfs
