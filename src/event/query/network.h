// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace ekshume::event {

// 10.1.2.3
std::optional<uint32_t> ParseIpv4(std::string_view text);

// True for an address with a slash behind it: 10.0.0.0/8, fd00::/8.
bool LooksLikeNetwork(std::string_view text);

// The regular expression (RE2) that fits all of an address of the network 10.0.0.0/8; otherwise a
// sentence for the user. IPv6 networks are refused.
std::expected<std::string, std::string> NetworkRegex(std::string_view text);

// The one for the addresses from `first` to `last`, which is not smaller.
std::string AddressRangeRegex(uint32_t first, uint32_t last);

}  // namespace ekshume::event
