// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/diagnostic.h"
#include "runtime/model.h"

namespace ekshume::runtime {

// A snapshot is named within one store, snapshotter and runtime namespace.
struct SnapshotScope {
  std::string store_path;
  const fs::Filesystem* store_filesystem = nullptr;
  std::string snapshotter;
  std::string runtime_namespace;

  friend auto operator<=>(const SnapshotScope&, const SnapshotScope&) = default;
};
SnapshotScope ScopeOf(const Snapshot& snapshot);

// What a snapshot key stands for as layers.
struct SnapshotRoot {
  LayerChain layers;
  std::optional<Location> native_root;  // set where the snapshotter copies
};

// Finds snapshots by key and follows their parents. Keeps a view of `snapshots`, which must outlive
// it and not change. One thread at a time.
class SnapshotIndex {
 public:
  explicit SnapshotIndex(const std::vector<Snapshot>& snapshots);

  // The index of a snapshot in the vector, or nothing.
  std::optional<size_t> Find(const SnapshotScope& scope, const std::string& key) const;

  // The layers of the snapshot `key`, its own directory as upper layer when it is writable. Missing
  // directories and parents are reported (kRuntimeSnapshotMissing), as are loops and chains longer
  // than limits::kMaxLayers (kOverlayLayerLoop) and lazily loaded layers (kRuntimeLazySnapshot).
  // `owner` names the container or image in the reports.
  SnapshotRoot Resolve(const SnapshotScope& scope, const std::string& key, const std::string& owner,
                       DiagnosticSink& diagnostics) const;

 private:
  const std::vector<Snapshot>& snapshots_;
  std::map<std::pair<SnapshotScope, std::string>, size_t> by_key_;
};

// True for snapshotters whose every snapshot is a whole copy of the root: native, vfs.
bool IsCopyingSnapshotter(std::string_view snapshotter);

}  // namespace ekshume::runtime
