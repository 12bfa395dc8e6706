// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/format.h"

namespace ekshume::runtime::kubelet {

// Reads /var/log/pods and /var/log/containers, wherever they lie: every directory of a pod becomes
// a Pod with `recovered` set to "log directory" (runtime/join.h merges it with the pod's other
// records). Containers that the inventory does not have are added as recovered: with their id where
// a link still tells it, else with the id "<pod uid>/<name>".
void ReadPodLogs(const NodeFilesystems& node, Inventory& inventory, DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::kubelet
