// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/format.h"

namespace ekshume::runtime::ecs {

// The ECS agent's folder (/var/lib/ecs): a registry entry. It comes after the runtimes' stores, as
// it adds task and cluster to their containers.
extern const Format kFormat;

// Reads the agent's database (Format::read). Containers that only it knows are added as recovered
// ("ECS agent").
Result<void> ReadStore(const Location& root, const NodeFilesystems& node, Inventory& inventory,
                       DiagnosticSink& diagnostics);

}  // namespace ekshume::runtime::ecs
