// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "runtime/containerd/containers.h"
#include "runtime/location.h"
#include "runtime/model.h"

// Containers that containerd has forgotten and its files have not.
namespace ekshume::runtime::containerd {

struct RecoveredContainer {
  Container container;
  SnapshotReference reference;
};

// Container records on pages of meta.db that nothing refers to any more: bolt writes pages anew
// and keeps the old ones until it needs the room. Of several versions of a container the newest;
// none whose id is in `known`. Sorted by id.
std::vector<RecoveredContainer> RecoverContainers(const Location& metadata_file,
                                                  const Location& store,
                                                  const std::set<std::string>& known);

// Containers and sandboxes that have a folder of the CRI plugin and no record, sorted by id.
std::vector<Container> RecoverFromCriFolders(const Location& store,
                                             const std::set<std::string>& known,
                                             DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::containerd
