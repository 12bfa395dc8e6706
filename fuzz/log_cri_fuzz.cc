// SPDX-License-Identifier: Apache-2.0
#include "log/cri/reader.h"
#include "log_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::cri::CriFormat(), data, size);
  return 0;
}
