// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace ekshume::log {

// "NetworkPolicy" -> "networkpolicies": the name of the resource that audit events have for a kind.
std::string ResourceOf(std::string_view kind);

}  // namespace ekshume::log
