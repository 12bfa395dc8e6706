// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "casefile/json.h"
#include "casefile/report/document.h"

namespace ekshume::casefile::report {

// Draws an incident's graph in columns: addresses, actors, what they touched (pods, secrets,
// identities), nodes, files. Containers are drawn as their pods, findings not at all. The same
// graph gives the same picture. A column that is too long ends with how many more there are.
Drawing DrawGraph(const Json& graph);

}  // namespace ekshume::casefile::report
