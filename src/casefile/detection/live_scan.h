// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/detection/file_scan.h"
#include "casefile/detection/live_context.h"
#include "detect/finding.h"

namespace ekshume::casefile {

// Searches what was kept of running processes with YARA and for indicators: the memory of each
// process as a whole (casefile/detection/live_memory.h), its executable and its open files where
// those were deleted and their bytes kept. A finding of memory names the process, the address, the
// mapping with its permissions, and pod and container; its event is the process's. Detectors "yara"
// and "indicator"; the worst first. What a limit left out is a diagnostic (kScanLimit), as is what
// cannot be read (kCollectionDamaged). When the user stopped, what was found so far.
//
// `most_bytes` of one process are searched; smaller in tests.
inline constexpr uint64_t kMaxScannedMemoryBytes = uint64_t{64} << 30;
std::vector<detect::Finding> ScanLive(const LiveContext& live, const FileRules& rules,
                                      DiagnosticSink& diagnostics, Progress& progress,
                                      uint64_t most_bytes = kMaxScannedMemoryBytes);

}  // namespace ekshume::casefile
