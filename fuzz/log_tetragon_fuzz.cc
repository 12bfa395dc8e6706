// SPDX-License-Identifier: Apache-2.0
#include "log/tetragon/reader.h"
#include "log_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::tetragon::TetragonFormat(), data, size);
  return 0;
}
