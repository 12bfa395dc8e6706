// SPDX-License-Identifier: Apache-2.0
#include "live/acquire/names.h"

#include <algorithm>

#include "base/ascii.h"

namespace ekshume::live {

std::string NameOf(Timestamp time) {
  std::string text = FormatTimestamp(time).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}

std::string NameOf(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 150)) {
    const char lower = AsciiLower(c);
    const bool plain = IsDigit(c) || (lower >= 'a' && lower <= 'z') || c == '_' || c == '.';
    if (plain) {
      out += c;
    } else if (!out.empty()) {
      out += '-';
    }
  }
  return out.empty() ? "unnamed" : out;
}

std::string ShellQuote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace ekshume::live
