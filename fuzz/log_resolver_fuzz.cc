// SPDX-License-Identifier: Apache-2.0
#include "log/resolver/reader.h"
#include "log_fuzz.h"

// The input is a DNS query, or several on lines.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::resolver::ResolverFormat(), data, size);
  return 0;
}
