// SPDX-License-Identifier: Apache-2.0
#include "artifact/systemd_unit/reader.h"
#include "artifact_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::artifact::FuzzArtifact(ekshume::artifact::systemd_unit::SystemdUnitFormat(),
                                  {"etc/systemd/system/x.service", "etc/systemd/system/x.timer",
                                   "etc/systemd/system/y.service.d/z.conf"},
                                  data, size);
  return 0;
}
