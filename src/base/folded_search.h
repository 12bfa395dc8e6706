// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace ekshume {

// Whether `small`, an ASCII text in small letters, is somewhere in `text`, whose ASCII letters
// count in either case. Other bytes have to be the same. Any thread.
bool ContainsFolded(std::string_view text, std::string_view small);

}  // namespace ekshume
