// SPDX-License-Identifier: Apache-2.0
#include "log/syslog/reader.h"
#include "log_fuzz.h"

// The input is lines of a syslog file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::syslog::SyslogFormat(), data, size);
  return 0;
}
