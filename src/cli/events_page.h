// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "casefile/json.h"

namespace ekshume::cli {

// The report's member `events` for people: what each evidence item gave, how the counts add up, and
// how to look at the events. `case_name` is how to name the case in further commands.
std::string EventsPage(const casefile::Json& report, const std::string& case_name);

}  // namespace ekshume::cli
