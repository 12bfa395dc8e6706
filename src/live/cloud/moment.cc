// SPDX-License-Identifier: Apache-2.0
#include "live/cloud/moment.h"

#include <fmt/format.h>

#include <charconv>

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

}  // namespace ekshume::live::cloud
