// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace ekshume {
namespace {

// The length of the well-formed UTF-8 sequence at `position` and its code point; 0 when malformed
// (Unicode 15, table 3-7).
size_t DecodeUtf8(std::string_view text, size_t position, uint32_t& code_point) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[position + i]); };
  const size_t left = text.size() - position;
  const unsigned char first = byte(0);
  if (first < 0x80) {
    code_point = first;
    return 1;
  }
  size_t length = 0;
  uint32_t minimum = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
    minimum = 0x80;
    code_point = first & 0x1FU;
  } else if ((first & 0xF0U) == 0xE0) {
    length = 3;
    minimum = 0x800;
    code_point = first & 0x0FU;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    minimum = 0x10000;
    code_point = first & 0x07U;
  } else {
    return 0;
  }
  if (left < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
    code_point = (code_point << 6) | (byte(i) & 0x3FU);
  }
  if (code_point < minimum || code_point > 0x10FFFF) return 0;
  if (code_point >= 0xD800 && code_point <= 0xDFFF) return 0;
  return length;
}

// Characters that could change what a terminal shows elsewhere: C0, DEL, C1, bidirectional
// controls.
bool IsUnsafe(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x200E || c == 0x200F || c == 0x061C ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

// Printable ASCII but the quote and the backslash.
constexpr std::array<bool, 256> kPlainInJson = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x7F; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// These two look at many bytes at once: nearly every name is plain.
bool IsAscii(std::string_view bytes) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  uint64_t all = 0;
  uint64_t word = 0;
  size_t i = 0;
  for (; i + sizeof word <= bytes.size(); i += sizeof word) {
    std::memcpy(&word, bytes.data() + i, sizeof word);
    all |= word;
  }
  for (; i < bytes.size(); ++i) all |= static_cast<unsigned char>(bytes[i]);
  return (all & kHighBits) == 0;
}

bool IsPlainInJson(std::string_view bytes) {
  unsigned char special = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    special |= static_cast<unsigned char>(byte < 0x20);
    special |= static_cast<unsigned char>(byte > 0x7E);
    special |= static_cast<unsigned char>(byte == '"');
    special |= static_cast<unsigned char>(byte == '\\');
  }
  return special == 0;
}

}  // namespace

bool IsUtf8(std::string_view bytes) {
  if (IsAscii(bytes)) return true;
  for (size_t i = 0; i < bytes.size();) {
    uint32_t code_point = 0;
    const size_t length = DecodeUtf8(bytes, i, code_point);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string EscapeForTerminal(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size();) {
    uint32_t code_point = 0;
    const size_t length = DecodeUtf8(bytes, i, code_point);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[i]));
      ++i;
      continue;
    }
    if (code_point == '\\') {
      out += "\\\\";
    } else if (IsUnsafe(code_point)) {
      out += code_point < 0x80 ? fmt::format("\\x{:02x}", code_point)
                               : fmt::format("\\u{{{:04x}}}", code_point);
    } else {
      out.append(bytes.substr(i, length));
    }
    i += length;
  }
  return out;
}

void AppendJsonEscaped(std::string& out, std::string_view bytes) {
  if (IsPlainInJson(bytes)) {
    out.append(bytes);
    return;
  }
  for (size_t i = 0; i < bytes.size();) {
    // The plain stretch from here on goes out in one piece.
    size_t end = i;
    while (end < bytes.size() && kPlainInJson[static_cast<unsigned char>(bytes[end])]) ++end;
    if (end > i) {
      out.append(bytes, i, end - i);
      i = end;
      continue;
    }
    uint32_t code_point = 0;
    const size_t length = DecodeUtf8(bytes, i, code_point);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++i;
      continue;
    }
    switch (code_point) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        // Bidirectional and C1 controls are escaped too, so that JSON stays safe to look at.
        if (IsUnsafe(code_point)) {
          out += fmt::format("\\u{:04x}", code_point);
        } else {
          out.append(bytes.substr(i, length));
        }
    }
    i += length;
  }
}

std::string JsonString(std::string_view bytes) {
  std::string out = "\"";
  AppendJsonEscaped(out, bytes);
  out.push_back('"');
  return out;
}

std::string CsvField(std::string_view bytes) {
  std::string field;
  if (!bytes.empty() && std::string_view("=+-@\t\r").find(bytes[0]) != std::string_view::npos) {
    field.push_back('\'');
  }
  field.append(bytes);
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

std::vector<std::string_view> SplitNonEmpty(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  while (start <= text.size()) {
    const size_t end = std::min(text.find(separator, start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::string HumanBytes(unsigned long long bytes) {
  static constexpr std::array<std::string_view, 7> kUnits = {"B",   "KiB", "MiB", "GiB",
                                                             "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace ekshume
