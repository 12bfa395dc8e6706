// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "casefile/evidence.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// One way in which a path on the host belongs to something of Kubernetes or a runtime.
struct Ownership {
  std::string relation;      // "writable layer", "image layer", "pod volume", "pod log", "runtime
                             // state", "host mount"
  std::string container_id;  // "" when it is of no container
  std::string image;         // a reference
  std::string pod;           // namespace/name
  std::string pod_uid;
  std::string path_inside;  // the same file as the container sees it, "" when it does not
  std::string detail;       // the volume's name, the snapshot's key
};

// Everything that a path on the host belongs to, sorted; empty when it is the host's own. `path` is
// looked at as text, with or without a leading slash: it need not exist any more.
std::vector<Ownership> WhoOwns(const runtime::Inventory& inventory, std::string_view path);

}  // namespace ekshume::casefile
