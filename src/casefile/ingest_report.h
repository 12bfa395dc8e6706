// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "casefile/ingest.h"
#include "casefile/json.h"
#include "event/store/store.h"

namespace ekshume::casefile {

// The member `events` of a report: what each evidence item gave, what was known already, and what
// the store holds now. docs/formats/report.md describes it.
Result<Json> EventsJson(const std::vector<IngestSummary>& summaries, event::Store& store);

// One item as the report and `case show` print it.
Json ToJson(const event::Item& item);

}  // namespace ekshume::casefile
