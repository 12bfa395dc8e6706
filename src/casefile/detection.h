// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/evidence.h"
#include "detect/finding.h"
#include "detect/sigma/load.h"
#include "event/store/store.h"
#include "runtime/model.h"

namespace ekshume::casefile {

// What is looked for, besides what is built in: files and folders.
struct DetectionRules {
  std::vector<std::string> sigma;
  detect::sigma::Placeholders placeholders;
  std::vector<std::string> yara;
  std::vector<std::string> indicators;
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

// Runs all detectors over a case: rules and indicators over the events of the store, and where
// there is a node, the checks for drift, YARA and indicators over its files. `evidence` and
// `inventory` are null for a case of logs only. Findings are weighed (casefile/weigh.h); the worst
// come first. Errors as above, and kCancelled.
Result<std::vector<detect::Finding>> Detect(const Evidence* evidence,
                                            const runtime::Inventory* inventory,
                                            event::Store& store, const DetectionRules& rules,
                                            DiagnosticSink& diagnostics, Progress& progress);

}  // namespace ekshume::casefile
