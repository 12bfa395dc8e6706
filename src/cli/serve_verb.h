// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/program.h"

namespace ekshume::cli {

// Adds `serve`, the case as a page in the browser.
void AddServeVerb(Program& program);
// Adds `users`, who may log in to it.
void AddUsersVerb(Program& program);

}  // namespace ekshume::cli
