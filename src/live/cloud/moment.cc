// SPDX-License-Identifier: Apache-2.0
#include "live/cloud/moment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace ekshume::live::cloud {

std::optional<Timestamp> ParseMoment(std::string_view text, Timestamp now) {
  if (const auto time = ParseTimestamp(text)) return time;
  if (text.size() == 10) return ParseTimestamp(fmt::format("{}T00:00:00Z", text));
  if (text.size() < 2) return std::nullopt;
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size() - 1, count);
  if (error != std::errc() || end != text.data() + text.size() - 1 || count < 0 ||
      count > 1'000'000) {
    return std::nullopt;
  }
  switch (text.back()) {
    case 's': return Timestamp{now.seconds - count, now.nanoseconds};
    case 'm': return Timestamp{now.seconds - count * 60, now.nanoseconds};
    case 'h': return Timestamp{now.seconds - count * 3600, now.nanoseconds};
    case 'd': return Timestamp{now.seconds - count * 86400, now.nanoseconds};
    default: return std::nullopt;
  }
}

int64_t Milliseconds(Timestamp time) { return time.seconds * 1000 + time.nanoseconds / 1'000'000; }

std::string NameOf(Timestamp time) {
  std::string text = FormatTimestamp(time).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}

std::string NameOf(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 150)) {
    const char lower = AsciiLower(c);
    const bool plain = IsDigit(c) || (lower >= 'a' && lower <= 'z') || c == '_' || c == '.';
    if (plain) {
      out += c;
    } else if (!out.empty()) {
      out += '-';
    }
  }
  return out.empty() ? "unnamed" : out;
}

}  // namespace ekshume::live::cloud
