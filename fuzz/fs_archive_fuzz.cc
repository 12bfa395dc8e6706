// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fs/archive/tar.h"
#include "fs/archive/zip.h"
#include "fs/walk.h"

// The input is an archive: all of it is walked and the beginning of each file read.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto image = image::MakeMemory({bytes.begin(), bytes.end()}, "fuzz");
  DiagnosticSink diagnostics;
  for (const bool is_layer : {false, true}) {
    fs::archive::TarOptions options;
    options.is_layer = is_layer;
    const auto tree = fs::archive::OpenTar(*image, "fuzz", diagnostics, options);
    if (!tree) continue;
    const auto walked = fs::Walk(**tree, (*tree)->root(), diagnostics, [&](const auto& item) {
      const auto file = (*tree)->OpenFile(item.node);
      std::vector<std::byte> block(4096);
      if (file) static_cast<void>((*file)->ReadAt(item.stat.size_bytes / 2, block));
      return fs::WalkStep::kContinue;
    });
    static_cast<void>(walked);
  }
  const auto zip = fs::archive::OpenZip(*image, "fuzz", diagnostics);
  if (!zip) return 0;
  static_cast<void>(fs::Walk(**zip, (*zip)->root(), diagnostics, [&](const auto& item) {
    const auto file = (*zip)->OpenFile(item.node);
    std::vector<std::byte> block(4096);
    // Temporary files of any size are not what is looked for here.
    if (file && item.stat.size_bytes < 1 << 20) static_cast<void>((*file)->ReadAt(0, block));
    return fs::WalkStep::kContinue;
  }));
  return 0;
}
