// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection.h"

#include <fmt/format.h>

#include "detect/sigma/correlate.h"
#include "detect/sigma/engine.h"
#include "detect/sigma/findings.h"
#include "event/store/ordered_events.h"

namespace ekshume::casefile {
namespace {

namespace sigma = detect::sigma;
using event::Text;

// Turns rows of the store back into events.
class EventRows {
 public:
  explicit EventRows(event::Rows& rows) : rows_(rows) {
    for (size_t i = 0; i < rows.columns().size(); ++i) {
      const std::string& name = rows.columns()[i].name;
      if (name == "id") id_ = i;
      if (name == "time") time_ = i;
      if (name == "raw") raw_ = i;
      for (size_t k = 0; k < event::kTextCount; ++k) {
        if (event::ColumnName(static_cast<Text>(k)) == name) texts_.push_back({i, k});
      }
      for (size_t k = 0; k < event::kNumberCount; ++k) {
        if (event::ColumnName(static_cast<event::Number>(k)) == name) numbers_.push_back({i, k});
      }
    }
  }

  Result<bool> Next() {
    if (!EKSHUME_TRY(rows_.Next())) return false;
    event.Clear();
    for (const auto& [column, text] : texts_) {
      if (!rows_.IsNull(column)) event[static_cast<Text>(text)] = rows_.Text(column);
    }
    for (const auto& [column, number] : numbers_) {
      if (!rows_.IsNull(column)) {
        event[static_cast<event::Number>(number)] = rows_.Integer(column);
      }
    }
    if (!rows_.IsNull(time_)) event.time = ParseTimestamp(rows_.Text(time_));
    raw = rows_.IsNull(raw_) ? std::string_view() : rows_.Text(raw_);
    return true;
  }
  std::string Id() { return std::string(rows_.Text(id_)); }

  event::Event event;
  std::string_view raw;

 private:
  event::Rows& rows_;
  size_t id_ = 0;
  size_t time_ = 0;
  size_t raw_ = 0;
  std::vector<std::pair<size_t, size_t>> texts_;
  std::vector<std::pair<size_t, size_t>> numbers_;
};

std::string AllColumns() {
  std::string list;
  for (const event::Column& column : event::Columns()) {
    if (column.name == "locator" || column.name == "evidence") continue;
    list += list.empty() ? "" : ", ";
    list += column.name;
  }
  return list;
}

// Asks the rules of each event of the case: in order of time where correlations need it, otherwise
// in the order in which the records are packed, which is much faster.
Result<void> Gather(event::Store& store, const sigma::Engine& engine,
                    const std::vector<sigma::Correlation>& correlations, sigma::Findings& findings,
                    DiagnosticSink& diagnostics, Progress& progress) {
  const auto result = EKSHUME_TRY(store.Query(correlations.empty()
                                                  ? event::PackedEventsSql(AllColumns())
                                                  : event::OrderedEventsSql(AllColumns(), "true")));
  EventRows rows(*result);
  sigma::Engine::Session session(engine);
  sigma::Correlator correlator(engine.rules(), correlations, [&](const sigma::Correlated& found) {
    const sigma::Correlation& correlation = correlations[found.correlation];
    if (!correlation.silent) findings.Add(correlation.head, found.events);
  });
  const auto value_of = [&](uint32_t rule, const std::string& field) {
    return session.ValueOf(rule, field);
  };
  progress.SetStage("hunting");
  while (!progress.cancelled() && EKSHUME_TRY(rows.Next())) {
    const std::vector<uint32_t>& matched = session.Match({rows.event, rows.raw});
    if (matched.empty()) continue;
    const sigma::EventRef brief = sigma::EventBrief::Of(rows.event, rows.Id());
    for (const uint32_t rule : matched) {
      if (!engine.rules()[rule].silent) findings.Add(engine.rules()[rule].head, {brief});
    }
    if (!rows.event.time || correlations.empty()) continue;
    const int64_t time_ns = rows.event.time->seconds * 1000000000 + rows.event.time->nanoseconds;
    correlator.Add(matched, time_ns, brief, value_of);
  }
  correlator.Finish();
  if (correlator.forgot() > 0) {
    diagnostics.Report(DiagnosticCode::kRuleLimit, "",
                       fmt::format("{} matches of correlated rules were forgotten "
                                   "(kMaxCorrelatedEvents)",
                                   correlator.forgot()));
  }
  if (findings.left_out() > 0) {
    diagnostics.Report(DiagnosticCode::kRuleLimit, "",
                       fmt::format("{} matches would have made further findings (kMaxFindings)",
                                   findings.left_out()));
  }
  return {};
}

}  // namespace

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
  sigma::Findings findings;
  EKSHUME_TRY(Gather(store, *engine, set.correlations, findings, diagnostics, progress));
  return findings.Take();
}

}  // namespace ekshume::casefile
