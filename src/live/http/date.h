// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace ekshume::live::http {

// "Tue, 24 Nov 2026 21:39:08 GMT" (RFC 9110, IMF-fixdate): a header Date. Whatever the locale.
std::optional<Timestamp> ParseHttpDate(std::string_view text);

}  // namespace ekshume::live::http
