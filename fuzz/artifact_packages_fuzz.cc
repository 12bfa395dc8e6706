// SPDX-License-Identifier: Apache-2.0
#include "artifact/packages/reader.h"
#include "artifact/packages/rpm_header.h"
#include "artifact_fuzz.h"

// The input is every file at once, and a header of rpm's.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  artifact::FuzzArtifact(
      artifact::packages::PackagesFormat(),
      {"var/lib/dpkg/status", "var/lib/dpkg/info/a.list", "var/log/dpkg.log.2.gz",
       "var/log/apt/history.log", "lib/apk/db/installed", "var/log/dnf.rpm.log",
       "var/lib/rpm/rpmdb.sqlite", "var/lib/dnf/history.sqlite"},
      data, size);
  (void)artifact::packages::ParseRpmHeader(ByteView(std::as_bytes(std::span(data, size))).AsText());
  return 0;
}
