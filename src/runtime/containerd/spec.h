// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/json.h"
#include "runtime/model.h"

namespace ekshume::runtime::containerd {

// Fills what an OCI runtime specification (config.md, config-linux.md of the runtime-spec) says of
// a container: its process, mounts, namespaces, capabilities, annotations. What it does not say
// stays as it is.
void ReadOciSpec(const Json& spec, Container& container);

}  // namespace ekshume::runtime::containerd
