// SPDX-License-Identifier: Apache-2.0
#include "process/checkpoint/reader.h"

#include "process_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return ReadAsTar(ekshume::process::checkpoint::CheckpointFormat(), data, size);
}
