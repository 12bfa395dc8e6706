// SPDX-License-Identifier: Apache-2.0
#include "event/query/pattern.h"

#include <algorithm>

namespace ekshume::event {
namespace {

// Calls `wildcard(c)` and `plain(c)` for each character of the pattern, in order.
void Walk(std::string_view pattern, auto wildcard, auto plain) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      plain(pattern[++i]);
    } else if (pattern[i] == '*' || pattern[i] == '?') {
      wildcard(pattern[i]);
    } else {
      plain(pattern[i]);
    }
  }
}

void AppendRegexCharacter(std::string& out, char c) {
  constexpr std::string_view kSpecial = R"(\^$.|?*+()[]{}-)";
  if (kSpecial.contains(c)) out += '\\';
  out += c;
}

}  // namespace

std::string PlainPattern(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '*' || c == '?') out += '\\';
    out += c;
  }
  return out;
}

bool IsOnlyWildcards(std::string_view pattern) {
  return std::ranges::all_of(pattern, [](char c) { return c == '*' || c == '?'; });
}

std::string LikePattern(std::string_view pattern) {
  std::string out;
  Walk(
      pattern, [&](char c) { out += c == '*' ? '%' : '_'; },
      [&](char c) {
        if (c == '%' || c == '_' || c == '\\') out += '\\';
        out += c;
      });
  return out;
}

std::string LongestText(std::string_view pattern) {
  std::string longest;
  std::string text;
  Walk(
      pattern, [&](char) { text.clear(); },
      [&](char c) {
        text += c;
        if (text.size() > longest.size()) longest = text;
      });
  return longest;
}

std::string RegexOfPattern(std::string_view pattern, std::string_view any) {
  std::string out;
  Walk(
      pattern,
      [&](char c) {
        out += any;
        if (c == '*') out += '*';
      },
      [&](char c) { AppendRegexCharacter(out, c); });
  return out;
}

std::string RegexOfText(std::string_view text) {
  std::string out;
  for (const char c : text) AppendRegexCharacter(out, c);
  return out;
}

SimplePattern Simplify(std::string_view pattern) {
  SimplePattern simple;
  simple.begins = !pattern.starts_with('*');
  while (pattern.starts_with('*')) pattern.remove_prefix(1);
  bool wildcard_inside = false;
  bool wildcard_last = false;
  Walk(
      pattern,
      [&](char c) {
        if (c == '?') wildcard_inside = true;
        wildcard_last = true;
      },
      [&](char c) {
        if (wildcard_last) wildcard_inside = true;
        simple.text += c;
      });
  simple.ends = !wildcard_last;
  simple.is_simple = !wildcard_inside && !simple.text.empty();
  return simple;
}

}  // namespace ekshume::event
