// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/format.h"

namespace ekshume::process::checkpoint {

// Checkpoints of containers as CRIU makes them, in the archives of Podman, CRI-O, containerd and
// the kubelet, and the bare folder that `criu dump` leaves.
const Format& CheckpointFormat();

}  // namespace ekshume::process::checkpoint
