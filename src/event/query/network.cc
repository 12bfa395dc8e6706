// SPDX-License-Identifier: Apache-2.0
#include "event/query/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

namespace ekshume::event {
namespace {

// All of `text` as a number from 0 to `max`, without leading zeros.
std::optional<uint32_t> SmallNumber(std::string_view text, uint32_t max) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max ||
      (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  return value;
}

// One network, as the alternatives of its octet that the prefix cuts.
std::string PrefixRegex(uint32_t address, int bits) {
  std::string out;
  for (int octet = 0; octet < 4; ++octet) {
    if (octet > 0) out += "\\.";
    const int fixed = bits - octet * 8;  // of this octet's eight
    const uint32_t first = (address >> (24 - octet * 8)) & 0xFFU;
    if (fixed >= 8) {
      out += std::to_string(first);
    } else if (fixed <= 0) {
      out += "[0-9]{1,3}";
    } else {
      const uint32_t count = 1U << (8 - fixed);
      out += "(?:";
      for (uint32_t i = 0; i < count; ++i) out += fmt::format("{}{}", i == 0 ? "" : "|", first + i);
      out += ')';
    }
  }
  return out;
}

}  // namespace

std::optional<uint32_t> ParseIpv4(std::string_view text) {
  uint32_t address = 0;
  for (int octet = 0; octet < 4; ++octet) {
    const size_t dot = octet < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const auto value = SmallNumber(text.substr(0, dot), 255);
    if (!value) return std::nullopt;
    address = address << 8 | *value;
    text.remove_prefix(octet < 3 ? dot + 1 : dot);
  }
  return address;
}

bool LooksLikeNetwork(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  return text.find_first_not_of("0123456789abcdefABCDEF.:") == slash;
}

std::expected<std::string, std::string> NetworkRegex(std::string_view text) {
  const size_t slash = text.find('/');
  if (text.substr(0, slash).contains(':')) {
    return std::unexpected("networks of IPv6 addresses are not supported; write 2001:db8:*");
  }
  const auto address = ParseIpv4(text.substr(0, slash));
  const auto bits = SmallNumber(text.substr(slash + 1), 32);
  if (!address || !bits) return std::unexpected("a network looks like 10.0.0.0/8");
  const uint32_t mask = *bits == 0 ? 0 : ~uint32_t{0} << (32 - *bits);
  return PrefixRegex(*address & mask, static_cast<int>(*bits));
}

std::string AddressRangeRegex(uint32_t first, uint32_t last) {
  // The range as its largest aligned blocks, from the left: at most 62 of them.
  std::string out = "(?:";
  uint64_t at = first;
  while (at <= last) {
    const int aligned = at == 0 ? 32 : std::countr_zero(at);
    const int fitting = static_cast<int>(std::bit_width(uint64_t{last} - at + 1)) - 1;
    const int free_bits = std::min({aligned, fitting, 32});
    if (at != first) out += '|';
    out += PrefixRegex(static_cast<uint32_t>(at), 32 - free_bits);
    at += uint64_t{1} << free_bits;
  }
  return out + ')';
}

}  // namespace ekshume::event
