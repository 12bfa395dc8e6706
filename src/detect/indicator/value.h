// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

// Single values of lists of indicators of compromise.
namespace ekshume::detect::indicator {

enum class Kind : uint8_t {
  kHash,     // MD5, SHA-1 or SHA-256
  kName,     // of a file, without a folder
  kPath,     // absolute
  kAddress,  // IPv4 or IPv6, or a network in CIDR notation
  kDomain,   // and its subdomains
  kUrl,
};
std::string_view KindName(Kind kind);  // "hash" "file name" "path" "address" "domain" "url"

// The kind that a list's own word means (a CSV column's name, MISP's type), whatever its spelling:
// "SHA-256", "ip-dst", "file_name". None for other words.
std::optional<Kind> KindOfWord(std::string_view word);

// An IP network; of IPv4 as ::ffff:a.b.c.d with the prefix counted from there (96 to 128).
struct Network {
  std::array<uint8_t, 16> bytes{};
  uint8_t prefix_bits = 128;

  friend bool operator==(const Network&, const Network&) = default;
};
// An address, or a network with its host bits cleared; none for anything else. No leading zeros.
std::optional<Network> ParseNetwork(std::string_view text);
std::optional<Network> ParseIpv4(std::string_view text);
// The network of that many bits around an address.
Network Masked(const Network& address, uint8_t prefix_bits);

// Undoes what people do to values so that nobody clicks on them: hxxp, [.], (dot), [://].
std::string Refang(std::string_view text);

// The form in which values are compared: refanged, lower case, without a port, a final dot or
// slash, "*." or "www"-less; kInvalidArgument with the reason when the value is of another kind, or
// would be found everywhere (127.0.0.1, a network of everything, a name of one character).
Result<std::string> Normalize(Kind kind, std::string_view value);

// What a value without a kind is, refanged; none when it could be anything. A name like `x.sh`,
// which might be a domain too, is taken for a file when its ending is one that programs have.
std::optional<Kind> GuessKind(std::string_view value);

bool IsHexDigit(char c);
std::string_view Trimmed(std::string_view text);  // without blanks at both ends

}  // namespace ekshume::detect::indicator
