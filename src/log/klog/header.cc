// SPDX-License-Identifier: Apache-2.0
#include "log/klog/header.h"

#include <algorithm>
#include <chrono>

#include "base/ascii.h"
#include "log/fields.h"
#include "log/text_time.h"

namespace ekshume::log::klog {
namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr int kYearsToALeapYear = 8;  // 1896 to 1904, 2096 to 2104

// Two digits at `at`; none when they are not or are above `most`.
std::optional<unsigned> TwoDigits(std::string_view text, size_t at, unsigned most) {
  if (text.size() < at + 2 || !IsDigit(text[at]) || !IsDigit(text[at + 1])) return std::nullopt;
  const unsigned value =
      static_cast<unsigned>(text[at] - '0') * 10 + static_cast<unsigned>(text[at + 1] - '0');
  if (value > most) return std::nullopt;
  return value;
}

// The year of a moment; of no use, and 1970, where std::chrono has none.
int64_t YearOf(const Timestamp& time) {
  constexpr int64_t kMostDays = int64_t{366} * 32000;
  const int64_t days = time.seconds / kDaySeconds - (time.seconds % kDaySeconds < 0 ? 1 : 0);
  if (days > kMostDays || days < -kMostDays) return 1970;
  const std::chrono::sys_days date{std::chrono::days{days}};
  return static_cast<int>(std::chrono::year_month_day(date).year());
}

std::optional<Timestamp> InYear(const Header& header, int64_t year) {
  std::optional<Timestamp> time =
      MomentOf(year, header.month, header.day, header.hour, header.minute, header.second);
  if (time) time->nanoseconds = header.nanoseconds;
  return time;
}

}  // namespace

std::optional<Header> TakeHeader(std::string_view& line) {
  if (line.size() < 30 || std::string_view("IWEF").find(line[0]) == std::string_view::npos) {
    return std::nullopt;
  }
  const std::optional<unsigned> month = TwoDigits(line, 1, 12);
  const std::optional<unsigned> day = TwoDigits(line, 3, 31);
  const std::optional<unsigned> hour = TwoDigits(line, 6, 23);
  const std::optional<unsigned> minute = TwoDigits(line, 9, 59);
  const std::optional<unsigned> second = TwoDigits(line, 12, 60);
  if (!month || !day || !hour || !minute || !second || line[5] != ' ' || line[8] != ':' ||
      line[11] != ':' || line[14] != '.') {
    return std::nullopt;
  }
  Header header{line[0], *month, *day, *hour, *minute, *second, 0, 0, {}};
  std::string_view rest = line.substr(15);
  const std::optional<int64_t> microseconds = ParseInteger(rest.substr(0, 6));
  if (!microseconds || *microseconds < 0 || rest.size() < 7 || rest[6] != ' ') return std::nullopt;
  header.nanoseconds = static_cast<uint32_t>(*microseconds) * 1000;
  rest.remove_prefix(7);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const std::optional<int64_t> process_id = ParseInteger(TakeWord(rest));
  const size_t end = rest.find(']');
  if (!process_id || end == std::string_view::npos) return std::nullopt;
  header.process_id = *process_id;
  header.source = rest.substr(0, end);
  const size_t colon = header.source.rfind(':');
  if (colon == std::string_view::npos || !ParseInteger(header.source.substr(colon + 1)) ||
      header.source.find_first_of(" \n") != std::string_view::npos) {
    return std::nullopt;
  }
  rest.remove_prefix(end + 1);
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  line = rest;
  return header;
}

std::optional<Timestamp> MomentOfHeader(const Header& header, std::optional<Timestamp> carrier_time,
                                        std::optional<Timestamp> newest) {
  if (carrier_time) {
    const int64_t year = YearOf(*carrier_time);
    std::optional<Timestamp> best;
    int64_t best_distance = INT64_MAX;
    for (int64_t candidate = year - 1; candidate <= year + 1; ++candidate) {
      const std::optional<Timestamp> time = InYear(header, candidate);
      if (!time) continue;
      const int64_t distance = std::max(time->seconds, carrier_time->seconds) -
                               std::min(time->seconds, carrier_time->seconds);
      if (distance < best_distance) best = time;
      best_distance = std::min(distance, best_distance);
    }
    if (best) return best;
    newest = carrier_time;
  }
  if (!newest) return std::nullopt;
  const int64_t year = YearOf(*newest);
  for (int64_t candidate = year; candidate >= year - kYearsToALeapYear; --candidate) {
    const std::optional<Timestamp> time = InYear(header, candidate);
    if (time && time->seconds - kDaySeconds <= newest->seconds) return time;
  }
  return std::nullopt;
}

}  // namespace ekshume::log::klog
