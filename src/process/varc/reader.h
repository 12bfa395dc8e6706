// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/format.h"

namespace ekshume::process::varc {

// What varc (Volatile Artifact Collector) packs: docs/formats/bundles.md.
const Format& VarcFormat();

}  // namespace ekshume::process::varc
