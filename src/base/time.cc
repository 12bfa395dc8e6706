// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace ekshume {
namespace {

struct CivilDate {
  int64_t year;
  unsigned month;  // 1..12
  unsigned day;    // 1..31
};

// Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms": days since 1970-01-01 and back.
constexpr CivilDate CivilFromDays(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

constexpr int64_t DaysFromCivil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<int64_t>(day_of_era) - 719468;
}

// "00" to "99".
constexpr std::array<char, 200> kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

// The last kWidth digits of `value`, with leading zeros.
template <int kWidth>
char* PutDigits(char* out, uint32_t value) {
  if constexpr (kWidth == 1) {
    out[0] = static_cast<char>('0' + value % 10);
  } else {
    const size_t pair = size_t{2} * (value % 100);
    std::copy_n(&kDigitPairs[pair], 2, out + kWidth - 2);
    if constexpr (kWidth > 2) PutDigits<kWidth - 2>(out, value / 100);
  }
  return out + kWidth;
}

// At least four digits.
char* PutYear(char* out, uint64_t year) {
  if (year < 10000) return PutDigits<4>(out, static_cast<uint32_t>(year));
  return std::to_chars(out, out + 20, year).ptr;
}

// What any time needs, and some more.
constexpr size_t kTextBytes = 40;

// "2026-11-24T21:39:08." to `out`, which has kTextBytes; returns the length.
size_t FormatSecond(int64_t seconds, char* out) {
  int64_t days = seconds / 86400;
  int64_t rest = seconds % 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  // The times of one listing share few days: the last date is kept.
  constexpr size_t kDateBytes = 32;
  thread_local int64_t last_days = INT64_MIN;
  thread_local std::array<char, kDateBytes> date_text;
  thread_local size_t date_length = 0;
  if (days != last_days) {
    const CivilDate date = CivilFromDays(days);
    char* cursor = date_text.data();
    const uint64_t year = static_cast<uint64_t>(date.year < 0 ? -date.year : date.year);
    if (date.year < 0) *cursor++ = '-';
    cursor = PutYear(cursor, year);
    *cursor++ = '-';
    cursor = PutDigits<2>(cursor, date.month);
    *cursor++ = '-';
    cursor = PutDigits<2>(cursor, date.day);
    *cursor++ = 'T';
    date_length = static_cast<size_t>(cursor - date_text.data());
    last_days = days;
  }
  const auto second_of_day = static_cast<uint32_t>(rest);
  std::copy_n(date_text.data(), kDateBytes, out);
  char* cursor = PutDigits<2>(out + date_length, second_of_day / 3600);
  *cursor++ = ':';
  cursor = PutDigits<2>(cursor, second_of_day / 60 % 60);
  *cursor++ = ':';
  cursor = PutDigits<2>(cursor, second_of_day % 60);
  *cursor++ = '.';
  return static_cast<size_t>(cursor - out);
}

// Reads exactly `count` digits at `position`, or -1.
int64_t TakeDigits(std::string_view text, size_t& position, size_t count) {
  if (text.size() < position + count) return -1;
  int64_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    const char c = text[position + i];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  position += count;
  return value;
}

bool TakeChar(std::string_view text, size_t& position, std::string_view any_of) {
  if (position >= text.size() || any_of.find(text[position]) == std::string_view::npos)
    return false;
  ++position;
  return true;
}

}  // namespace

size_t FormatTimestampTo(Timestamp time, char* out) {
  // Often the times of one file are the same or of the same second: the last one is kept.
  struct Last {
    Timestamp time;
    std::array<char, kTextBytes> text{};
    size_t second_length = 0;
    size_t length = 0;
  };
  thread_local Last last;
  if (time != last.time || last.length == 0) {
    if (time.seconds != last.time.seconds || last.length == 0) {
      last.second_length = FormatSecond(time.seconds, last.text.data());
    }
    char* cursor = last.text.data() + last.second_length;
    cursor = PutDigits<4>(cursor, time.nanoseconds / 100000);
    cursor = PutDigits<5>(cursor, time.nanoseconds % 100000);
    *cursor++ = 'Z';
    last.length = static_cast<size_t>(cursor - last.text.data());
    last.time = time;
  }
  // The whole of it: a copy of fixed size is a few instructions.
  std::copy_n(last.text.data(), kTextBytes, out);
  return last.length;
}

std::string FormatTimestamp(Timestamp time) {
  std::array<char, 48> buffer;
  return std::string(buffer.data(), FormatTimestampTo(time, buffer.data()));
}

std::optional<Timestamp> ParseTimestamp(std::string_view text) {
  size_t position = 0;
  const int64_t year = TakeDigits(text, position, 4);
  if (year < 0 || !TakeChar(text, position, "-")) return std::nullopt;
  const int64_t month = TakeDigits(text, position, 2);
  if (month < 1 || month > 12 || !TakeChar(text, position, "-")) return std::nullopt;
  const int64_t day = TakeDigits(text, position, 2);
  if (day < 1 || day > 31 || !TakeChar(text, position, "Tt ")) return std::nullopt;
  const int64_t hour = TakeDigits(text, position, 2);
  if (hour < 0 || hour > 23 || !TakeChar(text, position, ":")) return std::nullopt;
  const int64_t minute = TakeDigits(text, position, 2);
  if (minute < 0 || minute > 59 || !TakeChar(text, position, ":")) return std::nullopt;
  const int64_t second = TakeDigits(text, position, 2);
  if (second < 0 || second > 60) return std::nullopt;
  uint32_t nanoseconds = 0;
  if (TakeChar(text, position, ".,")) {
    uint32_t scale = 100000000;
    const size_t first = position;
    while (position < text.size() && text[position] >= '0' && text[position] <= '9') {
      nanoseconds += scale * static_cast<uint32_t>(text[position] - '0');
      scale /= 10;
      ++position;
    }
    if (position == first) return std::nullopt;
  }
  int64_t offset_seconds = 0;
  if (!TakeChar(text, position, "Zz")) {
    const bool negative = position < text.size() && text[position] == '-';
    if (!TakeChar(text, position, "+-")) return std::nullopt;
    const int64_t offset_hour = TakeDigits(text, position, 2);
    TakeChar(text, position, ":");
    const int64_t offset_minute = TakeDigits(text, position, 2);
    if (offset_hour < 0 || offset_minute < 0) return std::nullopt;
    offset_seconds = (offset_hour * 60 + offset_minute) * 60 * (negative ? -1 : 1);
  }
  if (position != text.size()) return std::nullopt;
  const int64_t days =
      DaysFromCivil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  return Timestamp{days * 86400 + hour * 3600 + minute * 60 + second - offset_seconds, nanoseconds};
}

Timestamp TimestampFromNanoseconds(int64_t nanoseconds) {
  int64_t seconds = nanoseconds / 1'000'000'000;
  int64_t rest = nanoseconds % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  return {seconds, static_cast<uint32_t>(rest)};
}

}  // namespace ekshume
