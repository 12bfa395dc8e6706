// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/format.h"

namespace ekshume::fs::xfs {

// The registry entry of XFS, versions 4 and 5; the log is replayed in memory unless
// OpenOptions::raw.
extern const Format kXfsFormat;

}  // namespace ekshume::fs::xfs
