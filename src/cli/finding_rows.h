// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "casefile/json.h"
#include "cli/program.h"

namespace ekshume::cli {

// kInvalidArgument when `level` is none.
Result<void> CheckLevel(const std::string& level);

// Prints the findings (a list, as casefile::ToJson makes them) of at least this level, in order.
Result<void> PrintFindings(Program& program, const casefile::Json& findings,
                           const std::string& level);

}  // namespace ekshume::cli
