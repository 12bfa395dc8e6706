// SPDX-License-Identifier: Apache-2.0
#include "detect/indicator/value.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/ascii.h"

namespace ekshume::detect::indicator {
namespace {

constexpr uint8_t kIpv4Bits = 96;  // of ::ffff:0:0/96

// Endings that programs and scripts have more often than domains do, though some are countries.
constexpr std::array<std::string_view, 40> kFileEndings = {
    "sh",   "py",  "pl",  "so",   "ko",      "elf",  "bin",  "exe",  "dll",   "php",
    "jsp",  "js",  "yml", "yaml", "service", "conf", "cfg",  "log",  "txt",   "ps1",
    "json", "xml", "jar", "war",  "class",   "rb",   "lua",  "go",   "rs",    "tar",
    "gz",   "tgz", "xz",  "bz2",  "deb",     "rpm",  "html", "aspx", "timer", "out"};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsHash(std::string_view text) {
  return (text.size() == 32 || text.size() == 40 || text.size() == 64) &&
         std::ranges::all_of(text, IsHexDigit);
}

// Labels of letters, digits, hyphens and underscores; the last one begins with a letter.
bool IsDomain(std::string_view text) {
  if (text.empty() || text.size() > 253 || text.find('.') == std::string_view::npos) return false;
  size_t label = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || text[i] == '.') {
      if (i == label || i - label > 63 || text[label] == '-' || text[i - 1] == '-') return false;
      label = i + 1;
    } else if (!IsLetter(text[i]) && !IsDigit(text[i]) && text[i] != '-' && text[i] != '_') {
      return false;
    }
  }
  const std::string_view last = text.substr(text.rfind('.') + 1);
  return last.size() >= 2 && IsLetter(last.front());
}

// host:443 -> host
std::string_view WithoutPort(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon != text.rfind(':')) return text;
  const std::string_view port = text.substr(colon + 1);
  const bool is_port = !port.empty() && port.size() <= 5 && std::ranges::all_of(port, IsDigit);
  return is_port ? text.substr(0, colon) : text;
}

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

Result<std::string> NormalAddress(std::string_view text) {
  if (text.starts_with('[') && text.find(']') != std::string_view::npos) {
    text = text.substr(1, text.find(']') - 1);
  }
  std::optional<Network> network = ParseNetwork(text);
  if (!network) network = ParseNetwork(WithoutPort(text));
  if (!network) return Fail(ErrorCode::kInvalidArgument, "is no address");
  const bool is_ipv4 = network->bytes[10] == 0xff && network->prefix_bits >= kIpv4Bits &&
                       std::ranges::all_of(network->bytes.begin(), network->bytes.begin() + 10,
                                           [](uint8_t byte) { return byte == 0; });
  const uint8_t own_bits = is_ipv4 ? network->prefix_bits - kIpv4Bits : network->prefix_bits;
  const bool is_unspecified =
      std::ranges::all_of(network->bytes.begin() + (is_ipv4 ? 12 : 0), network->bytes.end(),
                          [](uint8_t byte) { return byte == 0; });
  const Network loopback = *ParseNetwork("::1");
  if ((is_ipv4 && network->bytes[12] == 127) || network->bytes == loopback.bytes ||
      is_unspecified || own_bits < 8) {
    return Fail(ErrorCode::kInvalidArgument, "would be found everywhere");
  }
  // The bytes themselves are the key.
  std::string key;
  for (const uint8_t byte : network->bytes) key.push_back(static_cast<char>(byte));
  key.push_back(static_cast<char>(network->prefix_bits));
  return key;
}

Result<std::string> NormalUrl(std::string text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string::npos || scheme == 0 || scheme + 4 > text.size()) {
    return Fail(ErrorCode::kInvalidArgument, "is no URL");
  }
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' || c < 0; })) {
    return Fail(ErrorCode::kInvalidArgument, "is no URL: it holds a blank");
  }
  while (text.ends_with('/') && text.size() > scheme + 4) text.pop_back();
  return text;
}

}  // namespace

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kHash: return "hash";
    case Kind::kName: return "file name";
    case Kind::kPath: return "path";
    case Kind::kAddress: return "address";
    case Kind::kDomain: return "domain";
    case Kind::kUrl: return "url";
  }
  return "";
}

