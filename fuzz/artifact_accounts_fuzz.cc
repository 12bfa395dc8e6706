// SPDX-License-Identifier: Apache-2.0
#include "artifact/accounts/reader.h"
#include "artifact_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::artifact::FuzzArtifact(ekshume::artifact::accounts::AccountsFormat(),
                                  {"etc/passwd", "etc/shadow", "etc/group", "etc/sudoers"}, data,
                                  size);
  return 0;
}
