// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/limits.h"
#include "runtime/bolt/database.h"
#include "runtime/format.h"
#include "runtime/model.h"

namespace ekshume::runtime::containerd {

// Adds every snapshot of the store to the inventory: those that meta.db names, joined with their
// snapshotter's records, those that only a snapshotter still knows, and directories that nothing
// knows (with an empty key and kind). `v1` is meta.db's schema bucket, when it could be read.
void ReadSnapshots(const std::optional<bolt::Bucket>& v1, const Location& store,
                   const NodeFilesystems& node, Inventory& inventory, DiagnosticSink& diagnostics,
                   size_t most = limits::kMaxSnapshots);

}  // namespace ekshume::runtime::containerd
