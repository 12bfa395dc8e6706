// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// Patterns with wildcards: `*` is any text, `?` any one character, and a backslash takes the
// meaning from the character behind it.
namespace ekshume::event {

// The pattern that fits `text` alone.
std::string PlainPattern(std::string_view text);

// True when nothing but `*` and `?` is in it.
bool IsOnlyWildcards(std::string_view pattern);

// What `pattern` is in SQL: LIKE's, with a backslash as ESCAPE.
std::string LikePattern(std::string_view pattern);

// The longest text without wildcards in `pattern`; whatever fits the pattern holds it.
std::string LongestText(std::string_view pattern);

// The regular expression (RE2) for `pattern`, whose wildcards fit the characters of `any` only
// (such as "[^ ]").
std::string RegexOfPattern(std::string_view pattern, std::string_view any);

// The regular expression (RE2) for exactly `text`.
std::string RegexOfText(std::string_view text);

// A pattern that is a text with a `*` before it, behind it, or both, which databases compare faster
// than others.
struct SimplePattern {
  bool is_simple = false;
  bool begins = false;  // the value begins with the text
  bool ends = false;    // the value ends with the text
  std::string text;
};
SimplePattern Simplify(std::string_view pattern);

}  // namespace ekshume::event
