// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string>

#include "collection/cgroup.h"
#include "collection/reader.h"

// Any bytes as a collection of one part, and as the text of /proc/PID/cgroup.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = std::byte{data[i]};
  (void)collection::ParseProcCgroup(ByteView(bytes).AsText());
  const auto part = image::MakeMemory(std::move(bytes), "fuzz");
  const image::Image* const parts[] = {part.get()};
  DiagnosticSink diagnostics;
  const auto reader = collection::Reader::Open(parts, diagnostics);
  if (!reader) return 0;
  (void)(*reader)->Verify(diagnostics);
  (void)(*reader)->Received();
  for (const collection::Member& member : (*reader)->members()) {
    if (member.size_bytes < 1 << 20) (void)(*reader)->ReadAll(member, 1 << 20);
  }
  for (const char* table : {"live/processes.jsonl", "skipped.jsonl"}) {
    (void)(*reader)->ReadTable(table, [](std::string_view) {}, diagnostics);
  }
  return 0;
}
