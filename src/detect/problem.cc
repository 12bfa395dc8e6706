// SPDX-License-Identifier: Apache-2.0
#include "detect/problem.h"

#include <fmt/format.h>

namespace ekshume::detect {

std::string Problem::Where() const { return line == 0 ? file : fmt::format("{}:{}", file, line); }

}  // namespace ekshume::detect
