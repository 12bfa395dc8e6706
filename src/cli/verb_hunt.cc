// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>

#include "casefile/case.h"
#include "casefile/detection/detection.h"
#include "casefile/detection/file_scan.h"
#include "casefile/detection/findings_json.h"
#include "casefile/evidence_kind.h"
#include "casefile/ingest.h"
#include "casefile/search/event_search.h"
#include "cli/event_rows.h"
#include "cli/finding_rows.h"
#include "cli/program.h"
#include "cli/rules_options.h"

namespace ekshume::cli {
namespace {

struct HuntOptions {
  std::vector<std::string> evidence;
  std::vector<std::string> files;  // to be searched as they are
  RulesOptions rules;
  std::string level = "informational";
};

// A folder for the events of logs that are to be hunted through without a case; gone at the end.
class TemporaryFolder {
 public:
  static Result<std::unique_ptr<TemporaryFolder>> Make() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "ekshume-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      return Fail(ErrorCode::kIo,
                  fmt::format("cannot make the folder {} (TMPDIR says where)", path));
    }
    return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(path));
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

Result<std::unique_ptr<event::Store>> ReadLogs(Program& program,
                                               const std::vector<std::string>& paths,
                                               const TemporaryFolder& folder) {
  std::vector<casefile::LogFile> logs;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      return Fail(ErrorCode::kNotFound, fmt::format("no such file: {}", path));
    }
    if (casefile::Case::IsCase(path)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is a case: hunt takes one case, or logs", path));
    }
    if (EKSHUME_TRY(casefile::ClassifyEvidence(path)) == casefile::EvidenceKind::kNode) {
      return Fail(
          ErrorCode::kUnsupported,
          fmt::format("{} is no log: `ekshume investigate` makes a case of a node's disk", path));
    }
    const std::vector<casefile::LogFile> files = EKSHUME_TRY(casefile::ListLogFiles(path));
    logs.insert(logs.end(), files.begin(), files.end());
  }
  auto store = EKSHUME_TRY(event::Store::Open(folder.path(), event::Store::Access::kWrite));
  const casefile::IngestSummary summary =
      EKSHUME_TRY(casefile::IngestLogs(logs, *store, program.diagnostics, program.progress));
  uint64_t rows = 0;
  for (const event::Item& item : summary.items) rows += item.rows;
  if (rows == 0) return Fail(ErrorCode::kUnsupported, "no record of a known format found");
  program.progress.SetStage("joining");
  EKSHUME_TRY(store->Finish());
  return store;
}

Result<std::vector<detect::Finding>> HuntEvents(Program& program, const HuntOptions& options,
                                                casefile::DetectionRules rules) {
  const bool is_case =
      options.evidence.size() == 1 && casefile::Case::IsCase(options.evidence.front());
  std::unique_ptr<TemporaryFolder> folder;
  if (!is_case) folder = EKSHUME_TRY(TemporaryFolder::Make());
  const std::unique_ptr<event::Store> store =
      is_case ? EKSHUME_TRY(casefile::OpenEvents(options.evidence.front()))
              : EKSHUME_TRY(ReadLogs(program, options.evidence, *folder));
  return casefile::Detect(nullptr, nullptr, *store, std::move(rules), program.diagnostics,
                          program.progress);
}

Result<void> Hunt(Program& program, const HuntOptions& options) {
  EKSHUME_TRY(CheckLevel(options.level));
  if (options.evidence.empty() && options.files.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "hunt takes a case, logs or --files");
  }
  const RulesOptions& given = options.rules;
  // Rules that are given are asked alone, as one tries them out.
  const bool with_shipped = given.paths.empty() && given.yara.empty() && given.indicators.empty();
  casefile::DetectionRules rules =
      EKSHUME_TRY(RulesToAsk(given, with_shipped, program.diagnostics));
  if (rules.empty()) return Fail(ErrorCode::kNotFound, "no rule could be loaded");
  const casefile::FileRules file_rules = rules.files;
  std::vector<detect::Finding> findings;
  if (!options.evidence.empty()) {
    findings = EKSHUME_TRY(HuntEvents(program, options, std::move(rules)));
  }
  if (!options.files.empty()) {
    std::vector<detect::Finding> more = EKSHUME_TRY(
        casefile::ScanPlainFiles(options.files, file_rules, program.diagnostics, program.progress));
    std::ranges::move(more, std::back_inserter(findings));
    detect::SortFindings(findings);
  }
  return PrintFindings(program, casefile::FindingsJson(findings), options.level);
}

}  // namespace

void AddHuntVerb(Program& program) {
  const auto options = std::make_shared<HuntOptions>();
  CLI::App* hunt =
      program.app.add_subcommand("hunt", "asks detection rules of a case's events, or of logs");
  hunt->footer(
      "Without --rules the rules that ship with ekshume are asked. Rules are Sigma's\n"
      "(docs/detect.md); `ekshume rules check` says what is wrong with them.\n"
      "Logs are read as `investigate` does, into a folder below TMPDIR that is removed at the "
      "end.\n"
      "Examples:\n"
      "  ekshume hunt mycase\n"
      "  ekshume hunt mycase --rules sigma/rules --level high --format jsonl\n"
      "  ekshume hunt audit.log.gz AWSLogs/ --rules myrule.yml\n"
      "  ekshume hunt mycase --indicators iocs.csv\n"
      "  ekshume hunt --files memory.raw recovered/ --yara rules.yar");
  hunt->add_option("evidence", options->evidence,
                   "a case made by `investigate`, or log files, folders and archives")
      ->type_name("CASE|LOGS...");
  hunt->add_option("--rules", options->rules.paths,
                   "a file or folder of rules to ask instead of those that ship (may be repeated)")
      ->type_name("DIR")
      ->allow_extra_args(false);
  AddFileRuleOptions(*hunt, options->rules);
  hunt->add_option("--files", options->files,
                   "files and folders to search by YARA and for indicators as they are: memory "
                   "dumps, recovered files")
      ->type_name("PATH...");
  hunt->add_option("--level", options->level, "only findings of this level and above")
      ->type_name("LEVEL");
  AddPlaceholderOptions(*hunt, options->rules);
  program.AddOutputOptions(*hunt);
  hunt->callback([&program, options] {
    program.action = [&program, options] { return Hunt(program, *options); };
  });
}

}  // namespace ekshume::cli
