// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.h"
#include "casefile/ingest_feed.h"
#include "casefile/live_evidence.h"
#include "casefile/process_owners.h"

namespace ekshume::casefile {

// Adds a row for each process, for each open deleted file, for each socket that is neither a Unix
// nor a netlink one, for each connection that was tracked and for each kernel module. The rows are
// of the feed's `item`. kCancelled when the feed is.
Result<void> AddStateRows(const LiveEvidence& live, const ProcessOwners& owners, IngestFeed& feed,
                          uint32_t item);

}  // namespace ekshume::casefile
