// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

// Hexadecimal digits in either case. base/hash.h writes them (ToHex).
namespace ekshume {

// The value of a digit, -1 for other characters.
constexpr int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The bytes that pairs of digits name; nothing for any other text.
std::optional<std::string> FromHex(std::string_view text);

// What application/x-www-form-urlencoded made of a text (URL Standard, "percent-decode"; '+' is a
// space). A '%' that begins no escape stays.
std::string DecodeForm(std::string_view text);

}  // namespace ekshume
