// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "base/result.h"
#include "casefile/live_evidence.h"

namespace ekshume::casefile {

struct KeptBytes {
  uint64_t files = 0;
  uint64_t bytes = 0;
};

// Takes out what was kept of a process. `what` is "exe" (its program), "fd/N" (a deleted file that
// it had open), "memory", or "memory/START-END" (hexadecimal addresses, as in maps). `target` may
// not exist yet and appears when it is complete: a file, for "memory" a folder with a file
// START-END for each stretch that was kept and the mappings in maps.jsonl. Pages that were not kept
// of "memory/START-END" are holes. Files get the mode 0600 and cannot be run. What cannot be read
// is zeros and a diagnostic (kCollectionDamaged).
//
// kNotFound when that was not kept, kInvalidArgument for another `what` or when `target` is in the
// way, kNoSpace, kIo, kCancelled.
Result<KeptBytes> ExtractKept(const LiveEvidence& live, const process::Process& process,
                              std::string_view what, const std::string& target,
                              DiagnosticSink& diagnostics, Progress& progress);

}  // namespace ekshume::casefile
