// SPDX-License-Identifier: Apache-2.0
#include "fs/archive/tar_fields.h"

#include <algorithm>
#include <string>

#include "base/byte_view.h"

namespace ekshume::fs::archive {

bool IsZeroBlock(const TarHeader& header) {
  return std::ranges::all_of(AsBytes(header).AsText(), [](char c) { return c == '\0'; });
}

std::optional<Timestamp> ParsePaxTime(std::string_view text) {
  const size_t point = std::min(text.find('.'), text.size());
  const auto seconds = ParseDecimal<int64_t>(text.substr(0, point));
  if (!seconds) return std::nullopt;
  Timestamp time{.seconds = *seconds};
  if (point == text.size()) return time;
  std::string digits(text.substr(point + 1, 9));
  digits.resize(9, '0');
  const auto nanoseconds = ParseDecimal<uint32_t>(digits);
  if (!nanoseconds) return std::nullopt;
  time.nanoseconds = *nanoseconds;
  if (text.starts_with('-') && time.nanoseconds > 0) {
    if (time.seconds == INT64_MIN) return std::nullopt;
    --time.seconds;
    time.nanoseconds = 1000000000 - time.nanoseconds;
  }
  return time;
}

std::optional<size_t> ReadPaxRecords(
    std::string_view text,
    const std::function<void(std::string_view key, std::string_view value)>& visit) {
  const size_t all = text.size();
  while (!text.empty() && text.front() != '\0') {
    const size_t blank = text.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    const auto length = ParseDecimal<size_t>(text.substr(0, blank));
    if (!length || *length <= blank + 1 || *length > text.size()) return std::nullopt;
    const std::string_view record = text.substr(blank + 1, *length - blank - 1);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos || !record.ends_with('\n')) return std::nullopt;
    visit(record.substr(0, equals), record.substr(equals + 1, record.size() - equals - 2));
    text.remove_prefix(*length);
  }
  return all - text.size();
}

}  // namespace ekshume::fs::archive
