// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "casefile/evidence.h"
#include "casefile/json.h"
#include "event/store/store.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// Which attack techniques the evidence at hand could have shown, and which not, and why:
//   {"sources": [...], "audit": {...}, "disks": {...}, "missing": [...],
//    "counts": {"visible", "partly", "not_visible"},
//    "techniques": [{"id", "name", "matrix", "tactics", "verdict", "reason"}]}
// docs/detect.md describes the members. `evidence` and `inventory` are null for a case of logs
// only. Reads columns of all events, the record only of a bounded sample of audit events. Errors
// are those of the store.
Result<Json> CoverageJson(event::Store& store, const Evidence* evidence,
                          const runtime::Inventory* inventory, const DiagnosticSink& diagnostics);

// The same for people: a few lines, each a sentence or two.
std::vector<std::string> CoverageLines(const Json& coverage);

}  // namespace ekshume::casefile
