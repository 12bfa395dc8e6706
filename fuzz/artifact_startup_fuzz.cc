// SPDX-License-Identifier: Apache-2.0
#include "artifact/startup/reader.h"
#include "artifact_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::artifact::FuzzArtifact(
      ekshume::artifact::startup::StartupFormat(),
      {"etc/ld.so.preload", "etc/profile", "etc/udev/rules.d/x", "etc/pam.d/x"}, data, size);
  return 0;
}
