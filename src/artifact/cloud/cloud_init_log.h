// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace ekshume::artifact::cloud {

// One line of /var/log/cloud-init.log, cloudinit/log.py:
// "2026-11-24 21:39:08,785 - subp.py[DEBUG]: Running command ['sh', '/x'] with allowed return ..."
struct CloudInitLine {
  Timestamp time;
  std::string module;  // "subp.py"
  std::string level;   // "DEBUG"
  std::string message;
  std::string command;  // of "Running command": its words between blanks; "" otherwise
};
std::optional<CloudInitLine> ParseCloudInitLine(std::string_view line);

// Of /var/log/cloud-init-output.log the lines that say when a stage began:
// "Cloud-init v. 22.2.2 running 'init' at Tue, 24 Nov 2026 21:39:08 +0000. Up 5.04 seconds."
std::optional<Timestamp> ParseStageLine(std::string_view line);

}  // namespace ekshume::artifact::cloud