std::optional<Kind> KindOfWord(std::string_view word) {
  std::string plain;
  for (const char c : word) {
    if (IsLetter(c) || IsDigit(c)) plain.push_back(AsciiLower(c));
  }
  static constexpr std::array<std::pair<std::string_view, Kind>, 46> kWords = {{
      {"md5", Kind::kHash},
      {"sha1", Kind::kHash},
      {"sha256", Kind::kHash},
      {"hash", Kind::kHash},
      {"md5hash", Kind::kHash},
      {"sha1hash", Kind::kHash},
      {"sha256hash", Kind::kHash},
      {"filehash", Kind::kHash},
      {"hashes", Kind::kHash},
      {"filehashmd5", Kind::kHash},
      {"filehashsha1", Kind::kHash},
      {"filehashsha256", Kind::kHash},
      {"hashmd5", Kind::kHash},
      {"hashsha1", Kind::kHash},
      {"hashsha256", Kind::kHash},
      {"filename", Kind::kName},
      {"file", Kind::kName},
      {"name", Kind::kName},
      {"path", Kind::kPath},
      {"filepath", Kind::kPath},
      {"fullpath", Kind::kPath},
      {"ip", Kind::kAddress},
      {"ipv4", Kind::kAddress},
      {"ipv6", Kind::kAddress},
      {"ipsrc", Kind::kAddress},
      {"ipdst", Kind::kAddress},
      {"ipaddress", Kind::kAddress},
      {"address", Kind::kAddress},
      {"srcip", Kind::kAddress},
      {"dstip", Kind::kAddress},
      {"dstipaddress", Kind::kAddress},
      {"cidr", Kind::kAddress},
      {"network", Kind::kAddress},
      {"ipv4addr", Kind::kAddress},
      {"ipv6addr", Kind::kAddress},
      {"ipport", Kind::kAddress},
      {"domain", Kind::kDomain},
      {"domainname", Kind::kDomain},
      {"hostname", Kind::kDomain},
      {"host", Kind::kDomain},
      {"fqdn", Kind::kDomain},
      {"url", Kind::kUrl},
      {"uri", Kind::kUrl},
      {"maliciousurl", Kind::kUrl},
      {"ips", Kind::kAddress},
      {"domains", Kind::kDomain},
  }};
  for (const auto& [name, kind] : kWords) {
    if (plain == name) return kind;
  }
  return std::nullopt;
}

std::optional<Network> ParseIpv4(std::string_view text) {
  Network network;
  network.bytes[10] = network.bytes[11] = 0xff;
  size_t at = 0;
  for (size_t octet = 0; octet < 4; ++octet) {
    if (octet > 0) {
      if (at >= text.size() || text[at] != '.') return std::nullopt;
      ++at;
    }
    const size_t begin = at;
    unsigned value = 0;
    while (at < text.size() && IsDigit(text[at]) && at - begin < 3) {
      value = value * 10 + static_cast<unsigned>(text[at] - '0');
      ++at;
    }
    if (at == begin || value > 255 || (at - begin > 1 && text[begin] == '0')) return std::nullopt;
    network.bytes[12 + octet] = static_cast<uint8_t>(value);
  }
  if (at != text.size()) return std::nullopt;
  return network;
}

Network Masked(const Network& address, uint8_t prefix_bits) {
  Network network = address;
  network.prefix_bits = prefix_bits;
  for (size_t i = 0; i < network.bytes.size(); ++i) {
    const size_t first_bit = i * 8;
    if (first_bit >= prefix_bits) {
      network.bytes[i] = 0;
    } else if (prefix_bits - first_bit < 8) {
      network.bytes[i] &= static_cast<uint8_t>(0xff00U >> (prefix_bits - first_bit));
    }
  }
  return network;
}

std::optional<Network> ParseNetwork(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  std::optional<Network> network = ParseIpv4(address);
  const bool is_ipv4 = network.has_value();
  if (!is_ipv4) {
    if (address.size() < 2 || address.size() > 45) return std::nullopt;
    Network six;
    if (inet_pton(AF_INET6, std::string(address).c_str(), six.bytes.data()) != 1) {
      return std::nullopt;
    }
    network = six;
  }
  if (slash == std::string_view::npos) return network;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.size() > 3 ||
      bits > (is_ipv4 ? 32U : 128U)) {
    return std::nullopt;
  }
  return Masked(*network, static_cast<uint8_t>(is_ipv4 ? bits + kIpv4Bits : bits));
}

