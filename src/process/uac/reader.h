// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/format.h"

namespace ekshume::process::uac {

// What UAC (Unix-like Artifacts Collector) packs on a Linux host: docs/formats/bundles.md.
const Format& UacFormat();

}  // namespace ekshume::process::uac
