// SPDX-License-Identifier: Apache-2.0
#include "log/k8s_object/reader.h"
#include "log_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::log::FuzzFormat(ekshume::log::k8s_object::KubernetesObjectFormat(), data, size);
  return 0;
}
