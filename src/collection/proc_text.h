// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

// Texts of /proc, whoever reads them: proc(5). Views into what is passed.
namespace ekshume::collection {

// Fields between spaces and tabs.
std::vector<std::string_view> Fields(std::string_view line);
// The value of "Key:\tvalue" in /proc/PID/status; "" without one.
std::string_view StatusValue(std::string_view status, std::string_view key);
// Strings that each end with a NUL; the last one may lack it.
std::vector<std::string> NulSeparated(std::string_view text);

}  // namespace ekshume::collection
