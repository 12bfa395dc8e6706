// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

// Parts of the names of acquired files and folders, and of commands.
namespace ekshume::live {

// 20261124T210000Z
std::string NameOf(Timestamp time);
// What people call it (a pod, a log group, a stream): characters that are no plain ones become '-',
// but for those at the beginning, which are left out. At most 150 bytes; "unnamed" when nothing is
// left.
std::string NameOf(std::string_view text);

// Text as one word for sh.
std::string ShellQuote(std::string_view text);

}  // namespace ekshume::live
