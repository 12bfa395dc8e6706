// SPDX-License-Identifier: Apache-2.0
#include "log/text_time.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.h"
#include "log/fields.h"

namespace ekshume::log {
namespace {

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr int64_t kDaySeconds = 86400;
constexpr int kLeapYearsApart = 8;  // at most, around a century

// The number in `count` digits at `at`; -1 when there are none. A blank stands for a leading zero.
int64_t DigitsAt(std::string_view text, size_t at, size_t count, bool blank = false) {
  if (at + count > text.size()) return -1;
  int64_t value = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (blank && i == at && text[i] == ' ') continue;
    if (!IsDigit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool IsAt(std::string_view text, size_t at, std::string_view any_of) {
  return at < text.size() && any_of.find(text[at]) != std::string_view::npos;
}

std::array<char, 4> Padded(int64_t value, int width) {
  std::array<char, 4> digits{};
  for (int i = width; i-- > 0; value /= 10) {
    digits[static_cast<size_t>(i)] = static_cast<char>('0' + value % 10);
  }
  return digits;
}

int64_t DaysIn(int64_t year, int64_t month) {
  constexpr std::array<int64_t, 13> kDays = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return kDays[static_cast<size_t>(month)] + (month == 2 && leap ? 1 : 0);
}

// Where a zone that begins at `at` ends; `at` when there is none.
size_t ZoneEnd(std::string_view text, size_t at) {
  if (IsAt(text, at, "Zz")) return at + 1;
  if (!IsAt(text, at, "+-") || DigitsAt(text, at + 1, 2) < 0) return at;
  if (DigitsAt(text, at + 3, 2) >= 0) return at + 5;
  if (IsAt(text, at + 3, ":") && DigitsAt(text, at + 4, 2) >= 0) return at + 6;
  return at;
}

}  // namespace

unsigned MonthOf(std::string_view name) {
  if (name.size() != 3) return 0;
  const size_t at = kMonths.find(name);
  return at == std::string_view::npos || at % 3 != 0 ? 0 : static_cast<unsigned>(at / 3 + 1);
}

std::optional<Timestamp> MomentOf(int64_t year, int64_t month, int64_t day, int64_t hour,
                                  int64_t minute, int64_t second) {
  if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1 || day > DaysIn(year, month)) {
    return std::nullopt;
  }
  if (hour < 0 || minute < 0 || second < 0) return std::nullopt;
  std::string text = "0000-00-00T00:00:00Z";
  const auto put = [&](size_t at, int64_t value, int width) {
    const std::array<char, 4> digits = Padded(value, width);
    std::copy_n(digits.begin(), width, text.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(0, year, 4);
  put(5, month, 2);
  put(8, day, 2);
  put(11, hour, 2);
  put(14, minute, 2);
  put(17, second, 2);
  return hour > 99 || minute > 99 || second > 99 ? std::nullopt : ParseTimestamp(text);
}

std::optional<Timestamp> ParseClfTime(std::string_view text) {
  if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':' || text[20] != ' ') {
    return std::nullopt;
  }
  std::optional<Timestamp> time =
      MomentOf(DigitsAt(text, 7, 4), MonthOf(text.substr(3, 3)), DigitsAt(text, 0, 2),
               DigitsAt(text, 12, 2), DigitsAt(text, 15, 2), DigitsAt(text, 18, 2));
  const int64_t hours = DigitsAt(text, 22, 2);
  const int64_t minutes = DigitsAt(text, 24, 2);
  if (!time || hours < 0 || minutes < 0 || !IsAt(text, 21, "+-")) return std::nullopt;
  time->seconds -= (hours * 60 + minutes) * 60 * (text[21] == '-' ? -1 : 1);
  return time;
}

std::optional<Timestamp> ParseSyslogTime(std::string_view text, std::optional<Timestamp> newest) {
  if (text.size() != kSyslogTimeBytes || !newest) return std::nullopt;
  const unsigned month = MonthOf(text.substr(0, 3));
  if (month == 0 || text[3] != ' ' || text[6] != ' ' || text[9] != ':' || text[12] != ':') {
    return std::nullopt;
  }
  const Timestamp latest{newest->seconds + kDaySeconds, newest->nanoseconds};
  const int64_t newest_year = ParseInteger(FormatTimestamp(latest).substr(0, 4)).value_or(0);
  for (int64_t year = newest_year; year > newest_year - kLeapYearsApart - 1; --year) {
    const std::optional<Timestamp> time =
        MomentOf(year, month, DigitsAt(text, 4, 2, true), DigitsAt(text, 7, 2),
                 DigitsAt(text, 10, 2), DigitsAt(text, 13, 2));
    if (time && *time <= latest) return time;
  }
  return std::nullopt;
}

std::optional<LeadingTime> TakeLeadingTime(std::string_view line) {
  const bool bracket = line.starts_with('[');
  std::string_view text = line.substr(bracket ? 1 : 0);
  if (!IsAt(text, 4, "-/") || !IsAt(text, 7, "-/") || !IsAt(text, 10, "Tt ")) return std::nullopt;
  size_t end = 19;
  if (IsAt(text, end, ".,") && IsAt(text, end + 1, "0123456789")) {
    ++end;
    while (end < text.size() && IsDigit(text[end])) ++end;
  }
  // A zone may stand apart ("21:39:08 +0000"), as may "UTC".
  size_t zone_end = ZoneEnd(text, end);
  std::string_view zone = text.substr(std::min(end, text.size()), zone_end - end);
  if (zone.empty() && IsAt(text, end, " ") && IsAt(text, end + 1, "+-")) {
    const size_t apart = ZoneEnd(text, end + 1);
    if (apart > end + 1 && (apart == text.size() || IsAt(text, apart, " ]"))) {
      zone = text.substr(end + 1, apart - end - 1);
      zone_end = apart;
    }
  }
  std::string moment(text.substr(0, end));
  moment += zone.empty() ? "Z" : zone;
  if (moment.size() > 7) moment[4] = moment[7] = '-';
  const std::optional<Timestamp> time = ParseTimestamp(moment);
  if (!time) return std::nullopt;
  text.remove_prefix(zone_end);
  if (bracket) {
    if (!text.starts_with(']')) return std::nullopt;
    text.remove_prefix(1);
  } else if (!text.empty() && !IsAt(text, 0, " \t")) {
    return std::nullopt;
  }
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return LeadingTime{*time, text};
}

}  // namespace ekshume::log
