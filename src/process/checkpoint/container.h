// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/diagnostic.h"
#include "process/format.h"
#include "runtime/model.h"

namespace ekshume::process::checkpoint {

// The container that a checkpoint archive of Podman, CRI-O, containerd or the kubelet is of:
// config.dump (its id, name, image and times), spec.dump (the OCI runtime specification), status
// (containerd: times and host pid), network.status (Podman: addresses). None when there is neither
// config.dump nor spec.dump: a folder of CRIU's own.
struct ContainerRecord {
  runtime::Container container;
  std::optional<Timestamp> checkpointed;
};
std::optional<ContainerRecord> ReadContainer(const Source& source, DiagnosticSink& diagnostics);

}  // namespace ekshume::process::checkpoint
