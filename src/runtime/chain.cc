// SPDX-License-Identifier: Apache-2.0
#include "runtime/chain.h"

#include <fmt/format.h>

#include <set>

#include "base/limits.h"
#include "runtime/location.h"

namespace ekshume::runtime {
namespace {

// The label of a snapshot that SOCI, stargz or nydus fill from the registry as files are asked for.
constexpr std::string_view kRemoteLabel = "containerd.io/snapshot/remote";

}  // namespace

SnapshotScope ScopeOf(const Snapshot& snapshot) {
  return {snapshot.store.path, snapshot.store.filesystem, snapshot.snapshotter,
          snapshot.runtime_namespace};
}

bool IsCopyingSnapshotter(std::string_view snapshotter) {
  return snapshotter == "native" || snapshotter == "vfs";
}

SnapshotIndex::SnapshotIndex(const std::vector<Snapshot>& snapshots) : snapshots_(snapshots) {
  for (size_t i = 0; i < snapshots.size(); ++i) {
    by_key_.try_emplace({ScopeOf(snapshots[i]), snapshots[i].key}, i);
  }
}

std::optional<size_t> SnapshotIndex::Find(const SnapshotScope& scope,
                                          const std::string& key) const {
  const auto found = by_key_.find({scope, key});
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

SnapshotRoot SnapshotIndex::Resolve(const SnapshotScope& scope, const std::string& key,
                                    const std::string& owner, DiagnosticSink& diagnostics) const {
  SnapshotRoot root;
  const auto report = [&](DiagnosticCode code, std::string detail) {
    diagnostics.Report(code, owner, std::move(detail));
  };
  const bool copies = IsCopyingSnapshotter(scope.snapshotter);
  std::set<std::string> seen;
  for (std::string at = key; !at.empty();) {
    if (!seen.insert(at).second || seen.size() > static_cast<size_t>(limits::kMaxLayers)) {
      report(DiagnosticCode::kOverlayLayerLoop, fmt::format("snapshot {}", at));
      break;
    }
    const auto found = Find(scope, at);
    if (!found) {
      report(DiagnosticCode::kRuntimeSnapshotMissing,
             fmt::format("snapshotter {} has no snapshot {}", scope.snapshotter, at));
      root.layers.missing.push_back(at);
      break;
    }
    const Snapshot& snapshot = snapshots_[*found];
    if (!snapshot.present) {
      report(DiagnosticCode::kRuntimeSnapshotMissing,
             fmt::format("{} (snapshot {}) is not there", Describe(snapshot.directory), at));
      root.layers.missing.push_back(at);
    } else if (snapshot.labels.contains(std::string(kRemoteLabel)) &&
               IsEmptyDirectory(snapshot.directory)) {
      report(DiagnosticCode::kRuntimeLazySnapshot, fmt::format("snapshot {}", at));
      root.layers.missing.push_back(at);
    } else if (at == key && snapshot.kind == "active") {
      (copies ? root.native_root : root.layers.upper) = snapshot.directory;
    } else {
      root.layers.lower.push_back(snapshot.directory);
      // A copy holds all that lies below it.
      if (copies) break;
    }
    at = snapshot.parent;
  }
  return root;
}

}  // namespace ekshume::runtime
