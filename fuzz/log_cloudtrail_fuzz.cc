// SPDX-License-Identifier: Apache-2.0
#include "log/cloudtrail/reader.h"
#include "log_fuzz.h"

// The input is a record of CloudTrail, or several on lines.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::cloudtrail::CloudTrailFormat(), data, size);
  return 0;
}
