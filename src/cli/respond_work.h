// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "cli/program.h"
#include "live/kubernetes/client.h"
#include "live/respond/journal.h"
#include "live/respond/runner.h"

namespace ekshume::cli {

// The work of steps that are no single call of the API: saving state, acquiring, probing, each into
// the case and with a custody record. `image`: of our pod on the node. The references must outlive
// what is returned.
std::map<live::respond::StepKind, live::respond::StepWork> RespondWork(
    Program& program, const std::string& image, const std::string& case_directory,
    live::kubernetes::Client& client, const live::respond::Journal& journal);

}  // namespace ekshume::cli
