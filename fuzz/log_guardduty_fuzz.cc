// SPDX-License-Identifier: Apache-2.0
#include "log/guardduty/reader.h"
#include "log_fuzz.h"

// The input is a finding, or several on lines.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::guardduty::GuardDutyFormat(), data, size);
  return 0;
}
