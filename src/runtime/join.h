// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/diagnostic.h"
#include "runtime/model.h"

// What only becomes known when the records of all stores lie side by side.
namespace ekshume::runtime {

// Makes one container of each that both Docker and containerd (namespace "moby") know: Docker's
// record wins; where Docker keeps its files in containerd's image store, the layers come from
// there. To be called after the runtimes' stores are read and before all others.
void JoinDockerWithContainerd(Inventory& inventory, DiagnosticSink& diagnostics);

// Makes one Pod of all records of a pod (sandboxes, containers, folder, logs), names each
// container's sandbox and pod, and sorts the whole inventory.
void JoinPods(Inventory& inventory);

// Sorts as model.h says; the same inventory comes out whatever the order of the stores was.
void SortInventory(Inventory& inventory);

}  // namespace ekshume::runtime
