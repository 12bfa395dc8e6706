// SPDX-License-Identifier: Apache-2.0
#include "live/aws/config_file.h"

#include <algorithm>

#include "base/ascii.h"

namespace ekshume::live::aws {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// A comment ends a value only behind white space: secrets may hold # and ;.
std::string_view WithoutComment(std::string_view value) {
  for (size_t i = 1; i < value.size(); ++i) {
    const bool marks = value[i] == '#' || value[i] == ';';
    if (marks && (value[i - 1] == ' ' || value[i - 1] == '\t')) return value.substr(0, i);
  }
  return value;
}

// The section that a header means; null for those of no interest.
Section* SectionOf(std::string_view header, ConfigKind kind, SharedConfig& config) {
  const std::string_view name = Trim(header);
  if (kind == ConfigKind::kCredentials || name == "default") {
    return name.empty() ? nullptr : &config.profiles[std::string(name)];
  }
  const size_t space = name.find_first_of(" \t");
  if (space == std::string_view::npos) return nullptr;
  const std::string rest(Trim(name.substr(space)));
  if (rest.empty()) return nullptr;
  if (name.substr(0, space) == "profile") return &config.profiles[rest];
  if (name.substr(0, space) == "sso-session") return &config.sso_sessions[rest];
  return nullptr;
}

}  // namespace

std::string SharedConfig::Value(const std::string& profile, const std::string& name) const {
  const auto section = profiles.find(profile);
  if (section == profiles.end()) return "";
  const auto value = section->second.find(name);
  return value == section->second.end() ? "" : value->second;
}

void ReadSharedFile(std::string_view text, ConfigKind kind, SharedConfig& config) {
  Section* section = nullptr;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    const std::string_view trimmed = Trim(line);
    if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == ';') continue;
    if (trimmed.front() == '[') {
      const size_t end = trimmed.find(']');
      section = end == std::string_view::npos ? nullptr
                                              : SectionOf(trimmed.substr(1, end - 1), kind, config);
      continue;
    }
    const size_t equals = trimmed.find('=');
    const bool nested = line.front() == ' ' || line.front() == '\t';
    if (section == nullptr || equals == std::string_view::npos || nested) continue;
    const std::string name = AsciiLower(Trim(trimmed.substr(0, equals)));
    const std::string value(Trim(WithoutComment(trimmed.substr(equals + 1))));
    (*section)[name] = value;
  }
}

}  // namespace ekshume::live::aws
