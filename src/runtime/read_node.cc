// SPDX-License-Identifier: Apache-2.0
#include "runtime/discover.h"
#include "runtime/format.h"
#include "runtime/join.h"
#include "runtime/kubelet/identity.h"
#include "runtime/kubelet/logs.h"
#include "runtime/kubelet/manifests.h"
#include "runtime/location.h"

namespace ekshume::runtime {

Inventory ReadNode(const NodeFilesystems& node, DiagnosticSink& diagnostics) {
  Inventory inventory;
  inventory.node = kubelet::ReadNodeIdentity(node, diagnostics);
  bool runtimes_joined = false;
  for (const FoundStore& found : DiscoverStores(node, diagnostics)) {
    const bool is_runtime = found.format->name == "containerd" || found.format->name == "docker";
    if (!is_runtime && !runtimes_joined) {
      JoinDockerWithContainerd(inventory, diagnostics);
      runtimes_joined = true;
    }
    const auto read = found.format->read(found.location, node, inventory, diagnostics);
    if (!read) {
      diagnostics.Report(DiagnosticCode::kRuntimeStoreUnreadable, Describe(found.location),
                         read.error().message);
    }
  }
  if (!runtimes_joined) JoinDockerWithContainerd(inventory, diagnostics);
  kubelet::ReadPodLogs(node, inventory, diagnostics);
  JoinPods(inventory);
  kubelet::ReadStaticPods(node, inventory, diagnostics);
  SortInventory(inventory);
  return inventory;
}

}  // namespace ekshume::runtime
