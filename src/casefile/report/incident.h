// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "casefile/json.h"
#include "casefile/report/document.h"

namespace ekshume::casefile::report {

// Adds what report.json says of one incident, the `number`th: what happened, who did it, what it
// touched and what to do now.
void AddIncident(const Json& incident, size_t number, Document& document);

}  // namespace ekshume::casefile::report
