// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/program.h"

namespace ekshume::cli {

// Adds `serve`, the case as a page in the browser.
void AddServeVerb(Program& program);

}  // namespace ekshume::cli
