// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "casefile/live_evidence.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// The containers that live evidence tells of and the node's stores do not: of a checkpoint with the
// files that it changed. They are added to the inventory, as are their pods.
void AddLiveContainers(const std::vector<std::unique_ptr<LiveEvidence>>& live,
                       runtime::Inventory& inventory);

}  // namespace ekshume::casefile
