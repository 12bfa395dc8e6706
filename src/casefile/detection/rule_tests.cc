// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/rule_tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/diagnostic.h"
#include "casefile/json.h"
#include "detect/sigma/correlate.h"
#include "detect/sigma/engine.h"
#include "event/store/row_batch.h"
#include "log/carrier/input.h"
#include "log/carrier/records.h"
#include "log/dispatch.h"

namespace ekshume::casefile {
namespace {

namespace fs = std::filesystem;
namespace sigma = detect::sigma;

// A file of tests is the user's own: as much as fits into memory with ease.
constexpr size_t kMostTestBytes = size_t{64} << 20;

struct TestEvent {
  event::Event event;
  std::string raw;
  size_t record = 0;  // which of the test's records it is of, from 1
};

// Turns a row that was made for the store back into an event.
event::Event EventOf(const event::RowBatch& rows, const event::RowBatch::Row& row) {
  event::Event event;
  if (row.time) event.time = TimestampFromNanoseconds(*row.time);
  for (const event::RowBatch::Value& value : rows.values(row)) {
    const std::string_view name = event::Columns()[value.column].name;
    for (size_t i = 0; value.is_text && i < event::kTextCount; ++i) {
      const auto column = static_cast<event::Text>(i);
      if (event::ColumnName(column) == name) event[column] = rows.text(value);
    }
    for (size_t i = 0; !value.is_text && i < event::kNumberCount; ++i) {
      const auto column = static_cast<event::Number>(i);
      if (event::ColumnName(column) == name) event[column] = value.number;
    }
  }
  return event;
}

// The rule or correlation that the tests of a file are of.
struct Subject {
  const sigma::Head* head = nullptr;
  bool is_correlation = false;
  uint32_t number = 0;  // among the rules, or the correlations
};

// Where the tests of a rule's file are: beside it, or at the same place below a folder `tests` of a
// folder above it.
std::optional<fs::path> TestsOf(const fs::path& rule) {
  std::error_code error;
  fs::path beside = rule;
  beside.replace_extension(".jsonl");
  if (fs::is_regular_file(beside, error)) return beside;
  const fs::path whole = fs::absolute(rule, error);
  for (fs::path folder = whole.parent_path(); folder != folder.parent_path();
       folder = folder.parent_path()) {
    fs::path tests = folder / "tests" / whole.lexically_relative(folder);
    tests.replace_extension(".jsonl");
    if (!fs::is_regular_file(tests, error)) continue;
    // As short as the rule's own name, where that can be.
    const fs::path shown = rule.is_absolute() ? tests : fs::proximate(tests, error);
    return shown.empty() ? tests : shown;
  }
  return std::nullopt;
}

std::optional<std::string> ReadText(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  char chunk[size_t{16} << 10];
  while (stream && text.size() <= kMostTestBytes) {
    stream.read(chunk, sizeof chunk);
    text.append(chunk, static_cast<size_t>(stream.gcount()));
  }
  if (!stream.eof() || stream.bad()) return std::nullopt;
  return text;
}

class Runner {
 public:
  explicit Runner(sigma::RuleSet set)
      : correlations_(std::move(set.correlations)),
        engine_(sigma::Engine::Make(std::move(set.rules), doubtful_)),
        session_(*engine_),
        dispatcher_(diagnostics_) {}

  // The last document of each file.
  std::map<std::string, Subject> Subjects() const {
    std::map<std::string, Subject> subjects;
    const auto add = [&](const sigma::Head& head, bool is_correlation, uint32_t number) {
      Subject& subject = subjects[head.file];
      if (subject.head == nullptr || subject.head->line < head.line) {
        subject = {&head, is_correlation, number};
      }
    };
    for (uint32_t i = 0; i < engine_->rules().size(); ++i) add(engine_->rules()[i].head, false, i);
    for (uint32_t i = 0; i < correlations_.size(); ++i) add(correlations_[i].head, true, i);
    return subjects;
  }

