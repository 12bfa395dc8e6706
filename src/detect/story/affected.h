// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "detect/story/incident.h"

namespace ekshume::detect::story {

// Fill in who acted, and what of it is affected: pods, containers and nodes, secrets and other
// credentials that were read, identities that were made or made stronger, what was left behind.
// All in order of time. `incident.acts` is there already.
void FindActors(const Case& input, const Group& group, Incident& incident);
void FindPlaces(const Case& input, const Group& group, Incident& incident);
void FindThings(const Case& input, const Group& group, Incident& incident);

}  // namespace ekshume::detect::story
