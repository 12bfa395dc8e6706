// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace ekshume::live::wire {

// Percent-encoding of RFC 3986 as AWS and Kubernetes read it: all but letters, digits, '-', '_',
// '.', '~', in upper case. `keep_slash` leaves '/' as it is (paths).
std::string UriEncode(std::string_view text, bool keep_slash = false);

}  // namespace ekshume::live::wire
