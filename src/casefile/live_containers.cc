// SPDX-License-Identifier: Apache-2.0
#include "casefile/live_containers.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/limits.h"

namespace ekshume::casefile {

void AddLiveContainers(const std::vector<std::unique_ptr<LiveEvidence>>& live,
                       runtime::Inventory& inventory) {
  if (live.empty()) return;
  const auto find = [&](const std::string& id) {
    return std::ranges::find(inventory.containers, id, &runtime::Container::id);
  };
  for (const auto& one : live) {
    const process::State& state = one->state;
    runtime::NodeIdentity& node = inventory.node;
    if (state.scope == "node") {
      if (node.hostname.empty()) node.hostname = state.hostname;
      if (node.kernel.empty()) node.kernel = state.kernel;
      if (node.machine_id.empty()) node.machine_id = state.machine_id;
    }
    for (const runtime::Container& container : state.containers) {
      if (find(container.id) == inventory.containers.end()) {
        inventory.containers.push_back(container);
      }
    }
    for (const process::Files& files : state.files) {
      if (files.of == process::Files::Of::kHost || files.container_id.empty()) continue;
      auto found = find(files.container_id);
      if (found == inventory.containers.end()) {
        runtime::Container container;
        container.id = files.container_id;
        container.state = runtime::ContainerState::kRunning;
        inventory.containers.push_back(std::move(container));
        found = inventory.containers.end() - 1;
      }
      const runtime::Location place{files.filesystem.get(), ""};
      // What a disk says of the container's files is more than what was taken along.
      if (found->layers.upper || found->native_root) continue;
      if (files.of == process::Files::Of::kContainerLayer) {
        found->layers.upper = place;
      } else {
        found->native_root = place;
      }
    }
    // Containers that only their processes tell of.
    std::set<std::string> seen;
    for (const process::Process& running : state.processes) {
      if (running.container_id.empty() || !seen.insert(running.container_id).second) continue;
      if (find(running.container_id) != inventory.containers.end()) continue;
      if (inventory.containers.size() >= limits::kMaxContainers) break;
      runtime::Container container;
      container.id = running.container_id;
      container.runtime = running.runtime;
      container.state = runtime::ContainerState::kRunning;
      container.recovered = "processes";
      if (!running.pod_uid.empty()) {
        container.pod.emplace();
        container.pod->uid = running.pod_uid;
        container.pod->name = running.pod;
        container.pod->namespace_name = running.name_space;
        container.pod->container = running.container;
      }
      inventory.containers.push_back(std::move(container));
    }
  }
  // A pod that only its containers tell of.
  std::set<std::string> pods;
  for (const runtime::Pod& pod : inventory.pods) pods.insert(pod.uid);
  for (const runtime::Container& container : inventory.containers) {
    if (!container.pod || container.pod->uid.empty()) continue;
    if (!pods.insert(container.pod->uid).second) {
      // Known: a container found beside the disk is one of it.
      for (runtime::Pod& pod : inventory.pods) {
        if (pod.uid != container.pod->uid || container.kind == runtime::ContainerKind::kSandbox) {
          continue;
        }
        if (std::ranges::find(pod.containers, container.id) == pod.containers.end()) {
          pod.containers.push_back(container.id);
          std::ranges::sort(pod.containers);
        }
      }
      continue;
    }
    runtime::Pod pod;
    pod.uid = container.pod->uid;
    pod.name = container.pod->name;
    pod.namespace_name = container.pod->namespace_name;
    pod.containers = {container.id};
    pod.ip_address = container.ip_address;
    pod.created = container.created;
    pod.recovered = "live evidence";
    inventory.pods.push_back(std::move(pod));
  }
}

}  // namespace ekshume::casefile
