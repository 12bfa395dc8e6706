// SPDX-License-Identifier: Apache-2.0
#include "log/web_access/reader.h"
#include "log_fuzz.h"

// The input is lines of an access log.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::web_access::WebAccessFormat(), data, size);
  return 0;
}
