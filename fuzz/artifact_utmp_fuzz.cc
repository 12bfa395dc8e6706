// SPDX-License-Identifier: Apache-2.0
#include "artifact/utmp/reader.h"
#include "artifact_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::artifact::FuzzArtifact(ekshume::artifact::utmp::UtmpFormat(),
                                  {"var/log/wtmp", "var/log/btmp", "var/log/lastlog"}, data, size);
  return 0;
}
