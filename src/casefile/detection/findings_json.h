// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "casefile/json.h"
#include "detect/finding.h"

namespace ekshume::casefile {

// A finding as report.json has it (docs/detect.md).
Json ToJson(const detect::Finding& finding);

// As a list.
Json FindingsJson(const std::vector<detect::Finding>& findings);

}  // namespace ekshume::casefile
