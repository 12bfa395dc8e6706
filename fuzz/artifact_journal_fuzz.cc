// SPDX-License-Identifier: Apache-2.0
#include "artifact/journal/reader.h"
#include "artifact_fuzz.h"
#include "base/endian.h"

// A journal is 8 MiB of mostly zeros: the input is its size, and stretches of bytes that are not
// zero, each as offset, length and bytes (tests/data/artifact/make writes the seed so).
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  constexpr size_t kMaxBytes = size_t{8} << 20;
  const ByteView input(std::as_bytes(std::span(data, size)));
  const auto total = input.Read<le32>(0);
  std::string journal(total ? std::min<size_t>(total->value(), kMaxBytes) : 0, '\0');
  for (size_t at = sizeof(le32); input.Contains(at, 2 * sizeof(le32));) {
    const size_t offset = input.Read<le32>(at)->value();
    const auto bytes = input.From(at + 2 * sizeof(le32)).First(input.Read<le32>(at + 4)->value());
    if (RangeFits(offset, bytes.size(), journal.size())) {
      journal.replace(offset, bytes.size(), bytes.AsText());
    }
    at += 2 * sizeof(le32) + bytes.size();
  }
  runtime::MemoryTree tree;
  tree.AddFile("var/log/journal/system.journal", journal);
  artifact::View view;
  view.filesystem = &tree;
  artifact::DroppedOutput output;
  DiagnosticSink diagnostics;
  artifact::journal::JournalFormat().Read(view, output, diagnostics);
  return 0;
}
