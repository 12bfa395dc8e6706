// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/evidence.h"
#include "casefile/json.h"

namespace ekshume::casefile {

// Looks through the evidence of one node and returns the report: which node it is, its pods,
// containers and images, what changed in each container since its image, what changed on the host,
// what was deleted while open, and what the evidence cannot show. docs/formats/report.md describes
// its members. The evidence is hashed meanwhile on a thread of its own.
//
// A container that cannot be read is a diagnostic, never the end. kCancelled when the user stopped.
Result<Json> Investigate(const Evidence& evidence, DiagnosticSink& diagnostics, Progress& progress);

}  // namespace ekshume::casefile
