// SPDX-License-Identifier: Apache-2.0
#include "log/fields.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace ekshume::log {
namespace {

constexpr size_t kMaxTagValueBytes = 512;  // longer than any ARN
constexpr std::string_view kServiceAccountPrefix = "system:serviceaccount:";

}  // namespace

void AddTag(event::Event& event, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  std::string& tags = event[event::Text::kTags];
  if (!tags.empty()) tags += ' ';
  tags += name;
  tags += '=';
  for (const char c : value.substr(0, kMaxTagValueBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    tags += byte <= 0x20 || byte == 0x7f ? '_' : c;
  }
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Timestamp> ParseEpochSeconds(std::string_view text) {
  const size_t point = text.find('.');
  const std::optional<int64_t> seconds = ParseInteger(text.substr(0, point));
  if (!seconds || *seconds < 0) return std::nullopt;
  Timestamp time{*seconds, 0};
  if (point == std::string_view::npos) return time;
  uint32_t scale = 100000000;
  for (const char c : text.substr(point + 1)) {
    if (!IsDigit(c)) return std::nullopt;
    time.nanoseconds += scale * static_cast<uint32_t>(c - '0');
    scale /= 10;
  }
  return time;
}

std::string ServiceAccountOf(std::string_view user_name) {
  if (!user_name.starts_with(kServiceAccountPrefix)) return {};
  std::string account(user_name.substr(kServiceAccountPrefix.size()));
  const size_t colon = account.find(':');
  if (colon == std::string::npos) return {};
  account[colon] = '/';
  return account;
}

std::string_view TakeWord(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return word;
}

std::string_view AfterLast(std::string_view text, char separator) {
  const size_t at = text.rfind(separator);
  return at == std::string_view::npos ? text : text.substr(at + 1);
}

void AppendArgument(std::string& command_line, std::string_view argument) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!command_line.empty()) command_line += ' ';
  if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string_view::npos) {
    command_line += argument;
    return;
  }
  command_line += '\'';
  for (const char c : argument) {
    if (c == '\'') {
      command_line += "'\\''";
    } else {
      command_line += c;
    }
  }
  command_line += '\'';
}

}  // namespace ekshume::log
