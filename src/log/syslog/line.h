// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace ekshume::log::syslog {

// One line taken apart. Views are those of the line.
struct Line {
  std::optional<Timestamp> time;  // none without a year, when nothing gives one
  std::string_view host;
  std::string_view program;
  std::optional<int64_t> pid;
  std::string_view message;
  std::optional<int> priority;  // RFC 3164 and 5424: facility * 8 + severity
  bool surely = false;          // nothing else looks like this
};

// Nothing when it is no syslog line. `newest` gives the year (log/text_time.h, ParseSyslogTime).
std::optional<Line> ParseLine(std::string_view text, std::optional<Timestamp> newest);

}  // namespace ekshume::log::syslog
