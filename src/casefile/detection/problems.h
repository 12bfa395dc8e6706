// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/diagnostic.h"
#include "detect/problem.h"

namespace ekshume::casefile {

// Makes diagnostics of what is wrong with rules: of what was refused with a code of its own, which
// decides the exit code, and notices of what is doubtful.
void ReportProblems(const std::vector<detect::Problem>& refused, DiagnosticCode refused_code,
                    const std::vector<detect::Problem>& doubtful, DiagnosticSink& diagnostics);

}  // namespace ekshume::casefile
