// SPDX-License-Identifier: Apache-2.0
#include "artifact/cron/reader.h"
#include "artifact_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::artifact::FuzzArtifact(
      ekshume::artifact::cron::CronFormat(),
      {"etc/crontab", "etc/anacrontab", "var/spool/cron/root", "etc/cron.daily/x"}, data, size);
  return 0;
}
