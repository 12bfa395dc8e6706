// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/format.h"

namespace ekshume::runtime::kubelet {

// Reads the manifests of static pods (/etc/kubernetes/manifests or where the kubelet's
// configuration says). Each marks the pod that runs it (named "<name>-<node name>") as static and
// tells its service account and namespaces; one that no pod runs becomes a Pod of its own, without
// uid. To be called when the inventory's pods are joined and the node's name is known.
void ReadStaticPods(const NodeFilesystems& node, Inventory& inventory, DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::kubelet
