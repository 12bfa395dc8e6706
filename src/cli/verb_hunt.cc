// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>

#include "cli/event_rows.h"
#include "cli/program.h"
#include "cli/rules_options.h"
#include "detect/sigma/correlate.h"
#include "detect/sigma/engine.h"
#include "detect/sigma/findings.h"
#include "event/store/ordered_events.h"
#include "event/store/store.h"

namespace ekshume::cli {
namespace {

namespace sigma = detect::sigma;
using event::Text;

struct HuntOptions {
  std::string case_path;
  RulesOptions rules;
  std::string level = "informational";
};

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
Result<void> Gather(Program& program, event::Store& store, const sigma::Engine& engine,
                    const std::vector<sigma::Correlation>& correlations,
                    sigma::Findings& findings) {
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
  program.progress.SetStage("hunting");
  while (!program.progress.cancelled() && EKSHUME_TRY(rows.Next())) {
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
    program.diagnostics.Report(DiagnosticCode::kRuleLimit, "",
                               fmt::format("{} matches of correlated rules were forgotten "
                                           "(kMaxCorrelatedEvents)",
                                           correlator.forgot()));
  }
  if (findings.left_out() > 0) {
    program.diagnostics.Report(
        DiagnosticCode::kRuleLimit, "",
        fmt::format("{} matches would have made further findings (kMaxFindings)",
                    findings.left_out()));
  }
  return {};
}

void TextOrNull(RowFormatter& formatter, const RowKey& key, const std::string& text) {
  if (text.empty()) {
    formatter.Null(key);
  } else {
    formatter.Text(key, text);
  }
}

void WriteFinding(RowFormatter& formatter, const sigma::Finding& finding) {
  formatter.Begin();
  formatter.Text("id"_key, finding.id);
  formatter.Text("rule"_key, finding.rule);
  formatter.Text("title"_key, finding.title);
  formatter.Text("level"_key, finding.level);
  formatter.Json("tags"_key, JsonList(finding.tags));
  formatter.Time("first"_key, finding.first);
  formatter.Time("last"_key, finding.last);
  formatter.Unsigned("count"_key, finding.count);
  TextOrNull(formatter, "actor"_key, finding.actor);
  TextOrNull(formatter, "object"_key, finding.object);
  TextOrNull(formatter, "cluster"_key, finding.cluster);
  TextOrNull(formatter, "node"_key, finding.node);
  TextOrNull(formatter, "namespace"_key, finding.name_space);
  TextOrNull(formatter, "pod"_key, finding.pod);
  TextOrNull(formatter, "container_id"_key, finding.container_id);
  TextOrNull(formatter, "path"_key, finding.path);
  TextOrNull(formatter, "source_ip"_key, finding.source_ip);
  formatter.Json("events"_key, JsonList(finding.events));
  formatter.Text("explanation"_key, finding.explanation);
  formatter.End();
}

void WriteForPeople(RowFormatter& formatter, const sigma::Finding& finding) {
  std::string where;
  for (const std::string* part : {&finding.name_space, &finding.pod, &finding.object}) {
    if (part->empty()) continue;
    where += where.empty() ? *part : "/" + *part;
  }
  formatter.Begin();
  formatter.Text("level"_key, finding.level);
  formatter.Unsigned("count"_key, finding.count);
  formatter.Time("first"_key, finding.first);
  formatter.Text("title"_key, finding.title);
  formatter.Text("actor"_key, finding.actor);
  formatter.Text("where"_key, where);
  formatter.End();
}

Result<void> Hunt(Program& program, const HuntOptions& options) {
  const std::optional<int> least = sigma::LevelRank(options.level);
  if (!least) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} is no level: informational, low, medium, high or critical", options.level));
  }
  const auto store = EKSHUME_TRY(OpenEvents(options.case_path));
  sigma::RuleSet set = EKSHUME_TRY(LoadRules(options.rules));
  ReportProblems(set, program.diagnostics);
  if (set.loaded() == 0) return Fail(ErrorCode::kNotFound, "no rule could be loaded");
  std::vector<sigma::Problem> doubtful;
  const auto engine = sigma::Engine::Make(std::move(set.rules), doubtful);
  sigma::Findings findings;
  EKSHUME_TRY(Gather(program, *store, *engine, set.correlations, findings));

  const auto output = EKSHUME_TRY(program.OpenOutput());
  RowWriter writer(program.format, *output);
  RowFormatter formatter(program.format);
  for (const sigma::Finding& finding : findings.Take()) {
    if (sigma::LevelRank(finding.level).value_or(2) < *least) continue;
    if (program.format == OutputFormat::kTable) {
      WriteForPeople(formatter, finding);
    } else {
      WriteFinding(formatter, finding);
    }
  }
  writer.Write(formatter.Take(), formatter.keys());
  writer.Finish();
  return output->Finish();
}

}  // namespace

void AddHuntVerb(Program& program) {
  const auto options = std::make_shared<HuntOptions>();
  CLI::App* hunt = program.app.add_subcommand("hunt", "asks detection rules of a case's events");
  hunt->footer(
      "Rules are Sigma's (docs/detect.md). `ekshume rules check` says what is wrong with them.\n"
      "Examples:\n"
      "  ekshume hunt mycase --rules sigma/rules\n"
      "  ekshume hunt mycase --rules sigma/rules --level high --format jsonl");
  hunt->add_option("case", options->case_path, "a case made by `investigate`")
      ->required()
      ->type_name("CASE");
  hunt->add_option("--rules", options->rules.paths, "a file or folder of rules (may be repeated)")
      ->required()
      ->type_name("DIR")
      ->allow_extra_args(false);
  hunt->add_option("--level", options->level, "only findings of this level and above")
      ->type_name("LEVEL");
  AddPlaceholderOptions(*hunt, options->rules);
  program.AddOutputOptions(*hunt);
  hunt->callback([&program, options] {
    program.action = [&program, options] { return Hunt(program, *options); };
  });
}

}  // namespace ekshume::cli
