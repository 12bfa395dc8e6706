// SPDX-License-Identifier: Apache-2.0
#include "detect/finding.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <tuple>

#include "base/hash.h"

namespace ekshume::detect {

std::optional<int> LevelRank(std::string_view level) {
  constexpr std::string_view kLevels[] = {"informational", "low", "medium", "high", "critical"};
  const auto* found = std::ranges::find(kLevels, level);
  if (found == std::end(kLevels)) return std::nullopt;
  return static_cast<int>(found - std::begin(kLevels));
}

void AppendToKey(std::string& key, std::string_view part) {
  // Once for each column of each match: not by fmt, which took a tenth of a hunt.
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), part.size()).ptr;
  key.append(digits, end).append(1, ':').append(part);
}

std::string IdOfKey(std::string_view key) {
  return ToHex(Sha256::Of(ByteView::Of(key))).substr(0, 32);
}

std::string FindingId(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (const std::string_view part : parts) AppendToKey(key, part);
  return IdOfKey(key);
}

void SortFindings(std::vector<Finding>& findings) {
  std::ranges::stable_sort(findings, [](const Finding& left, const Finding& right) {
    const int left_rank = LevelRank(left.level).value_or(2);
    const int right_rank = LevelRank(right.level).value_or(2);
    if (left_rank != right_rank) return left_rank > right_rank;
    const bool left_timeless = !left.first;
    const bool right_timeless = !right.first;
    return std::tie(left_timeless, left.first, left.title, left.id) <
           std::tie(right_timeless, right.first, right.title, right.id);
  });
}

}  // namespace ekshume::detect
