// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/problems.h"

namespace ekshume::casefile {

void ReportProblems(const std::vector<detect::Problem>& refused, DiagnosticCode refused_code,
                    const std::vector<detect::Problem>& doubtful, DiagnosticSink& diagnostics) {
  for (const detect::Problem& problem : refused) {
    diagnostics.Report(refused_code, problem.Where(), problem.reason);
  }
  for (const detect::Problem& problem : doubtful) {
    diagnostics.Report(DiagnosticCode::kRuleDoubtful, problem.Where(), problem.reason);
  }
}

}  // namespace ekshume::casefile
