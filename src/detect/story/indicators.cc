// SPDX-License-Identifier: Apache-2.0
#include "detect/story/indicators.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace ekshume::detect::story {
namespace {

constexpr size_t kMaxCommandBytes = 64 * 1024;  // searched
constexpr size_t kMaxIndicatorsOfItem = 100;
// The hash of the empty file, which everybody has.
constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::optional<std::array<uint8_t, 4>> ParseIpv4(std::string_view text) {
  std::array<uint8_t, 4> bytes{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) {
      if (at == end || *at != '.') return std::nullopt;
      ++at;
    }
    const auto [next, error] = std::from_chars(at, end, bytes[i]);
    if (error != std::errc() || next == at) return std::nullopt;
    at = next;
  }
  if (at != end) return std::nullopt;
  return bytes;
}

bool IsHostCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         c == '-' || c == '_';
}

// Servers of URLs, and bare addresses.
void FindServers(std::string_view text, std::set<std::string>& found) {
  text = text.substr(0, kMaxCommandBytes);
  size_t at = 0;
  while (at < text.size() && found.size() < kMaxIndicatorsOfItem) {
    if (!IsHostCharacter(text[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && IsHostCharacter(text[end])) ++end;
    std::string word(text.substr(at, end - at));
    while (!word.empty() && word.back() == '.') word.pop_back();
    const bool after_scheme = at >= 3 && text.substr(at - 3, 3) == "://";
    const bool is_address = ParseIpv4(word).has_value();
    if (is_address ? IsPublicAddress(word) : after_scheme && word.find('.') != std::string::npos) {
      found.insert("server " + word);
    }
    at = end;
  }
}

}  // namespace

bool IsPublicAddress(std::string_view text) {
  if (const auto bytes = ParseIpv4(text)) {
    const auto [a, b, c, d] = *bytes;
    if (a == 0 || a == 10 || a == 127 || a >= 224) return false;
    if (a == 100 && b >= 64 && b < 128) return false;  // RFC 6598, which EKS uses for pods
    if (a == 169 && b == 254) return false;
    if (a == 172 && b >= 16 && b < 32) return false;
    return !(a == 192 && b == 168);
  }
  if (text.find(':') == std::string_view::npos) return false;
  if (text == "::1" || text == "::") return false;
  const std::string_view head = text.substr(0, 2);
  return head != "fe" && head != "fc" && head != "fd" && head != "ff" && head != "FE" &&
         head != "FC" && head != "FD" && head != "FF";
}

std::set<std::string> IndicatorsOf(const Item& item) {
  std::set<std::string> found;
  for (const EventFacts* event : item.events) {
    if (found.size() >= kMaxIndicatorsOfItem) break;
    FindServers(event->command_line, found);
    if (IsPublicAddress(event->destination_ip)) found.insert("server " + event->destination_ip);
    if (!event->sha256.empty() && event->sha256 != kEmptySha256) {
      found.insert("file " + event->sha256);
    }
    if (event->source == "ssh" && !event->credential_id.empty()) {
      found.insert("key " + event->credential_id);
    }
  }
  return found;
}

}  // namespace ekshume::detect::story
