// SPDX-License-Identifier: Apache-2.0
#include "log/generic/reader.h"
#include "log_fuzz.h"

// The input is lines that begin with a time.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::generic::GenericFormat(), data, size);
  return 0;
}
