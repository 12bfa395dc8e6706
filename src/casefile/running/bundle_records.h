// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "casefile/ingest_feed.h"
#include "casefile/live_evidence.h"

namespace ekshume::casefile {

// Adds what live evidence brought along in files of records: the times of files (body files) and
// logs. The rows are of the feed's `item`; those without a node of their own get `node`. A file
// that cannot be read, lines that are of no body file and reached limits are diagnostics.
// kCancelled when the feed is.
Result<void> AddBundleRecords(const LiveEvidence& live, const std::string& node, IngestFeed& feed,
                              uint32_t item);

}  // namespace ekshume::casefile
