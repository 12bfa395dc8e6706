// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "casefile/json.h"

namespace ekshume::cli {

// The report of an investigation as a page for a responder: what to look at first, then node,
// pods and containers, host, and what the evidence cannot show. `case_name` is how to name the case
// in further commands. Every name from evidence is escaped.
std::string ReportPage(const casefile::Json& report, const std::string& case_name);

}  // namespace ekshume::cli
