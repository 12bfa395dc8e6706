// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace ekshume::casefile {

// The release that writes a record: the version of CMakeLists.txt.
inline constexpr std::string_view kVersion = EKSHUME_VERSION;

}  // namespace ekshume::casefile
