// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collect/system.h"

// What of /proc/PID the collector reads in more than one place. Pure; any thread.
namespace ekshume::collect {

// proc(5), /proc/PID/stat: fields from 3 on, which follow the name in parentheses. Views into the
// text that was parsed.
struct StatFields {
  std::string comm;
  std::vector<std::string_view> fields;  // [0] is field 3
  uint64_t At(size_t field) const {
    return field - 3 < fields.size() ? ParseNumber(fields[field - 3]).value_or(0) : 0;
  }
};
// Empty when the text is none.
StatFields ParseStat(std::string_view text);
// The numbers of one line of /proc/PID/status; 0 for what is no number.
std::vector<uint64_t> StatusNumbers(std::string_view status, std::string_view key);

}  // namespace ekshume::collect
