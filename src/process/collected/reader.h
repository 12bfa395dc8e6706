// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/format.h"

namespace ekshume::process::collected {

// What `ekshume collect` wrote: docs/formats/collection.md.
const Format& CollectionFormat();

}  // namespace ekshume::process::collected
