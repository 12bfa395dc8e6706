// SPDX-License-Identifier: Apache-2.0
#include "log/container_words.h"

namespace ekshume::log {
namespace {

constexpr size_t kIdBytes = 64;

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool IsWordCharacter(char c) {
  return IsHex(c) || (c >= 'g' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool IsUid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

std::string_view FindContainerId(std::string_view text) {
  size_t begin = 0;
  while (begin + kIdBytes <= text.size()) {
    size_t end = begin;
    while (end < text.size() && IsHex(text[end])) ++end;
    const bool alone = (begin == 0 || !IsWordCharacter(text[begin - 1])) &&
                       (end == text.size() || !IsWordCharacter(text[end]));
    if (end - begin == kIdBytes && alone && !text.substr(0, begin).ends_with("sha256:")) {
      return text.substr(begin, kIdBytes);
    }
    begin = end + 1;
  }
  return {};
}

std::string_view Between(std::string_view text, std::string_view before, std::string_view after) {
  const size_t at = text.find(before);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + before.size());
  const size_t end = text.find(after);
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end);
}

}  // namespace ekshume::log
