// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "collect/json_line.h"
#include "collection/writer.h"

namespace ekshume::collect {

// Why something is not in the archive.
enum class SkipReason {
  kLoss,   // it was asked for and could not be had
  kLimit,  // an option or a limit left it out
  kGone,   // it ended while it was being read
};

// The two records that the collector keeps of itself: skipped.jsonl and traces.jsonl. One thread.
// Must not be used within a member. The writer must outlive it.
class Journal {
 public:
  explicit Journal(collection::Writer& writer)
      : skipped_(writer, "skipped.jsonl"), traces_(writer, "traces.jsonl") {}

  // `number` is an errno; 0 when there is none. `pid` 0: it is about no process.
  Result<void> Skip(SkipReason severity, std::string_view what, std::string_view reason,
                    int pid = 0, int number = 0);
  // From an error of the system: what no longer exists is kGone, else kLoss.
  Result<void> Skip(std::string_view what, const Error& error, int pid = 0);
  Result<void> Trace(JsonLine line);

  // Numbers that are told at the end.
  uint64_t losses() const { return losses_; }
  uint64_t page_cache_kept_bytes = 0;     // read, and in the page cache before
  uint64_t page_cache_dropped_bytes = 0;  // read, not in the page cache before, given back
  uint64_t page_cache_added_bytes = 0;    // read and left there, as nothing is known of before
  uint64_t files_read = 0;
  uint64_t access_times_changed = 0;
  uint64_t process_numbers_asked = 0;

  Result<void> FinishSkipped() { return skipped_.Finish(); }
  Result<void> FinishTraces() { return traces_.Finish(); }

 private:
  collection::TableWriter skipped_;
  collection::TableWriter traces_;
  uint64_t losses_ = 0;
};

}  // namespace ekshume::collect
