// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fs/archive/tar.h"
#include "process/format.h"

// Reads the input, a tar archive with the members of one, as evidence of that format.
inline int ReadAsTar(const ekshume::process::Format& format, const uint8_t* data, size_t size) {
  using namespace ekshume;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto image = image::MakeMemory({bytes.begin(), bytes.end()}, "fuzz");
  DiagnosticSink diagnostics;
  const auto tree = fs::archive::OpenTar(*image, "fuzz", diagnostics);
  if (!tree) return 0;
  static_cast<void>(format.Read({**tree, "fuzz"}, diagnostics));
  return 0;
}
