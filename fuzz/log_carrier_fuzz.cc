// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_view.h"
#include "log/carrier/records.h"
#include "log/carrier/unpack.h"
#include "log/dispatch.h"

// Everything that an evidence item goes through on its way to rows: wrapping, cutting, envelopes,
// every format. The counts must always add up.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  const std::string text(ByteView(std::as_bytes(std::span(data, size))).AsText());
  log::MemoryInput input(text);
  DiagnosticSink diagnostics;
  log::Dispatcher dispatcher(diagnostics);
  const auto visit = [&](const log::Leaf& leaf) {
    log::Stream stream;
    stream.evidence = leaf.evidence;
    stream.path = leaf.path;
    log::RecordReader reader(*leaf.input, std::move(stream), diagnostics);
    log::RecordBatch batch;
    for (;;) {
      const Result<bool> more = reader.Next(batch);
      if (!more || !*more) break;
      event::RowBatch rows;
      const log::RecordCounts counts = dispatcher.Read(batch, 0, "fuzz", rows);
      if (counts.records + counts.extra !=
              counts.rows + counts.skipped + counts.damaged + counts.unknown ||
          counts.rows != rows.count()) {
        __builtin_trap();
      }
    }
  };
  static_cast<void>(
      log::Unpack(input, size, log::Leaf{"fuzz", "fuzz", {}, nullptr}, diagnostics, visit));
  return 0;
}
