// SPDX-License-Identifier: Apache-2.0
#include "log/carrier/text_prefix.h"

#include <algorithm>

#include "base/ascii.h"

namespace ekshume::log {
namespace {

constexpr size_t kExportLength = 24;  // 2021-07-10T20:27:23.000Z
constexpr size_t kTailLength = 32;    // 2021-07-10T20:27:23.782000+00:00

// `aws logs tail` prints stream names as they are; the ones of services have these forms. Anything
// else could be the host name of a syslog line.
bool LooksLikeStream(std::string_view name) {
  return name.starts_with("kube-") || name.starts_with("authenticator-") ||
         name.starts_with("cloud-controller-manager-") || name.starts_with("eni-") ||
         name.contains('/') || name.contains('[');
}

}  // namespace

std::optional<TextPrefix> ParseTextPrefix(std::string_view line) {
  if (line.size() <= kExportLength || !IsDigit(line[0]) || line[4] != '-' || line[10] != 'T' ||
      line[19] != '.') {
    return std::nullopt;
  }
  if (line[kExportLength - 1] == 'Z' && line[kExportLength] == ' ') {
    const std::optional<Timestamp> time = ParseTimestamp(line.substr(0, kExportLength));
    if (!time) return std::nullopt;
    return TextPrefix{*time, {}, line.substr(kExportLength + 1)};
  }
  if (line.size() > kTailLength && line.substr(26, 6) == "+00:00" && line[kTailLength] == ' ') {
    const std::optional<Timestamp> time = ParseTimestamp(line.substr(0, kTailLength));
    const std::string_view rest = line.substr(kTailLength + 1);
    const size_t space = rest.find(' ');
    if (!time || space == std::string_view::npos || !LooksLikeStream(rest.substr(0, space))) {
      return std::nullopt;
    }
    return TextPrefix{*time, rest.substr(0, space), rest.substr(space + 1)};
  }
  return std::nullopt;
}

bool IsInsightsHeader(std::string_view line) {
  if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  bool message = false;
  bool any_other = false;
  while (!line.empty()) {
    const size_t comma = std::min(line.find(','), line.size());
    std::string_view column = line.substr(0, comma);
    if (column.size() >= 2 && column.front() == '"' && column.back() == '"') {
      column = column.substr(1, column.size() - 2);
    }
    if (column == "@message") {
      message = true;
    } else if (!column.starts_with('@')) {
      any_other = true;
    }
    line.remove_prefix(std::min(comma + 1, line.size()));
  }
  return message && !any_other;
}

}  // namespace ekshume::log
