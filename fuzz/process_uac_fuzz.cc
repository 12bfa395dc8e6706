// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>

#include "fs/archive/tar.h"
#include "process/uac/reader.h"

// The input is a tar archive with the members of one.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto image = image::MakeMemory({bytes.begin(), bytes.end()}, "fuzz");
  DiagnosticSink diagnostics;
  const auto tree = fs::archive::OpenTar(*image, "fuzz", diagnostics);
  if (!tree) return 0;
  const process::Source source{**tree, "fuzz"};
  static_cast<void>(process::uac::UacFormat().Read(source, diagnostics));
  return 0;
}
