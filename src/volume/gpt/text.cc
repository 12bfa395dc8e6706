// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/hash.h"
#include "volume/gpt/reader.h"

namespace ekshume::volume::gpt {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;

bool IsHighSurrogate(uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool IsLowSurrogate(uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

void AppendUtf8(std::string& out, uint32_t c) {
  const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

}  // namespace

std::string GuidText(const Guid& guid) {
  const std::string rest = ToHex(AsBytes(guid.rest));
  return fmt::format("{:08x}-{:04x}-{:04x}-{}-{}", guid.time_low.value(), guid.time_mid.value(),
                     guid.time_high_and_version.value(), rest.substr(0, 4), rest.substr(4));
}

std::string NameText(const std::array<le16, 36>& name) {
  std::string text;
  for (size_t i = 0; i < name.size(); ++i) {
    uint32_t c = name[i].value();
    if (c == 0) break;
    if (IsHighSurrogate(c) && i + 1 < name.size() && IsLowSurrogate(name[i + 1].value())) {
      c = 0x10000 + ((c - 0xD800) << 10) + (name[++i].value() - 0xDC00U);
    } else if (IsHighSurrogate(c) || IsLowSurrogate(c)) {
      c = kReplacement;
    }
    AppendUtf8(text, c);
  }
  return text;
}

}  // namespace ekshume::volume::gpt
