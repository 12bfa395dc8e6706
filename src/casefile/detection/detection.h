// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/detection/file_scan.h"
#include "casefile/investigation.h"
#include "detect/finding.h"
#include "detect/sigma/load.h"
#include "event/store/store.h"

namespace ekshume::casefile {

// Where what is looked for is written, besides what is built in: files and folders.
struct RuleSources {
  std::vector<std::string> sigma;
  detect::sigma::Placeholders placeholders;
  std::vector<std::string> yara;
  std::vector<std::string> indicators;
};

// What is looked for.
struct DetectionRules {
  detect::sigma::RuleSet sigma;
  FileRules files;

  bool empty() const { return sigma.loaded() == 0 && files.empty(); }
};

// Loads all of it. What cannot be loaded is a diagnostic with file and line (kRuleRefused,
// kYaraRefused, kIndicatorRefused), as is what is doubtful; the rest is used. kNotFound or kIo when
// a path cannot be read, or holds no rules file.
Result<DetectionRules> LoadDetectionRules(const RuleSources& sources, DiagnosticSink& diagnostics);

// Runs all detectors over a case: rules and indicators over the events of the store, and where
// there is a node, the checks for drift, YARA and indicators over its files. `evidence` and
// `node`, what is known of it, are null for a case of logs only. Findings are weighed
// (casefile/detection/weigh.h); the worst come first. Errors as above, and kCancelled.
Result<std::vector<detect::Finding>> Detect(const Evidence* evidence, const NodeInvestigation* node,
                                            event::Store& store, DetectionRules rules,
                                            DiagnosticSink& diagnostics, Progress& progress);

}  // namespace ekshume::casefile
