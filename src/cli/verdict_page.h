// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "casefile/json.h"

namespace ekshume::cli {

// The verdict of a report for people, as the top of `investigate`'s page: compromised, suspicious
// or nothing found, why, what of, what to do next, and what the evidence could not show. Reads the
// report's members `verdict`, `incidents`, `to_confirm`, `coverage` and `cannot_show`; "" when
// there is no verdict. `case_name` is how to name the case in further commands. Every name from
// evidence is escaped.
std::string VerdictPage(const casefile::Json& report, const std::string& case_name);

}  // namespace ekshume::cli
