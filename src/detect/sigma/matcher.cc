// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/matcher.h"

#include <arpa/inet.h>
#include <re2/re2.h>

#include <charconv>
#include <chrono>
#include <cmath>

#include "base/time.h"

namespace ekshume::detect::sigma {
namespace {

std::optional<double> ParseNumber(std::string_view text) {
  double number = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [last, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || last != end || text.empty() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

// A time as records write it: RFC 3339, also with a blank for the T and without an offset (UTC).
std::optional<Timestamp> ParseTime(std::string_view text) {
  if (text.size() < 19) return std::nullopt;
  std::string form(text);
  if (form[10] == ' ') form[10] = 'T';
  if (const std::optional<Timestamp> time = ParseTimestamp(form)) return time;
  return ParseTimestamp(form + "Z");
}

int PartOf(Timestamp time, TimePart part) {
  using namespace std::chrono;
  const sys_seconds moment{seconds(time.seconds)};
  const sys_days day = floor<days>(moment);
  const year_month_day date(day);
  const hh_mm_ss clock(moment - day);
  switch (part) {
    case TimePart::kMinute: return static_cast<int>(clock.minutes().count());
    case TimePart::kHour: return static_cast<int>(clock.hours().count());
    case TimePart::kDay: return static_cast<int>(static_cast<unsigned>(date.day()));
    case TimePart::kMonth: return static_cast<int>(static_cast<unsigned>(date.month()));
    case TimePart::kYear: return static_cast<int>(date.year());
    case TimePart::kWeek: {
      // ISO 8601: the week of the year in which its Thursday lies.
      const weekday today(day);
      const sys_days thursday = day + days(4 - static_cast<int>(today.iso_encoding()));
      const sys_days first = sys_days(year_month_day(thursday).year() / January / 1);
      return static_cast<int>((thursday - first).count() / 7) + 1;
    }
    case TimePart::kNone: break;
  }
  return 0;
}

bool Holds(double left, Comparison comparison, double right) {
  switch (comparison) {
    case Comparison::kEqual: return left == right;
    case Comparison::kLess: return left < right;
    case Comparison::kLessOrEqual: return left <= right;
    case Comparison::kGreater: return left > right;
    case Comparison::kGreaterOrEqual: return left >= right;
  }
  return false;
}

bool ParseAddress(std::string_view text, std::array<uint8_t, 16>& bytes, bool& is_version_6) {
  if (text.size() > 64) return false;
  const std::string copy(text);
  is_version_6 = copy.contains(':');
  bytes.fill(0);
  return inet_pton(is_version_6 ? AF_INET6 : AF_INET, copy.c_str(), bytes.data()) == 1;
}

}  // namespace

std::optional<Network> Network::Parse(std::string_view text) {
  Network network;
  const size_t slash = text.find('/');
  if (!ParseAddress(text.substr(0, slash), network.address, network.is_version_6)) {
    return std::nullopt;
  }
  const int most = network.is_version_6 ? 128 : 32;
  network.bits = most;
  if (slash != std::string_view::npos) {
    const std::optional<double> bits = ParseNumber(text.substr(slash + 1));
    if (!bits || *bits < 0 || *bits > most || *bits != std::floor(*bits)) return std::nullopt;
    network.bits = static_cast<int>(*bits);
  }
  return network;
}

bool Network::Contains(std::string_view text) const {
  std::array<uint8_t, 16> other{};
  bool other_is_version_6 = false;
  if (!ParseAddress(text, other, other_is_version_6) || other_is_version_6 != is_version_6) {
    return false;
  }
  for (int bit = 0; bit < bits; bit += 8) {
    const auto at = static_cast<size_t>(bit / 8);
    const int left = bits - bit;
    const auto mask = static_cast<uint8_t>(left >= 8 ? 0xFF : 0xFF00 >> left);
    if (((address[at] ^ other[at]) & mask) != 0) return false;
  }
  return true;
}

bool Matcher::Fits(const Value& found) const {
  if (found.kind == ValueKind::kNull) return false;
  switch (kind) {
    case Kind::kPattern: return pattern.Matches(found.text, found.lower);
    case Kind::kRegex:
      return re2::RE2::PartialMatch({found.text.data(), found.text.size()}, *regex);
    case Kind::kNetwork: return network.Contains(found.text);
    case Kind::kNumber: {
      if (part == TimePart::kNone) {
        const std::optional<double> left = ParseNumber(found.text);
        return left && Holds(*left, comparison, number);
      }
      const std::optional<Timestamp> time = ParseTime(found.text);
      return time && Holds(PartOf(*time, part), comparison, number);
    }
    case Kind::kNull:
    case Kind::kExists:
    case Kind::kFieldRef: break;
  }
  return false;
}

bool Matcher::FitsField(const Value& found, const Value& other) const {
  if (found.kind == ValueKind::kNull || other.kind == ValueKind::kNull) return false;
  const std::string_view subject = cased ? found.text : found.lower;
  const std::string_view word = cased ? other.text : other.lower;
  if (any_before && any_after) return subject.contains(word);
  if (any_before) return subject.ends_with(word);
  if (any_after) return subject.starts_with(word);
  return subject == word;
}

}  // namespace ekshume::detect::sigma
