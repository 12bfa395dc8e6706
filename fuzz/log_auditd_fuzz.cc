// SPDX-License-Identifier: Apache-2.0
#include "log/auditd/reader.h"
#include "log_fuzz.h"

// The input is lines of an audit log.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::auditd::AuditdFormat(), data, size);
  return 0;
}
