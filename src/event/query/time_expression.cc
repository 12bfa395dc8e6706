// SPDX-License-Identifier: Apache-2.0
#include "event/query/time_expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>

#include "base/ascii.h"

namespace ekshume::event {
namespace {

namespace chrono = std::chrono;

constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::string_view kForms =
    "a time looks like 2026-01-02, 2026-01-02T10:00, 2026-01-02T10:00:00Z or now-24h";

// One second less on each side, so that no sum overflows and DuckDB's infinite times stay apart.
int64_t ToNanoseconds(Timestamp time) {
  constexpr int64_t kMaxSeconds = std::numeric_limits<int64_t>::max() / kNanosecondsPerSecond - 1;
  if (time.seconds >= kMaxSeconds) return kMaxSeconds * kNanosecondsPerSecond;
  if (time.seconds <= -kMaxSeconds) return -kMaxSeconds * kNanosecondsPerSecond;
  return time.seconds * kNanosecondsPerSecond + time.nanoseconds;
}

TimeSpan SpanOf(Timestamp begin, Timestamp end) {
  return {ToNanoseconds(begin), ToNanoseconds(end)};
}

// A text that is eaten from the left.
struct Reader {
  std::string_view rest;

  bool Take(char c) {
    if (!rest.starts_with(c)) return false;
    rest.remove_prefix(1);
    return true;
  }
  // Exactly `count` digits.
  std::optional<int> Digits(size_t count) {
    if (rest.size() < count || !std::ranges::all_of(rest.substr(0, count), IsDigit)) return {};
    int value = 0;
    for (const char c : rest.substr(0, count)) value = value * 10 + (c - '0');
    rest.remove_prefix(count);
    return value;
  }
};

// Days since 1970 of a date that exists.
std::optional<int64_t> Days(int year, int month, int day) {
  const chrono::year_month_day date{chrono::year{year}, chrono::month{static_cast<unsigned>(month)},
                                    chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  return chrono::sys_days{date}.time_since_epoch().count();
}

// The moment `months` later; the last day of the month when it has no such day.
Timestamp AddMonths(Timestamp time, int64_t months) {
  const int64_t day_number =
      (time.seconds - ((time.seconds % kSecondsPerDay) + kSecondsPerDay) % kSecondsPerDay) /
      kSecondsPerDay;
  const int64_t in_day = time.seconds - day_number * kSecondsPerDay;
  chrono::year_month_day date{chrono::sys_days{chrono::days{day_number}}};
  date += chrono::months{months};
  if (!date.ok()) date = date.year() / date.month() / chrono::last;
  return {chrono::sys_days{date}.time_since_epoch().count() * kSecondsPerDay + in_day,
          time.nanoseconds};
}

std::optional<int64_t> UnitSeconds(char unit) {
  switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h':
    case 'H': return 3600;
    case 'd': return kSecondsPerDay;
    case 'w': return 7 * kSecondsPerDay;
    default: return std::nullopt;
  }
}

int64_t UnitMonths(char unit) { return unit == 'M' ? 1 : unit == 'y' ? 12 : 0; }

std::optional<Timestamp> Shift(Timestamp time, int64_t count, char unit) {
  if (const auto seconds = UnitSeconds(unit)) {
    return Timestamp{time.seconds + count * *seconds, time.nanoseconds};
  }
  if (UnitMonths(unit) == 0) return std::nullopt;
  return AddMonths(time, count * UnitMonths(unit));
}

// The beginning of the second, day, week (Monday), month or year.
std::optional<Timestamp> RoundDown(Timestamp time, char unit) {
  const auto floor_to = [&](int64_t step, int64_t origin) {
    const int64_t over = (time.seconds - origin) % step;
    return Timestamp{time.seconds - (over < 0 ? over + step : over), 0};
  };
  if (const auto seconds = UnitSeconds(unit)) {
    // 1970-01-05 was a Monday.
    return floor_to(*seconds, unit == 'w' ? 4 * kSecondsPerDay : 0);
  }
  if (UnitMonths(unit) == 0) return std::nullopt;
  const int64_t days = floor_to(kSecondsPerDay, 0).seconds / kSecondsPerDay;
  const chrono::year_month_day date{chrono::sys_days{chrono::days{days}}};
  const chrono::month month = unit == 'y' ? chrono::January : date.month();
  return Timestamp{
      chrono::sys_days{date.year() / month / 1}.time_since_epoch().count() * kSecondsPerDay, 0};
}

// A number and its unit.
struct Amount {
  int64_t count;
  char unit;
};
std::optional<Amount> TakeAmount(Reader& reader) {
  int64_t count = 0;
  const char* const begin = reader.rest.data();
  const auto [end, error] = std::from_chars(begin, begin + reader.rest.size(), count);
  // Enough for any span in seconds that is of use, and far from overflows.
  constexpr int64_t kMaxCount = 100'000'000;
  if (error != std::errc() || count < 0 || count > kMaxCount) return std::nullopt;
  reader.rest.remove_prefix(static_cast<size_t>(end - begin));
  if (reader.rest.empty()) return std::nullopt;
  const char unit = reader.rest.front();
  if (!UnitSeconds(unit) && (UnitMonths(unit) == 0 || count > 12000)) return std::nullopt;
  reader.rest.remove_prefix(1);
  return Amount{count, unit};
}

// What follows `now`.
std::optional<TimeSpan> Relative(Reader reader, Timestamp now) {
  Timestamp time = now;
  char rounded_to = 0;
  while (!reader.rest.empty()) {
    if (reader.Take('/')) {
      if (reader.rest.empty()) return std::nullopt;
      const auto rounded = RoundDown(time, reader.rest.front());
      if (!rounded) return std::nullopt;
      rounded_to = reader.rest.front();
      time = *rounded;
      reader.rest.remove_prefix(1);
      continue;
    }
    const bool later = reader.Take('+');
    if (!later && !reader.Take('-')) return std::nullopt;
    const auto amount = TakeAmount(reader);
    if (!amount) return std::nullopt;
    time = *Shift(time, later ? amount->count : -amount->count, amount->unit);
  }
  if (rounded_to != 0) return SpanOf(time, *Shift(time, 1, rounded_to));
  const int64_t begin = ToNanoseconds(time);
  return TimeSpan{begin, begin + 1};
}

std::optional<TimeSpan> SinceEpoch(std::string_view text) {
  int64_t unit = 0;
  switch (text.size()) {
    case 10: unit = kNanosecondsPerSecond; break;
    case 13: unit = 1'000'000; break;
    case 16: unit = 1000; break;
    case 19: unit = 1; break;
    default: return std::nullopt;
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  if (value > std::numeric_limits<int64_t>::max() / unit - 1) return std::nullopt;
  return TimeSpan{value * unit, (value + 1) * unit};
}

// "", "Z", "+02:00", "-0530": seconds east of Greenwich.
std::optional<int64_t> Offset(Reader reader) {
  if (reader.rest.empty() || reader.rest == "Z" || reader.rest == "z") return 0;
  const int sign = reader.Take('+') ? 1 : reader.Take('-') ? -1 : 0;
  const auto hours = reader.Digits(2);
  reader.Take(':');
  const auto minutes = reader.rest.empty() ? std::optional(0) : reader.Digits(2);
  if (sign == 0 || !hours || !minutes || *hours > 23 || *minutes > 59 || !reader.rest.empty()) {
    return std::nullopt;
  }
  return sign * (int64_t{*hours} * 3600 + int64_t{*minutes} * 60);
}

// The part behind the date.
std::optional<TimeSpan> TimeOfDay(Reader reader, int64_t day_seconds) {
  const auto hour = reader.Digits(2);
  if (!hour || *hour > 23) return std::nullopt;
  int64_t seconds = day_seconds + int64_t{*hour} * 3600;
  int64_t step = 3600;
  int64_t fraction = 0;
  int64_t fraction_step = 0;
  if (reader.Take(':')) {
    const auto minute = reader.Digits(2);
    if (!minute || *minute > 59) return std::nullopt;
    seconds += int64_t{*minute} * 60;
    step = 60;
    if (reader.Take(':')) {
      const auto second = reader.Digits(2);
      if (!second || *second > 59) return std::nullopt;
      seconds += *second;
      step = 1;
      if (reader.Take('.') || reader.Take(',')) {
        fraction_step = kNanosecondsPerSecond;
        if (reader.rest.empty() || !IsDigit(reader.rest.front())) return std::nullopt;
        while (!reader.rest.empty() && IsDigit(reader.rest.front())) {
          if (fraction_step > 1) {
            fraction_step /= 10;
            fraction += (reader.rest.front() - '0') * fraction_step;
          }
          reader.rest.remove_prefix(1);
        }
      }
    }
  }
  const auto offset = Offset(reader);
  if (!offset) return std::nullopt;
  seconds -= *offset;
  const Timestamp begin{seconds, static_cast<uint32_t>(fraction)};
  if (fraction_step == 0) return SpanOf(begin, {seconds + step, 0});
  const int64_t first = ToNanoseconds(begin);
  return TimeSpan{first, first + fraction_step};
}

std::optional<TimeSpan> Calendar(Reader reader) {
  const auto year = reader.Digits(4);
  if (!year) return std::nullopt;
  const auto at = [](int64_t days) { return Timestamp{days * kSecondsPerDay, 0}; };
  if (reader.rest.empty()) return SpanOf(at(*Days(*year, 1, 1)), at(*Days(*year + 1, 1, 1)));
  if (!reader.Take('-')) return std::nullopt;
  const auto month = reader.Digits(2);
  if (!month || *month < 1 || *month > 12) return std::nullopt;
  if (reader.rest.empty()) {
    const Timestamp begin = at(*Days(*year, *month, 1));
    return SpanOf(begin, AddMonths(begin, 1));
  }
  if (!reader.Take('-')) return std::nullopt;
  const auto day = reader.Digits(2);
  if (!day) return std::nullopt;
  const auto days = Days(*year, *month, *day);
  if (!days) return std::nullopt;
  if (reader.rest.empty()) return SpanOf(at(*days), at(*days + 1));
  if (!reader.Take('T') && !reader.Take('t') && !reader.Take(' ')) return std::nullopt;
  return TimeOfDay(reader, *days * kSecondsPerDay);
}

}  // namespace

std::expected<TimeSpan, std::string> ParseTimeExpression(std::string_view text, Timestamp now) {
  std::optional<TimeSpan> span;
  if (text.starts_with("now")) {
    span = Relative({text.substr(3)}, now);
  } else if (!text.empty() && std::ranges::all_of(text, IsDigit) && text.size() > 4) {
    span = SinceEpoch(text);
  } else {
    span = Calendar({text});
  }
  if (!span) return std::unexpected(std::string(kForms));
  return *span;
}

std::expected<TimeSpan, std::string> ParseLast(std::string_view text, Timestamp now) {
  Reader reader{text};
  const auto amount = TakeAmount(reader);
  if (!amount || !reader.rest.empty()) {
    return std::unexpected("a span looks like 30m, 24h, 7d, 4w, 6M (months) or 1y");
  }
  return TimeSpan{ToNanoseconds(*Shift(now, -amount->count, amount->unit)), ToNanoseconds(now) + 1};
}

}  // namespace ekshume::event