std::string Refang(std::string_view value) {
  std::string text(Trimmed(value));
  for (const std::string_view dot : {"[.]", "(.)", "{.}", "[.", ".]", "[dot]", "(dot)", "\\."}) {
    ReplaceAll(text, dot, ".");
  }
  ReplaceAll(text, "[://]", "://");
  ReplaceAll(text, "[:]", ":");
  ReplaceAll(text, "[/]", "/");
  const std::string lower = AsciiLower(text.substr(0, 8));
  for (const auto& [from, to] : {std::pair<std::string_view, std::string_view>{"hxxp", "http"},
                                 {"h**p", "http"},
                                 {"fxp", "ftp"}}) {
    if (lower.starts_with(from)) text.replace(0, from.size(), to);
  }
  return text;
}

Result<std::string> Normalize(Kind kind, std::string_view value) {
  std::string text =
      kind == Kind::kName || kind == Kind::kPath ? std::string(Trimmed(value)) : Refang(value);
  if (kind != Kind::kAddress) text = AsciiLower(text);
  switch (kind) {
    case Kind::kHash:
      if (!IsHash(text)) return Fail(ErrorCode::kInvalidArgument, "is no MD5, SHA-1 or SHA-256");
      // Those of no bytes at all are in every second list by mistake.
      if (text == "d41d8cd98f00b204e9800998ecf8427e" ||
          text == "da39a3ee5e6b4b0d3255bfef95601890afd80709" ||
          text == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") {
        return Fail(ErrorCode::kInvalidArgument, "is the hash of an empty file");
      }
      return text;
    case Kind::kName: {
      const size_t letters = static_cast<size_t>(
          std::ranges::count_if(text, [](char c) { return IsLetter(c) || IsDigit(c) || c < 0; }));
      if (letters < 2) return Fail(ErrorCode::kInvalidArgument, "would be found everywhere");
      if (text.size() > 255 || text.find('/') != std::string::npos) {
        return Fail(ErrorCode::kInvalidArgument, "is no file name");
      }
      return text;
    }
    case Kind::kPath:
      while (text.ends_with('/') && text.size() > 1) text.pop_back();
      if (text.size() < 3 || text.size() > 4096) {
        return Fail(ErrorCode::kInvalidArgument, "is no path of a file");
      }
      return text;
    case Kind::kAddress: return NormalAddress(text);
    case Kind::kDomain: {
      std::string_view domain = WithoutPort(text);
      if (domain.starts_with("*.")) domain.remove_prefix(2);
      while (domain.starts_with('.')) domain.remove_prefix(1);
      if (domain.ends_with('.')) domain.remove_suffix(1);
      if (!IsDomain(domain)) return Fail(ErrorCode::kInvalidArgument, "is no domain");
      return std::string(domain);
    }
    case Kind::kUrl: return NormalUrl(std::move(text));
  }
  return Fail(ErrorCode::kInvalidArgument, "is of no kind");
}

std::optional<Kind> GuessKind(std::string_view value) {
  const std::string text = Refang(value);
  if (text.empty()) return std::nullopt;
  if (IsHash(text)) return Kind::kHash;
  if (text.find("://") != std::string::npos) return Kind::kUrl;
  if (ParseNetwork(text) || ParseNetwork(WithoutPort(text))) return Kind::kAddress;
  const bool is_windows = text.size() > 3 && IsLetter(text[0]) && text[1] == ':' && text[2] == '\\';
  if (text.front() == '/' || is_windows) return Kind::kPath;
  const auto fits_name = [](char c) {
    return IsLetter(c) || IsDigit(c) || c < 0 || std::string_view("._-+@~%{}()").contains(c);
  };
  std::string_view domain = WithoutPort(text);
  if (domain.starts_with("*.")) domain.remove_prefix(2);
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (IsDomain(domain)) {
    const bool is_single = domain.find('.') == domain.rfind('.');
    const std::string ending = AsciiLower(domain.substr(domain.rfind('.') + 1));
    const bool is_file = is_single && std::ranges::find(kFileEndings, ending) != kFileEndings.end();
    return is_file ? Kind::kName : Kind::kDomain;
  }
  if (std::ranges::all_of(text, fits_name)) return Kind::kName;
  return std::nullopt;
}

bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace ekshume::detect::indicator
