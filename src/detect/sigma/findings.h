// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "detect/findings.h"
#include "detect/sigma/rule.h"

namespace ekshume::detect::sigma {

// Gives the events of one match of a rule or correlation to `findings`.
void AddMatch(Findings& findings, const Head& rule, const std::vector<EventRef>& events);

}  // namespace ekshume::detect::sigma
