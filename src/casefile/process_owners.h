// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "process/model.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// Whose process it is, by what the node's stores and the evidence itself say.
struct ProcessOwner {
  std::string node, cluster;
  std::string name_space, pod, pod_uid, container, container_id, image;
};
class ProcessOwners {
 public:
  // `inventory` must outlive it.
  explicit ProcessOwners(const runtime::Inventory& inventory);
  ProcessOwner Of(const process::State& state, const process::Process& process) const;
  // The node that the state is of, "" when nothing says it.
  std::string NodeOf(const process::State& state) const;
  // The container, null when the process is in none or it is not known.
  const runtime::Container* ContainerOf(const process::Process& process) const;

 private:
  const runtime::Inventory& inventory_;
  std::map<std::string, const runtime::Container*, std::less<>> by_id_;
  std::map<std::string, const runtime::Pod*, std::less<>> pods_;
};

}  // namespace ekshume::casefile
