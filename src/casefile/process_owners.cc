// SPDX-License-Identifier: Apache-2.0
#include "casefile/process_owners.h"

namespace ekshume::casefile {

ProcessOwners::ProcessOwners(const runtime::Inventory& inventory) : inventory_(inventory) {
  for (const runtime::Container& container : inventory.containers) {
    by_id_[container.id] = &container;
  }
  for (const runtime::Pod& pod : inventory.pods) pods_[pod.uid] = &pod;
}

const runtime::Container* ProcessOwners::ContainerOf(const process::Process& process) const {
  const auto found = by_id_.find(process.container_id);
  return process.container_id.empty() || found == by_id_.end() ? nullptr : found->second;
}

std::string ProcessOwners::NodeOf(const process::State& state) const {
  const runtime::NodeIdentity& node = inventory_.node;
  if (!node.node_name.empty()) return node.node_name;
  if (!node.hostname.empty()) return node.hostname;
  return state.scope == "node" ? state.hostname : "";
}

ProcessOwner ProcessOwners::Of(const process::State& state, const process::Process& process) const {
  ProcessOwner owner;
  owner.node = NodeOf(state);
  owner.cluster = inventory_.node.cluster;
  owner.container_id = process.container_id;
  owner.pod_uid = process.pod_uid;
  owner.pod = process.pod;
  owner.name_space = process.name_space;
  owner.container = process.container;
  if (const runtime::Container* container = ContainerOf(process)) {
    owner.image = container->image;
    if (container->pod) {
      owner.pod_uid = container->pod->uid;
      if (!container->pod->name.empty()) owner.pod = container->pod->name;
      if (!container->pod->namespace_name.empty()) {
        owner.name_space = container->pod->namespace_name;
      }
      if (!container->pod->container.empty()) owner.container = container->pod->container;
    } else if (owner.container.empty()) {
      owner.container = container->name;
    }
  }
  if (const auto pod = pods_.find(owner.pod_uid); pod != pods_.end()) {
    if (owner.pod.empty()) owner.pod = pod->second->name;
    if (owner.name_space.empty()) owner.name_space = pod->second->namespace_name;
  }
  return owner;
}

}  // namespace ekshume::casefile
