// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "detect/story/incident.h"

namespace ekshume::detect::story {

// What to do now about an incident whose other parts are there. What can be lost comes first:
// preserve, acquire, contain, eradicate, recover. Containing destroys nothing that was not
// acquired.
std::vector<Step> MakeSteps(const Incident& incident);

}  // namespace ekshume::detect::story
