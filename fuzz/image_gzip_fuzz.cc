// SPDX-License-Identifier: Apache-2.0
#include "image/gzip/reader.h"
#include "image_memory_file.h"

// The input is a gzip file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ekshume::fuzz::MemoryFile file(data, size);
  ekshume::fuzz::MemoryScratch scratch;
  ekshume::DiagnosticSink diagnostics;
  const auto opened =
      ekshume::image::gzip::Open(file.path(), {.diagnostics = &diagnostics, .scratch = &scratch});
  if (opened) ekshume::fuzz::ReadAllOver(*opened->image);
  return 0;
}
