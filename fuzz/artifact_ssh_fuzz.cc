// SPDX-License-Identifier: Apache-2.0
#include "artifact/ssh/reader.h"
#include "artifact_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::artifact::FuzzArtifact(
      ekshume::artifact::ssh::SshFormat(),
      {"root/.ssh/authorized_keys", "root/.ssh/known_hosts", "root/.ssh/id", "etc/ssh/sshd_config"},
      data, size);
  return 0;
}