  void Run(const Subject& subject, RuleTests& result) {
    const std::optional<std::string> text = ReadText(result.tests);
    if (!text) {
      result.failed = 1;
      result.reasons.emplace_back("the tests cannot be read");
      return;
    }
    size_t line = 0;
    for (size_t at = 0; at < text->size();) {
      const size_t end = std::min(text->find('\n', at), text->size());
      const std::string_view test = std::string_view(*text).substr(at, end - at);
      at = end + 1;
      ++line;
      if (test.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const std::string reason = RunTest(subject, test);
      if (reason.empty()) {
        ++result.passed;
      } else {
        ++result.failed;
        result.reasons.push_back(fmt::format("line {}: {}", line, reason));
      }
    }
  }

 private:
  // Why the test failed; empty when it passed.
  std::string RunTest(const Subject& subject, std::string_view line) {
    const Json test = Json::parse(line, nullptr, false);
    if (!test.is_object()) return "no JSON object";
    const auto expect = test.find("expect");
    const auto records = test.find("records");
    const bool is_known = expect != test.end() && (*expect == "fires" || *expect == "silent");
    if (!is_known) return "\"expect\" is neither \"fires\" nor \"silent\"";
    if (records == test.end() || !records->is_array() || records->empty()) {
      return "\"records\" is no list with a record in it";
    }
    std::vector<TestEvent> events;
    for (size_t i = 0; i < records->size(); ++i) {
      const Json& record = (*records)[i];
      if (!record.is_object() && !record.is_string()) {
        return fmt::format("record {} is neither an object nor a line of text", i + 1);
      }
      // A record that a log writes as text stands there as text.
      const std::string text = record.is_string()
                                   ? record.get<std::string>()
                                   : record.dump(-1, ' ', false, Json::error_handler_t::replace);
      const size_t before = events.size();
      Read(text, i + 1, events);
      if (events.size() == before) {
        return fmt::format("record {} is of no known format", i + 1);
      }
    }
    // Events without a time come first: they are of no interest to correlations.
    std::ranges::stable_sort(events, {}, [](const TestEvent& one) { return one.event.time; });
    const std::string found = subject.is_correlation ? FoundByCorrelation(subject.number, events)
                                                     : FoundByRule(subject.number, events);
    if (*expect == "silent") return found.empty() ? "" : "must be silent, but " + found;
    if (!found.empty()) return "";
    return fmt::format("must fire, but {} its {} records",
                       subject.is_correlation ? "does not hold over" : "matches none of",
                       records->size());
  }

  void Read(const std::string& text, size_t record, std::vector<TestEvent>& events) {
    log::MemoryInput input(text);
    log::RecordReader reader(input, {.evidence = "test"}, diagnostics_);
    log::RecordBatch batch;
    for (;;) {
      const Result<bool> more = reader.Next(batch);
      if (!more || !*more) return;
      event::RowBatch rows;
      dispatcher_.Read(batch, 0, "test", rows);
      for (size_t i = 0; i < rows.count(); ++i) {
        const event::RowBatch::Row& row = rows.row(i);
        events.push_back({EventOf(rows, row), std::string(rows.raw(row)), record});
      }
    }
  }

  // What fires, in words; empty when nothing does.
  std::string FoundByRule(uint32_t rule, const std::vector<TestEvent>& events) {
    for (const TestEvent& one : events) {
      const std::vector<uint32_t>& matched = session_.Match({one.event, one.raw});
      if (std::ranges::find(matched, rule) != matched.end()) {
        return fmt::format("matches record {}", one.record);
      }
    }
    return "";
  }

  std::string FoundByCorrelation(uint32_t correlation, const std::vector<TestEvent>& events) {
    std::string found;
    sigma::Correlator correlator(engine_->rules(), correlations_,
                                 [&](const sigma::Correlated& what) {
                                   if (what.correlation != correlation || !found.empty()) return;
                                   found = fmt::format("holds over {} events", what.events.size());
                                 });
    const auto value_of = [&](uint32_t rule, const std::string& field) {
      return session_.ValueOf(rule, field);
    };
    for (const TestEvent& one : events) {
      const std::vector<uint32_t>& matched = session_.Match({one.event, one.raw});
      if (matched.empty() || !one.event.time) continue;
      correlator.Add(matched, one.event.time->seconds * 1000000000 + one.event.time->nanoseconds,
                     detect::EventBrief::Of(one.event, std::to_string(one.record)), value_of);
    }
    correlator.Finish();
    return found;
  }

  std::vector<detect::Problem> doubtful_;
  const std::vector<sigma::Correlation> correlations_;
  const std::unique_ptr<sigma::Engine> engine_;
  sigma::Engine::Session session_;
  DiagnosticSink diagnostics_;  // of the records, which say themselves what is wrong with a test
  log::Dispatcher dispatcher_;
};

// Files of tests below the folders `tests` of `paths`.
std::set<fs::path> AllTests(const std::vector<std::string>& paths) {
  std::set<fs::path> found;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::path folder = fs::path(path) / "tests";
    if (!fs::is_directory(folder, error)) continue;
    fs::recursive_directory_iterator at(folder, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      std::error_code ignored;
      if (at->is_regular_file(ignored) && at->path().extension() == ".jsonl") {
        found.insert(at->path());
      }
    }
  }
  return found;
}

}  // namespace

std::string_view VerdictName(RuleTests::Verdict verdict) {
  switch (verdict) {
    case RuleTests::Verdict::kPassed: return "passed";
    case RuleTests::Verdict::kFailed: return "failed";
    case RuleTests::Verdict::kUntested: return "untested";
    case RuleTests::Verdict::kNoRule: break;
  }
  return "no rule";
}

std::vector<RuleTests> TestRules(sigma::RuleSet set, const std::vector<std::string>& paths) {
  Runner runner(std::move(set));
  std::vector<RuleTests> results;
  std::set<fs::path> used;
  for (const auto& [file, subject] : runner.Subjects()) {
    RuleTests& result = results.emplace_back();
    result.title = subject.head->title;
    result.id = subject.head->id;
    result.file = file;
    const std::optional<fs::path> tests = TestsOf(file);
    if (!tests) continue;
    std::error_code error;
    used.insert(fs::weakly_canonical(*tests, error));
    result.tests = tests->string();
    runner.Run(subject, result);
    result.verdict = result.failed > 0    ? RuleTests::Verdict::kFailed
                     : result.passed == 0 ? RuleTests::Verdict::kUntested
                                          : RuleTests::Verdict::kPassed;
  }
  for (const fs::path& tests : AllTests(paths)) {
    std::error_code error;
    if (used.contains(fs::weakly_canonical(tests, error))) continue;
    RuleTests& result = results.emplace_back();
    result.verdict = RuleTests::Verdict::kNoRule;
    result.file = result.tests = tests.string();
    result.reasons.emplace_back("no rule that was loaded has these tests");
  }
  return results;
}

}  // namespace ekshume::casefile
