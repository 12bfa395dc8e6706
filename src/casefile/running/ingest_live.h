// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/diagnostic.h"
#include "base/progress.h"
#include "base/result.h"
#include "casefile/evidence.h"
#include "casefile/ingest.h"
#include "event/store/store.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// Brings what was running into the store: a row for each process, for each socket that is no Unix
// socket, for each open deleted file and each kernel module. Each live evidence is one item.
Result<IngestSummary> IngestLive(const Evidence& evidence, const runtime::Inventory& inventory,
                                 event::Store& store, DiagnosticSink& diagnostics,
                                 Progress& progress);

}  // namespace ekshume::casefile
