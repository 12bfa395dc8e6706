// SPDX-License-Identifier: Apache-2.0
#include "log/timesketch/reader.h"
#include "log_fuzz.h"

// The input is a timeline, as CSV with its header or as JSON lines.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::timesketch::TimesketchFormat(), data, size);
  return 0;
}
