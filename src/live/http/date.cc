// SPDX-License-Identifier: Apache-2.0
#include "live/http/date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ekshume::live::http {

std::optional<Timestamp> ParseHttpDate(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // Tue, 24 Nov 2026 21:39:08 GMT
  if (text.size() != 29 || text.substr(26) != "GMT") return std::nullopt;
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  return ParseTimestamp(fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4),
                                    month - kMonths.begin() + 1, text.substr(5, 2),
                                    text.substr(17, 8)));
}

}  // namespace ekshume::live::http
