// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "live/acquire/acquisition.h"
#include "live/aws/connection.h"
#include "live/aws/ec2.h"
#include "live/snapshot/snapshot_blocks.h"

// Snapshots of EBS volumes: made, copied, shared, and read into images.
namespace ekshume::live::snapshot {

struct SnapshotRequest {
  std::string target;          // vol-..., i-... or snap-...
  std::string changed_since;   // a snapshot of the same volume: only say what changed, or ""
  std::string copy_to_region;  // "" for no copy
  std::string kms_key_id;      // the key of the copy; needed when the snapshot is encrypted
  std::string share_with;      // an account, or ""
  bool download = true;        // read it into an image
  unsigned threads = 16;       // blocks fetched at a time
  int wait_minutes = 240;      // until a snapshot is complete
  std::string work_directory;  // where what was fetched is kept until an image is whole
};

// Does it, into `acquisition`: SNAPSHOT.img (raw, sparse), SNAPSHOT.blocks.jsonl (each block with
// its SHA-256) and SNAPSHOT.json (what EC2 says of it); with `changed_since`,
// SNAPSHOT.changed.jsonl instead. What could not be had is told to `acquisition` and stays in
// `work_directory`, where the next run goes on. An error only where nothing could be begun.
Result<void> AcquireSnapshot(const SnapshotRequest& request, aws::Connection& connection,
                             Acquisition& acquisition, Progress& progress);

// Fetches every block that is not kept yet, `threads` at a time. The blocks that could not be had,
// ascending, each with the reason; none when all are kept. kCancelled.
struct MissingBlock {
  uint32_t index;
  std::string why;
  std::string denied;  // the permission that is missing, or ""
};
Result<std::vector<MissingBlock>> FetchAll(SnapshotBlocks& blocks, unsigned threads,
                                           Progress& progress);

}  // namespace ekshume::live::snapshot
