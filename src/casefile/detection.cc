// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "casefile/drift_findings.h"
#include "casefile/event_match.h"
#include "casefile/file_scan.h"
#include "casefile/host_findings.h"
#include "casefile/weigh.h"
#include "detect/sigma/engine.h"

namespace ekshume::casefile {

namespace sigma = detect::sigma;

void ReportProblems(const sigma::RuleSet& set, DiagnosticSink& diagnostics) {
  const auto report = [&](DiagnosticCode code, const sigma::Problem& problem) {
    std::string place = problem.file;
    if (problem.line > 0) place += fmt::format(":{}", problem.line);
    diagnostics.Report(code, std::move(place), problem.reason);
  };
  for (const sigma::Problem& problem : set.refused) report(DiagnosticCode::kRuleRefused, problem);
  for (const sigma::Problem& problem : set.doubtful) report(DiagnosticCode::kRuleDoubtful, problem);
}

Result<std::vector<detect::Finding>> DetectInEvents(event::Store& store,
                                                    const DetectionRules& rules,
                                                    DiagnosticSink& diagnostics,
                                                    Progress& progress) {
  sigma::RuleSet set = EKSHUME_TRY(sigma::LoadRules(rules.sigma, rules.placeholders));
  ReportProblems(set, diagnostics);
  if (set.loaded() == 0) return Fail(ErrorCode::kNotFound, "no rule could be loaded");
  std::vector<sigma::Problem> doubtful;
  const auto engine = sigma::Engine::Make(std::move(set.rules), doubtful);
  return MatchEvents(store, *engine, set.correlations, diagnostics, progress);
}

Result<std::vector<detect::Finding>> Detect(const Evidence* evidence,
                                            const runtime::Inventory* inventory,
                                            event::Store& store, const DetectionRules& rules,
                                            DiagnosticSink& diagnostics, Progress& progress) {
  std::vector<detect::Finding> findings;
  const auto add = [&findings](std::vector<detect::Finding> more) {
    std::ranges::move(more, std::back_inserter(findings));
  };
  FileRules files;
  if (!rules.yara.empty() || !rules.indicators.empty()) {
    files = EKSHUME_TRY(LoadFileRules(rules.yara, rules.indicators, diagnostics));
  }
  if (!rules.sigma.empty()) {
    add(EKSHUME_TRY(DetectInEvents(store, rules, diagnostics, progress)));
  }
  if (files.indicators) add(EKSHUME_TRY(FindIndicators(store, files, diagnostics, progress)));
  if (evidence != nullptr) {
    add(EKSHUME_TRY(DriftFindings(*evidence, *inventory, diagnostics, progress)));
    if (!files.empty()) {
      const HostFindings host = FindOnHost(*evidence, *inventory, diagnostics, &progress);
      add(ScanFiles(*evidence, *inventory, host, files, diagnostics, progress));
    }
  }
  if (progress.cancelled()) return Fail(ErrorCode::kCancelled, "stopped");
  EKSHUME_TRY(WeighFindings(findings, store));
  return findings;
}

}  // namespace ekshume::casefile
