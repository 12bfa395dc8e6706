// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

// The text files of dpkg, apt and apk. Times are in the machine's time zone, which nodes keep at
// UTC.
namespace ekshume::artifact::packages {

// A stanza of dpkg's status or apk's installed.
struct InstalledPackage {
  std::string name;
  std::string version;
  std::string architecture;
  std::string state;  // "install ok installed"
  std::string_view text;
  uint64_t offset = 0;
};
// deb-control(5): "Package: curl" ...
std::vector<InstalledPackage> ParseDpkgStatus(std::string_view content);
// apk-tools, "P:curl" ...
std::vector<InstalledPackage> ParseApkInstalled(std::string_view content);

// A line of dpkg.log: "2026-11-24 21:39:08 install curl:amd64 <none> 7.88.1-10".
struct DpkgLogLine {
  Timestamp time;
  std::string action;  // "install", "upgrade", "remove", "purge"
  std::string package;
  std::string version;  // the new one, or the old one of a removal
};
// Nothing for lines that tell of steps in between.
std::optional<DpkgLogLine> ParseDpkgLogLine(std::string_view line);

// A stanza of apt's history.log.
struct AptRun {
  std::optional<Timestamp> start;
  std::optional<Timestamp> end;
  std::string command_line;
  std::string requested_by;  // "eve"
  std::string error;
  std::string changes;  // "Install: curl:amd64 (7.88.1-10); Remove: ..."
  std::string_view text;
  uint64_t offset = 0;
};
std::vector<AptRun> ParseAptHistory(std::string_view content);

// A line of dnf.rpm.log ("2026-11-24T21:39:08+0000 SUBDEBUG Installed: curl-8.5.0-1.x86_64").
struct RpmLogLine {
  Timestamp time;
  std::string action;  // "install", "upgrade", "remove"
  std::string package;
};
std::optional<RpmLogLine> ParseRpmLogLine(std::string_view line);

}  // namespace ekshume::artifact::packages
