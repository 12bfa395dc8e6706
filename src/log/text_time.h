// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

// Times as text logs write them.
namespace ekshume::log {

// 1 to 12 for "Jan" to "Dec"; 0 for anything else.
unsigned MonthOf(std::string_view name);

// A moment in UTC, from a calendar date and a time of day; none when there is no such moment.
std::optional<Timestamp> MomentOf(int64_t year, int64_t month, int64_t day, int64_t hour,
                                  int64_t minute, int64_t second);

// "06/Feb/2019:00:00:38 +0000": the Common Log Format of web servers, also S3's access logs.
std::optional<Timestamp> ParseClfTime(std::string_view text);

// "Feb  6 00:00:38": RFC 3164, section 4.1.2, which writes neither year nor zone; taken as UTC. The
// year is the last one in which the moment is not after `newest` (plus a day, as clocks differ), so
// that lines of December are of the year before when the file ends in January. None without
// `newest`.
std::optional<Timestamp> ParseSyslogTime(std::string_view text, std::optional<Timestamp> newest);
inline constexpr size_t kSyslogTimeBytes = 15;

// A time at the beginning of a line, as many programs write it: `2026-11-24 21:39:08`, with `T` or
// `/`, in brackets, with a fraction after `.` or `,` and a zone (none: UTC). The time must end
// there or be followed by a blank.
struct LeadingTime {
  Timestamp time;
  std::string_view rest;  // what follows, without the blanks between
};
std::optional<LeadingTime> TakeLeadingTime(std::string_view line);

}  // namespace ekshume::log
