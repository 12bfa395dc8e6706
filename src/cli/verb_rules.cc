// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "base/text.h"
#include "casefile/detection/rule_tests.h"
#include "cli/program.h"
#include "cli/rules_options.h"
#include "detect/sigma/engine.h"

namespace ekshume::cli {
namespace {

namespace sigma = detect::sigma;

std::string Source(const sigma::LogSource& source) {
  std::string text = source.product;
  for (const std::string* part : {&source.category, &source.service}) {
    if (part->empty()) continue;
    text += text.empty() ? *part : "/" + *part;
  }
  return text;
}

void WriteHead(RowFormatter& formatter, const sigma::Head& head, std::string_view kind,
               const std::string& source) {
  formatter.Begin();
  formatter.Text("id"_key, head.id);
  formatter.Text("title"_key, head.title);
  formatter.Text("level"_key, head.level);
  formatter.Text("kind"_key, kind);
  formatter.Text("logsource"_key, source);
  formatter.Json("tags"_key, JsonList(head.tags));
  formatter.Text("status"_key, head.status);
  formatter.Text("file"_key, head.file);
  formatter.Unsigned("line"_key, head.line);
  formatter.End();
}

Result<void> List(Program& program, const RulesOptions& options) {
  sigma::RuleSet set = EKSHUME_TRY(LoadRules(options, program.diagnostics));
  const auto output = EKSHUME_TRY(program.OpenOutput());
  RowWriter writer(program.format, *output);
  RowFormatter formatter(program.format);
  for (const sigma::Rule& rule : set.rules) {
    WriteHead(formatter, rule.head, "rule", Source(rule.log_source));
  }
  for (const sigma::Correlation& correlation : set.correlations) {
    WriteHead(formatter, correlation.head, "correlation", "");
  }
  writer.Write(formatter.Take(), formatter.keys());
  writer.Finish();
  return output->Finish();
}

void WriteProblem(RowFormatter& formatter, const detect::Problem& problem,
                  std::string_view verdict) {
  formatter.Begin();
  formatter.Text("verdict"_key, verdict);
  formatter.Text("file"_key, problem.file);
  formatter.Unsigned("line"_key, problem.line);
  formatter.Text("title"_key, problem.rule);
  formatter.Text("reason"_key, problem.reason);
  formatter.End();
}

// For people: what is wrong, then how many of how many. The other formats: a row for each problem.
Result<void> Check(Program& program, const RulesOptions& options) {
  sigma::RuleSet set = EKSHUME_TRY(LoadRules(options, program.diagnostics));
  const size_t loaded = set.loaded();
  const size_t correlations = set.correlations.size();
  const size_t documents = set.documents;
  const size_t files = set.files;
  const size_t filters = set.filters;
  std::vector<detect::Problem> doubtful = set.doubtful;
  const auto engine = sigma::Engine::Make(std::move(set.rules), doubtful);
  size_t usable = 0;
  for (uint32_t i = 0; i < engine->rules().size(); ++i) usable += engine->HasView(i) ? 1 : 0;

  const auto output = EKSHUME_TRY(program.OpenOutput());
  if (program.format == OutputFormat::kTable) {
    const auto line = [&](const detect::Problem& problem, std::string_view verdict) {
      output->Write(
          EscapeForTerminal(fmt::format("{}: {}: {}", problem.Where(), verdict, problem.reason)) +
          "\n");
    };
    for (const detect::Problem& problem : set.refused) line(problem, "refused");
    for (const detect::Problem& problem : doubtful) line(problem, "doubtful");
    output->Write(fmt::format(
        "{} of {} rules loaded from {} files ({} single rules, {} correlations, {} filters); {} "
        "refused, {} with something doubtful; {} have a log source that ekshume reads\n",
        loaded, documents, files, engine->rules().size(), correlations, filters, documents - loaded,
        doubtful.size(), usable));
  } else {
    RowWriter writer(program.format, *output);
    RowFormatter formatter(program.format);
    for (const detect::Problem& problem : set.refused) WriteProblem(formatter, problem, "refused");
    for (const detect::Problem& problem : doubtful) WriteProblem(formatter, problem, "doubtful");
    detect::Problem total;
    total.reason = fmt::format("{} of {}", loaded, documents);
    WriteProblem(formatter, total, "loaded");
    writer.Write(formatter.Take(), formatter.keys());
    writer.Finish();
  }
  EKSHUME_TRY(output->Finish());
  return {};
}

// For people: what failed and what has no tests, then how many of how many. The other formats: a
// row for each file of rules.
Result<void> Test(Program& program, const RulesOptions& options) {
  sigma::RuleSet set = EKSHUME_TRY(LoadRules(options, program.diagnostics));
  const std::vector<casefile::RuleTests> results =
      casefile::TestRules(std::move(set), options.paths);
  size_t rules = 0;
  size_t passed = 0;
  size_t untested = 0;
  size_t tests = 0;
  for (const casefile::RuleTests& result : results) {
    using Verdict = casefile::RuleTests::Verdict;
    tests += result.passed + result.failed;
    rules += result.verdict == Verdict::kNoRule ? 0 : 1;
    passed += result.verdict == Verdict::kPassed ? 1 : 0;
    untested += result.verdict == Verdict::kUntested ? 1 : 0;
    const bool is_good = result.verdict == Verdict::kPassed || result.verdict == Verdict::kUntested;
    program.has_failures = program.has_failures || !is_good;
  }
  const auto output = EKSHUME_TRY(program.OpenOutput());
  if (program.format == OutputFormat::kTable) {
    for (const casefile::RuleTests& result : results) {
      const std::string& place = result.tests.empty() ? result.file : result.tests;
      if (result.verdict == casefile::RuleTests::Verdict::kUntested) {
        output->Write(EscapeForTerminal(place + ": no tests") + "\n");
      }
      for (const std::string& reason : result.reasons) {
        output->Write(EscapeForTerminal(fmt::format("{}: {}", place, reason)) + "\n");
      }
    }
    output->Write(fmt::format("{} of {} rules passed {} tests; {} failed, {} have no tests\n",
                              passed, rules, tests, rules - passed - untested, untested));
    return output->Finish();
  }
  RowWriter writer(program.format, *output);
  RowFormatter formatter(program.format);
  for (const casefile::RuleTests& result : results) {
    formatter.Begin();
    formatter.Text("verdict"_key, casefile::VerdictName(result.verdict));
    formatter.Text("title"_key, result.title);
    formatter.Text("id"_key, result.id);
    formatter.Text("file"_key, result.file);
    formatter.Text("tests"_key, result.tests);
    formatter.Unsigned("passed"_key, result.passed);
    formatter.Unsigned("failed"_key, result.failed);
    formatter.Json("reasons"_key, JsonList(result.reasons));
    formatter.End();
  }
  writer.Write(formatter.Take(), formatter.keys());
  writer.Finish();
  return output->Finish();
}

}  // namespace

void AddRulesVerb(Program& program) {
  CLI::App* rules = program.app.add_subcommand("rules", "detection rules: Sigma");
  rules->require_subcommand(1);
  rules->footer(
      "Rules are Sigma's (docs/detect.md): YAML files, or folders with such files.\n"
      "Examples:\n"
      "  ekshume rules check sigma/rules\n"
      "  ekshume rules list sigma/rules --format csv\n"
      "  ekshume rules test myrules");
  const auto add = [&](const char* name, const char* about,
                       Result<void> (*run)(Program&, const RulesOptions&)) {
    const auto options = std::make_shared<RulesOptions>();
    CLI::App* verb = rules->add_subcommand(name, about);
    verb->add_option("rules", options->paths, "files or folders of rules")
        ->required()
        ->type_name("DIR...");
    AddPlaceholderOptions(*verb, *options);
    program.AddOutputOptions(*verb);
    verb->callback([&program, options, run] {
      program.action = [&program, options, run] { return run(program, *options); };
    });
    return verb;
  };
  add("list", "id, title, level, log source and tags of each rule", List);
  add("check", "how many rules load, and what is wrong with the others", Check);
  add("test", "whether each rule fires on the records it must, and on no other", Test)
      ->footer(
          "The tests of DIR/a/b.yml are in DIR/tests/a/b.jsonl, or in b.jsonl beside it. Each line "
          "is\n"
          "a test of the last rule in the file: {\"expect\": \"fires\", \"records\": [...]} or "
          "\"silent\".\n"
          "A record is JSON, or a text as a log has it. Exit code 1 when a test fails.\n"
          "Examples:\n"
          "  ekshume rules test myrules\n"
          "  ekshume rules test myrules/exec.yml --format jsonl");
}

}  // namespace ekshume::cli
