// SPDX-License-Identifier: Apache-2.0
#include "process/varc/reader.h"

#include "process_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return ReadAsTar(ekshume::process::varc::VarcFormat(), data, size);
}
