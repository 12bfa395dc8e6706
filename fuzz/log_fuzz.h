// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/byte_view.h"
#include "log/format.h"
#include "log/json.h"

// What the fuzz targets of log formats share.
namespace ekshume::log {

// Gives one format the input: as one record, as a record for each line (the first may be a header),
// and mended as the caller would mend it. Fails when anything is added for a record that is said
// not to be read.
inline void FuzzFormat(const Format& format, const uint8_t* data, size_t size) {
  struct Counter : event::Sink {
    void Add(event::Event& event) override {
      ++count;
      event.Clear();
    }
    size_t count = 0;
  };
  const std::string text(ByteView(std::as_bytes(std::span(data, size))).AsText());
  Stream stream;
  stream.evidence = "fuzz";
  stream.written = Timestamp{1'700'000'000, 0};
  DiagnosticSink diagnostics;
  event::Event event;
  const auto parse = [&](std::string_view bytes) {
    const std::string padded = std::string(bytes) + std::string(kRecordPadding, '\0');
    Counter counter;
    event.Clear();
    format.Sniff(bytes);
    const Record record{std::string_view(padded).substr(0, bytes.size()), std::nullopt, &stream};
    const Outcome outcome = format.Parse(record, event, counter, diagnostics);
    if (outcome != Outcome::kEvents && counter.count > 0) __builtin_trap();
  };
  parse(text);
  if (const std::optional<std::string> mended = MendJson(text)) parse(*mended);
  std::string_view rest = text;
  std::string_view previous;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : rest.size());
    if (stream.header.empty() && format.IsHeader(line)) {
      stream.header = line;
      continue;
    }
    if (format.spans_lines()) format.Continues(previous, line);
    parse(line);
    previous = line;
  }
}

}  // namespace ekshume::log
