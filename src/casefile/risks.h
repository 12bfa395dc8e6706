// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "runtime/model.h"

namespace ekshume::casefile {

// By what a container can reach its host, each a short phrase ("privileged", "host process
// namespace", "capability SYS_ADMIN", "host mount /"). Sorted as a reader needs them: the gravest
// first. Empty for ordinary containers.
std::vector<std::string> HostAccess(const runtime::Container& container);

}  // namespace ekshume::casefile
