// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "detect/story/item.h"

namespace ekshume::detect::story {

// True for an IPv4 or IPv6 address that is not private, of this host, or of this link. False for
// what is no address.
bool IsPublicAddress(std::string_view text);

// What few have in common, as far as the events of a finding name it: public addresses and servers
// of URLs in command lines, destinations, hashes of files, fingerprints of SSH keys.
std::set<std::string> IndicatorsOf(const Item& item);

}  // namespace ekshume::detect::story
