// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/format.h"

namespace ekshume::runtime::kubelet {

// The kubelet's root directory: a registry entry.
extern const Format kFormat;

// Reads the folders of pods (Format::read): each becomes a Pod with its uid, volumes, address and
// `recovered` set to "pod folder" (runtime/join.h clears it where a container names the pod).
// Containers that the inventory does not have yet and of which the folder still tells are added as
// recovered, with the id "<pod uid>/<name>".
Result<void> ReadStore(const Location& root, const NodeFilesystems& node, Inventory& inventory,
                       DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::kubelet
