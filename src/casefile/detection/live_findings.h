// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/detection/live_context.h"
#include "detect/finding.h"

namespace ekshume::casefile {

// Asks the checks of detect/running of every process that live evidence shows, of the memory that
// was kept of it (a program in anonymous memory) and of the preload list among the files that came
// along. What one check says of processes of one program in one container is one finding, with the
// number of processes and the ids of their events. Detector "running"; the worst first.
//
// Whether a program is of its container's image is asked where the image's layers are in the
// evidence; without them nothing is said. When the user stopped, what was found so far.
std::vector<detect::Finding> LiveFindings(const LiveContext& live, DiagnosticSink& diagnostics,
                                          Progress& progress);

}  // namespace ekshume::casefile
