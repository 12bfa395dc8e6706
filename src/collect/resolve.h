// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/result.h"

namespace ekshume::collect {

// An IPv4 or IPv6 address in network order.
struct Address {
  bool is_six = false;
  std::array<unsigned char, 16> bytes{};  // the first four of IPv4
};

// The addresses of a host: a number, a line of /etc/hosts, or an answer of the name servers of
// /etc/resolv.conf. Needs no shared library, unlike getaddrinfo(3) in a static program. IPv4 first.
Result<std::vector<Address>> Resolve(const std::string& host);

}  // namespace ekshume::collect
