// SPDX-License-Identifier: Apache-2.0
#include "log/cloudtrail_digest/reader.h"
#include "log_fuzz.h"

// The input is a digest file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::cloudtrail_digest::DigestFormat(), data, size);
  return 0;
}
