// SPDX-License-Identifier: Apache-2.0
#include "artifact/cloud/reader.h"
#include "artifact_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::artifact::FuzzArtifact(
      ekshume::artifact::cloud::CloudFormat(),
      {"var/log/cloud-init.log", "var/log/cloud-init-output.log", "var/lib/cloud/data/instance-id",
       "var/lib/amazon/ssm/i/document/orchestration/c/p/0/_script.sh"},
      data, size);
  return 0;
}
