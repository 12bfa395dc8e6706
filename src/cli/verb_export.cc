// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

namespace ekshume::cli {

void AddExportVerb(Program& program) { static_cast<void>(program); }

}  // namespace ekshume::cli
