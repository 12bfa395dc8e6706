// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ekshume::artifact::systemd_unit {

struct Setting {
  std::string section;    // "Service"
  std::string key;        // "ExecStart"
  std::string value;      // continuation lines joined with a blank, as systemd.syntax(7) says
  std::string_view line;  // as found, its first line
  uint64_t offset = 0;
};

// The settings of a unit file in order; comments and what is none are left out.
std::vector<Setting> ParseUnit(std::string_view content);

}  // namespace ekshume::artifact::systemd_unit
