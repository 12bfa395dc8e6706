// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/format.h"

namespace ekshume::runtime::containerd {

// containerd's root directory, versions 1.6 to 2.x, with any of its namespaces and snapshotters:
// a registry entry.
extern const Format kFormat;

// Reads the store at `store` (Format::read). Also adds as recovered what only a part of the store
// still tells of: records on stale pages of meta.db, folders of the CRI plugin, writable snapshots
// that no container names.
Result<void> ReadStore(const Location& store, const NodeFilesystems& node, Inventory& inventory,
                       DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::containerd
