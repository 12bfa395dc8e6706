// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/diagnostic.h"
#include "event/store/store.h"
#include "log/carrier/records.h"
#include "log/format.h"

namespace ekshume::log {

// What became of the records of an item. records + extra = rows + skipped + damaged + unknown.
struct RecordCounts {
  uint64_t records = 0;
  uint64_t rows = 0;
  uint64_t extra = 0;    // rows beyond the first of a record that holds several events
  uint64_t skipped = 0;  // of no interest by their own nature
  uint64_t damaged = 0;  // a diagnostic each
  uint64_t unknown = 0;  // of no known format, a diagnostic each

  RecordCounts& operator+=(const RecordCounts& other);
};

// Turns records into rows: takes off envelopes (CloudWatch, EventBridge, LookupEvents, Fluent Bit,
// ...), finds the format of what is inside, mends what was cut, and fills in what the stream knows.
// One per thread: it remembers what the last record was, as the next is mostly the same.
class Dispatcher {
 public:
  explicit Dispatcher(DiagnosticSink& diagnostics);
  ~Dispatcher();

  // Reads the records of a batch; rows go to `rows`, with this item and name of evidence.
  RecordCounts Read(const RecordBatch& batch, uint32_t item, std::string_view evidence,
                    event::RowBatch& rows);

  // Whether any of the first records of a batch is of a known format.
  bool Recognizes(const RecordBatch& batch);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace ekshume::log
