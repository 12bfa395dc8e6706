// SPDX-License-Identifier: Apache-2.0
#include "log/s3_access/reader.h"
#include "log_fuzz.h"

// The input is lines of an S3 access log.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::s3_access::S3AccessFormat(), data, size);
  return 0;
}
