// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/format.h"

namespace ekshume::runtime::docker {

// dockerd's data root, with the graph drivers overlay2, fuse-overlayfs and vfs or with the image
// store of containerd (Docker 29): a registry entry.
extern const Format kFormat;

// Reads the store at `root` (Format::read). With containerd's image store the layers stay empty:
// runtime/join.h takes them from containerd's namespace "moby".
Result<void> ReadStore(const Location& root, const NodeFilesystems& node, Inventory& inventory,
                       DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::docker
