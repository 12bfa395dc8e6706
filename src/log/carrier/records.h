// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "log/carrier/input.h"
#include "log/format.h"

namespace ekshume::log {

// Some records of one stream, with the bytes they lie in.
struct RecordBatch {
  struct Part {
    size_t begin = 0;  // in `bytes`
    size_t size = 0;
    uint64_t offset = 0;  // in the stream
    size_t stream = 0;    // index into `streams`
  };
  // One as a rule; each envelope and each header begins another.
  std::vector<std::shared_ptr<const Stream>> streams;
  std::string bytes;  // at least kRecordPadding bytes follow each record
  std::vector<Part> parts;
};

// What the reader itself left out.
struct ReaderCounts {
  uint64_t damaged = 0;  // each with a diagnostic
  uint64_t skipped = 0;  // headers
};

// Cuts a stream into records, by its content: the values of JSON in whatever arrangement (one
// array, an envelope object that holds one, one after the other, one a line), the rows of CSV, or
// lines of text, with those that belong together joined as the text's format says. One thread.
class RecordReader {
 public:
  // `input` and `diagnostics` must outlive it.
  RecordReader(Input& input, Stream stream, DiagnosticSink& diagnostics);
  ~RecordReader();

  // Puts the next records, at most about limits::kMaxBatchBytes together, into `batch`, whose
  // memory is used again; false at the end. An error is that of reading the input; what came before
  // it was given out.
  Result<bool> Next(RecordBatch& batch);

  const ReaderCounts& counts() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// The names of members that hold the records of an envelope: {"Records": [...]}.
bool IsEnvelopeKey(std::string_view key);

// Calls `visit` for each record of a JSON text in memory that may be several values or an envelope:
// what RecordReader does for streams. `head` is the envelope's text before its array. Returns false
// when the text is broken (what came before was visited).
bool VisitJsonRecords(
    std::string_view text,
    const std::function<void(std::string_view record, std::string_view head)>& visit);

}  // namespace ekshume::log
