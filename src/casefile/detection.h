// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "detect/finding.h"
#include "detect/sigma/load.h"
#include "event/store/store.h"

namespace ekshume::casefile {

// What is looked for, besides what is built in: files and folders.
struct DetectionRules {
  std::vector<std::string> sigma;
  detect::sigma::Placeholders placeholders;
};

// Refused rules are diagnostics that are shown and decide the exit code; doubtful ones are notices.
void ReportProblems(const detect::sigma::RuleSet& set, DiagnosticSink& diagnostics);

// Asks the rules of every event of the store. A rule that cannot be loaded is a diagnostic
// (kRuleRefused), as is what is doubtful about one. Findings come the worst first. Errors are those
// of the store and of paths that cannot be read; kNotFound when no rule could be loaded.
Result<std::vector<detect::Finding>> DetectInEvents(event::Store& store,
                                                    const DetectionRules& rules,
                                                    DiagnosticSink& diagnostics,
                                                    Progress& progress);

}  // namespace ekshume::casefile
