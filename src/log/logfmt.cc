// SPDX-License-Identifier: Apache-2.0
#include "log/logfmt.h"

#include <algorithm>
#include <cstdint>

#include "base/hex.h"

namespace ekshume::log {
namespace {

void AppendUtf8(std::string& out, uint32_t point) {
  if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) point = 0xfffd;
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | point >> 18);
    out += static_cast<char>(0x80 | (point >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  }
}

// Appends what the escape after a backslash stands for and returns its length. An escape that Go
// does not write stays as it is.
size_t AppendEscape(std::string_view text, std::string& out) {
  const char c = text.front();
  const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits > 0) {
    uint32_t number = 0;
    bool good = text.size() > digits;
    for (size_t i = 1; good && i <= digits; ++i) {
      good = HexDigit(text[i]) >= 0;
      if (good) number = number << 4 | static_cast<uint32_t>(HexDigit(text[i]));
    }
    if (good && c == 'x') {
      out += static_cast<char>(number);
    } else if (good) {
      AppendUtf8(out, number);
    }
    if (good) return digits + 1;
  }
  switch (c) {
    case 'a': out += '\a'; break;
    case 'b': out += '\b'; break;
    case 'f': out += '\f'; break;
    case 'n': out += '\n'; break;
    case 'r': out += '\r'; break;
    case 't': out += '\t'; break;
    case 'v': out += '\v'; break;
    case '"':
    case '\\': out += c; break;
    default: out += '\\'; out += c;
  }
  return 1;
}

}  // namespace

bool TakeGoString(std::string_view& text, std::string_view& value, std::string& buffer) {
  if (!text.starts_with('"')) return false;
  size_t end = 1;
  bool escapes = false;
  while (end < text.size() && text[end] != '"') {
    escapes = escapes || text[end] == '\\';
    end += text[end] == '\\' ? 2 : 1;
  }
  if (end >= text.size()) return false;
  const std::string_view inside = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  value = inside;
  if (!escapes) return true;
  buffer.clear();
  for (size_t i = 0; i < inside.size();) {
    if (inside[i] != '\\') {
      buffer += inside[i++];
    } else {
      i += 1 + AppendEscape(inside.substr(i + 1), buffer);  // a character follows: see above
    }
  }
  value = buffer;
  return true;
}

bool TakeField(std::string_view& line, std::string_view& key, std::string_view& value,
               std::string& buffer, bool& broken) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t\r\n"), line.size()));
  if (line.empty()) return false;
  const size_t end = std::min(line.find_first_of("= \t\r\n\""), line.size());
  if (end == 0 || (end < line.size() && line[end] == '"')) {
    broken = true;
    return false;
  }
  key = line.substr(0, end);
  value = {};
  if (end == line.size() || line[end] != '=') {
    line.remove_prefix(end);
    return true;
  }
  std::string_view rest = line.substr(end + 1);
  if (rest.starts_with('"')) {
    if (!TakeGoString(rest, value, buffer)) {
      broken = true;
      return false;
    }
  } else {
    value = rest.substr(0, rest.find_first_of(" \t\r\n"));
    rest.remove_prefix(value.size());
  }
  line = rest;
  return true;
}

}  // namespace ekshume::log
