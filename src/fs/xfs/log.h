// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/diagnostic.h"
#include "base/result.h"
#include "fs/xfs/inode_changes.h"
#include "fs/xfs/log_format.h"
#include "fs/xfs/superblock.h"
#include "image/patched_image.h"

namespace ekshume::fs::xfs {

// What became of the log. Counts are of what was read from it, whether or not it changed anything.
struct LogReplay {
  // "clean": nothing was left in the log. "replayed": all of it was. "damaged": replayed up to the
  // damage, or without the damaged items. "dirty": it could not be replayed at all. "none": the log
  // is on another device.
  std::string state = "clean";
  Lsn head_lsn = 0;  // where the log ends; the next record would have been written there
  Lsn tail_lsn = 0;  // where its valid part begins
  uint64_t record_count = 0;
  uint64_t transaction_count = 0;              // committed ones, which were replayed
  uint64_t uncommitted_transaction_count = 0;  // cut off by the end of the log, so left out
  uint64_t item_count = 0;
  uint64_t buffer_count = 0;         // buffer items that changed the disk's view
  uint64_t inode_count = 0;          // inode items that did
  uint64_t newer_on_disk_count = 0;  // items left out because the disk already had newer contents
  uint64_t cancelled_count = 0;      // items left out because their block was freed later on
  uint64_t dquot_count = 0;          // quota items, which nothing that ekshume reads depends on
  uint64_t unfinished_intent_count = 0;
  InodeChanges changes;  // what finishing those changes, which the patches do not show
};

// Replays the log of the filesystem on `device` onto `patched` (which stands over the same device),
// as the kernel's recovery would before it shows the filesystem. Operations that were under way are
// finished as far as that is readable; what they change is in LogReplay::changes, for a Context.
// There are two differences: inodes on
// the unlinked lists stay there (the kernel would truncate and free them), and quotas stay as they
// are. Nothing is written anywhere but to memory. Reads record by record, whatever the log's size.
//
// Damage is no error: it is reported (kXfsLogReplayed, kXfsLogDamaged, kXfsLogNotReplayed,
// kXfsIntentUnfinished, kXfsIntentFailed, kXfsLogExternal) and shows in the state. Fails only when
// memory patches reach limits::kMaxReplayBytes, after reporting that.
//
// `superblock` must come from the same device; when the log changes the superblock (growfs), read
// it again from `patched` afterwards. One thread.
Result<LogReplay> ReplayLog(const image::Image& device, const Superblock& superblock,
                            image::PatchedImage& patched, DiagnosticSink& diagnostics);

}  // namespace ekshume::fs::xfs
