// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Tetragon's JSON export (cilium/tetragon api/v1/tetragon/events.proto): processes as they start
// and end, and calls of kernel functions that tracing policies watch, with the pod they are of.
namespace ekshume::log::tetragon {

const Format& TetragonFormat();

}  // namespace ekshume::log::tetragon
