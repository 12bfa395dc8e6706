// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "detect/story/incident.h"

namespace ekshume::detect::story {

// The graph of an incident: addresses, actors, identities, secrets, pods, containers, nodes, files
// and findings, and what connects them, each connection with its first time. When there are more
// than limits::kMaxGraphNodes, those named last are left out.
Graph MakeGraph(const Case& input, const Group& group, const Incident& incident);

}  // namespace ekshume::detect::story
