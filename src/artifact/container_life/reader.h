// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// The lives of a node's containers, as the runtimes' stores tell them: runtime::Inventory as
// events.
namespace ekshume::artifact::container_life {

// Created, started and finished of every container and sandbox, created of every pod, pulled of
// every image, and the snapshots of containers that were removed. Host views only. A container
// whose store keeps no time is one event without time, with the tag `untimed`. Offsets are running
// numbers; the raw record is a JSON object of what the inventory says.
const Format& ContainerLifeFormat();

}  // namespace ekshume::artifact::container_life
