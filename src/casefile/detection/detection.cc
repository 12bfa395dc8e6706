// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/detection.h"

#include <algorithm>
#include <iterator>

#include "casefile/detection/drift_findings.h"
#include "casefile/detection/event_match.h"
#include "casefile/detection/file_scan.h"
#include "casefile/detection/live_context.h"
#include "casefile/detection/live_findings.h"
#include "casefile/detection/live_scan.h"
#include "casefile/detection/problems.h"
#include "casefile/detection/weigh.h"
#include "detect/sigma/engine.h"

namespace ekshume::casefile {

namespace sigma = detect::sigma;

Result<DetectionRules> LoadDetectionRules(const RuleSources& sources, DiagnosticSink& diagnostics) {
  DetectionRules rules;
  if (!sources.sigma.empty()) {
    rules.sigma = EKSHUME_TRY(sigma::LoadRules(sources.sigma, sources.placeholders));
    ReportProblems(rules.sigma.refused, DiagnosticCode::kRuleRefused, rules.sigma.doubtful,
                   diagnostics);
  }
  if (!sources.yara.empty() || !sources.indicators.empty()) {
    rules.files = EKSHUME_TRY(LoadFileRules(sources.yara, sources.indicators, diagnostics));
  }
  return rules;
}

Result<std::vector<detect::Finding>> Detect(const Evidence* evidence, const NodeInvestigation* node,
                                            event::Store& store, DetectionRules rules,
                                            DiagnosticSink& diagnostics, Progress& progress) {
  std::vector<detect::Finding> findings;
  const auto add = [&findings](std::vector<detect::Finding> more) {
    std::ranges::move(more, std::back_inserter(findings));
  };
  if (rules.sigma.loaded() > 0) {
    std::vector<detect::Problem> doubtful;
    const auto engine = sigma::Engine::Make(std::move(rules.sigma.rules), doubtful);
    add(EKSHUME_TRY(MatchEvents(store, *engine, rules.sigma.correlations, diagnostics, progress)));
  }
  const FileRules& files = rules.files;
  if (files.indicators) add(EKSHUME_TRY(FindIndicators(store, files, diagnostics, progress)));
  if (evidence != nullptr) {
    const runtime::Inventory& inventory = node->inventory;
    add(EKSHUME_TRY(DriftFindings(*evidence, inventory, node->host, diagnostics, progress)));
    if (!files.empty()) {
      add(ScanFiles(*evidence, inventory, node->host, files, diagnostics, progress));
    }
    if (!evidence->live().empty()) {
      const LiveContext live(*evidence, inventory, EKSHUME_TRY(ProcessEvents::Of(store)));
      add(LiveFindings(live, diagnostics, progress));
      if (!files.empty()) add(ScanLive(live, files, diagnostics, progress));
    }
  }
  if (progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
  EKSHUME_TRY(WeighFindings(findings, store));
  return findings;
}

}  // namespace ekshume::casefile
