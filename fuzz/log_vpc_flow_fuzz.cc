// SPDX-License-Identifier: Apache-2.0
#include "log/vpc_flow/reader.h"
#include "log_fuzz.h"

// The input is lines of a VPC flow log, with or without a header.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::vpc_flow::VpcFlowFormat(), data, size);
  return 0;
}
