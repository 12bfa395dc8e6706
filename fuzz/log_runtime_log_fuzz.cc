// SPDX-License-Identifier: Apache-2.0
#include "log/runtime_log/reader.h"
#include "log_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::runtime_log::RuntimeLogFormat(), data, size);
  return 0;
}
