// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "volume/gpt/reader.h"

// The input is the first bytes of a disk.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto image = image::MakeMemory({bytes.begin(), bytes.end()}, "fuzz");
  DiagnosticSink diagnostics;
  volume::gpt::Sniff(*image);
  const auto table = volume::gpt::Read(*image, diagnostics);
  if (table) EKSHUME_CHECK(table->partitions.size() <= limits::kMaxPartitions);
  return 0;
}
