// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Alerts of Falco, as JSON (json_output) and as text:
//   12:18:18.691725165: Notice A shell was spawned in a container (user=root container_id=... )
// The text has no date unless Falco is told to write ISO 8601 times. What stands in its sentence
// decides each rule; well-known names are read.
namespace ekshume::log::falco {

const Format& FalcoFormat();

}  // namespace ekshume::log::falco
