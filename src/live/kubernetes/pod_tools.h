// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "live/acquire/acquisition.h"
#include "live/kubernetes/collector_run.h"

namespace ekshume::live::kubernetes {

inline constexpr size_t kMostDeletedFiles = 500;  // of one container; each is a command
inline constexpr uint64_t kMostToolBytes = uint64_t{16} << 30;  // of one answer; more is not taken

struct ToolsRequest {
  std::string container_id;  // as the API has it; may be ""
  std::string pod_uid;
  std::string file;             // the collection to write: "collection/part-1.ekc"
  std::string memory = "none";  // none, anonymous, all
  uint64_t most_bytes = kMostToolBytes;
};

// Acquires a container by its own shell and what programs it has: processes, environments, sockets,
// open files, mappings, deleted files, memory where there is dd, files by tar or one by one.
// Nothing is written in the container. What was answered is kept as it came in answers/, and a
// collection (docs/formats/collection.md) is made from it here; what could not be had is in its
// skipped.jsonl, what was left behind in its traces.jsonl. kUnsupported when the container has no
// shell.
Result<void> CollectByTools(const ToolsRequest& request, const Place& place, CollectorRun& run,
                            Acquisition& acquisition);

}  // namespace ekshume::live::kubernetes
