// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/evidence.h"
#include "casefile/evidence_kind.h"
#include "event/store/store.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// What an ingest did.
struct IngestSummary {
  std::vector<event::Item> items;  // those of this ingest, in the order given
  std::vector<std::string> known;  // names of files that the case had already
};

// Reads files of records into the store: each file is an item, many items go in with one
// transaction. Files that the store has (by SHA-256) are left out; so nothing goes in twice. A file
// that cannot be read is a diagnostic. Errors are those of the store, and kCancelled; what was
// committed before stays.
Result<IngestSummary> IngestLogs(const std::vector<LogFile>& files, event::Store& store,
                                 DiagnosticSink& diagnostics, Progress& progress);

// Reads the artifacts and logs of a node, and those of its containers through their merged views,
// into the store, as one item with the name `name`.
Result<IngestSummary> IngestNode(const Evidence& evidence, const runtime::Inventory& inventory,
                                 const std::string& name, event::Store& store,
                                 DiagnosticSink& diagnostics, Progress& progress);

}  // namespace ekshume::casefile
