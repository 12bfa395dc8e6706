// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "casefile/case.h"
#include "casefile/collection_evidence.h"
#include "casefile/custody.h"
#include "casefile/detection/coverage_facts.h"
#include "casefile/detection/detection.h"
#include "casefile/detection/findings_json.h"
#include "casefile/detection/story.h"
#include "casefile/evidence_kind.h"
#include "casefile/ingest.h"
#include "casefile/ingest_report.h"
#include "casefile/investigation.h"
#include "casefile/running/ingest_live.h"
#include "cli/events_page.h"
#include "cli/memory.h"
#include "cli/program.h"
#include "cli/report_page.h"
#include "cli/rules_options.h"
#include "cli/verdict_page.h"
#include "event/store/store.h"

namespace ekshume::cli {
namespace {

// What the rows of a node's disks are from, for the column `evidence`.
std::string NodeName(const std::vector<std::string>& disks) {
  std::string name;
  for (const std::string& disk : disks) {
    name += (name.empty() ? "" : "+") +
            std::filesystem::path(disk).lexically_normal().filename().string();
  }
  return name;
}

// Fewer events are read into memory while the page shows its first screen.
constexpr size_t kManyEvents = 1'000'000;

struct InvestigateOptions {
  std::vector<std::string> evidence;
  std::string case_directory;
  RulesOptions rules;
  bool no_rules = false;
  std::string operator_name;
  std::vector<std::string> command_line;
};

// "disk.img.zst" -> "disk.case" in the current folder.
std::string DefaultCase(const std::string& evidence) {
  std::filesystem::path name = std::filesystem::path(evidence).lexically_normal().filename();
  if (name.empty()) name = "evidence";
  const std::string stem = name.string().substr(0, name.string().find('.', 1));
  return stem + ".case";
}

// Says in the report what is suspicious in all that the case holds, and what it means together.
Result<void> Explain(Program& program, const casefile::Evidence* evidence,
                     const casefile::NodeInvestigation* node, casefile::DetectionRules rules,
                     event::Store& store, casefile::Json& report) {
  const runtime::Inventory* inventory = node == nullptr ? nullptr : &node->inventory;
  const std::vector<detect::Finding> findings = EKSHUME_TRY(casefile::Detect(
      evidence, node, store, std::move(rules), program.diagnostics, program.progress));
  report["findings"] = casefile::FindingsJson(findings);
  const casefile::Json story = EKSHUME_TRY(
      casefile::StoryJson(store, findings, inventory, program.diagnostics, program.progress));
  for (const auto& [key, value] : story.items()) report[key] = value;
  report["coverage"] =
      EKSHUME_TRY(casefile::CoverageJson(store, evidence, inventory, program.diagnostics));
  return {};
}

// A snapshot that `acquire` read into an image lies in a folder with its records, and so do the
// parts of a collection.
Result<bool> IsAcquiredDisk(const std::string& path) {
  if (casefile::IsCollectionFile(path)) return true;
  std::error_code error;
  const std::filesystem::path file(path);
  if (file.extension() != ".img" ||
      !std::filesystem::exists(file.parent_path() / "acquisition.json", error)) {
    return false;
  }
  return EKSHUME_TRY(casefile::ClassifyEvidence(path)) == casefile::EvidenceKind::kNode;
}

// Looks through a node's disks, brings all records into the case's event store, and says what is
// suspicious in all of it.
Result<casefile::Json> Investigate(Program& program, const std::vector<std::string>& paths,
                                   casefile::DetectionRules rules, casefile::Case& opened_case) {
  const FreedMemoryReturner returner;
  std::vector<std::string> disks;
  std::vector<casefile::LogFile> logs;
  for (const std::string& path : paths) {
    if (program.remote->Recognises(path) ||
        EKSHUME_TRY(casefile::ClassifyEvidence(path)) == casefile::EvidenceKind::kNode) {
      disks.push_back(path);
      continue;
    }
    for (casefile::LogFile& file : EKSHUME_TRY(casefile::ListLogFiles(path))) {
      if (EKSHUME_TRY(IsAcquiredDisk(file.path))) {
        disks.push_back(std::move(file.path));
      } else {
        logs.push_back(std::move(file));
      }
    }
  }
  casefile::Json report = {{"tool", "ekshume"}, {"version", EKSHUME_VERSION}};
  report["evidence"] = casefile::Json::array();
  std::unique_ptr<casefile::Evidence> evidence;
  std::optional<casefile::NodeInvestigation> node;
  if (!disks.empty()) {
    casefile::EvidenceOptions evidence_options;
    evidence_options.raw = program.raw;
    evidence_options.force = program.force;
    evidence_options.scratch = &opened_case.scratch();
    evidence_options.progress = &program.progress;
    evidence_options.remote = program.remote.get();
    program.progress.SetStage("opening");
    evidence = EKSHUME_TRY(casefile::Evidence::Open(disks, evidence_options, program.diagnostics));
    node = EKSHUME_TRY(casefile::Investigate(*evidence, program.diagnostics, program.progress));
    report = std::move(node->report);
  }
  const std::unique_ptr<event::Store> store =
      EKSHUME_TRY(event::Store::Open(opened_case.directory(), event::Store::Access::kWrite));
  std::vector<casefile::IngestSummary> summaries;
  if (node) {
    summaries.push_back(
        EKSHUME_TRY(casefile::IngestNode(*evidence, node->inventory, NodeName(disks), *store,
                                         program.diagnostics, program.progress)));
    summaries.push_back(EKSHUME_TRY(casefile::IngestLive(*evidence, node->inventory, *store,
                                                         program.diagnostics, program.progress)));
  }
  if (!logs.empty()) {
    summaries.push_back(
        EKSHUME_TRY(casefile::IngestLogs(logs, *store, program.diagnostics, program.progress)));
  }
  const auto gave_nothing = [](const casefile::IngestSummary& summary) {
    return summary.known.empty() && std::ranges::all_of(summary.items, [](const event::Item& item) {
             return item.records == item.unknown;
           });
  };
  if (!evidence && std::ranges::all_of(summaries, gave_nothing)) {
    return Fail(ErrorCode::kUnsupported, "no filesystem and no record of a known format found");
  }
  program.progress.SetStage("joining");
  EKSHUME_TRY(store->Finish(logs.empty() ? event::Effort::kSparing : event::Effort::kFull));
  report["events"] = EKSHUME_TRY(casefile::EventsJson(summaries, *store));
  EKSHUME_TRY(
      Explain(program, evidence.get(), node ? &*node : nullptr, std::move(rules), *store, report));
  program.progress.SetStage("ordering");
  // The page can do without it, more slowly, so that no failure here is one of the investigation.
  static_cast<void>(store->KeepCoded(kManyEvents));
  if (node) EKSHUME_TRY(casefile::AddDigests(*node, report, program.progress));
  report["diagnostics"] = casefile::Json::array();
  for (const Diagnostic& diagnostic : program.diagnostics.Sorted()) {
    report["diagnostics"].push_back(casefile::ToJson(diagnostic));
  }
  report["diagnostics_suppressed"] = program.diagnostics.Suppressed();
  return report;
}

bool IsDiskOfReport(const casefile::Json& report, const std::string& path) {
  if (!report.is_object() || !report.contains("evidence")) return false;
  for (const casefile::Json& item : report["evidence"]) {
    if (!item.contains("files")) continue;
    for (const casefile::Json& file : item["files"]) {
      if (file == path) return true;
    }
  }
  return false;
}

// A case of a node stays one when only logs come in later: the report speaks of its disks as well.
Result<void> AddDisksOfCase(Program& program, const casefile::Case& opened_case,
                            std::vector<std::string>& paths) {
  std::set<std::string> given;
  for (const std::string& path : paths) {
    given.insert(program.remote->Recognises(path)
                     ? path
                     : std::filesystem::absolute(path).lexically_normal().string());
  }
  const Result<std::string> before = opened_case.Report();
  const casefile::Json report =
      before ? casefile::Json::parse(*before, nullptr, false) : casefile::Json();
  for (const std::string& path : opened_case.evidence_paths()) {
    if (given.contains(path)) continue;
    std::error_code error;
    if (program.remote->Recognises(path)) {
      paths.push_back(path);
    } else if (!std::filesystem::exists(path, error)) {
      if (IsDiskOfReport(report, path)) {
        program.diagnostics.Report(DiagnosticCode::kFilesystemUnreadable, path,
                                   "a disk of this case is not there any more");
      }
    } else if (EKSHUME_TRY(casefile::ClassifyEvidence(path)) == casefile::EvidenceKind::kNode) {
      paths.push_back(path);
    }
  }
  return {};
}

Result<void> Run(Program& program, const InvestigateOptions& options) {
  std::vector<std::string> paths = options.evidence;
  std::string directory = options.case_directory;
  // A case as evidence means: again, with what it holds.
  if (paths.size() == 1 && casefile::Case::IsCase(paths.front())) {
    directory = paths.front();
    paths = EKSHUME_TRY(casefile::Case::Open(directory))->evidence_paths();
  }
  for (const std::string& path : paths) {
    std::error_code error;
    if (path != "-" && !program.remote->Recognises(path) && !std::filesystem::exists(path, error)) {
      return Fail(ErrorCode::kNotFound, fmt::format("no such file: {}", path));
    }
  }
  if (directory.empty()) directory = DefaultCase(paths.front());
  if (program.aws.session_name.empty()) program.aws.session_name = RoleSessionName(directory);
  std::error_code error;
  const bool existed = std::filesystem::exists(directory, error);
  casefile::DetectionRules rules =
      EKSHUME_TRY(RulesToAsk(options.rules, !options.no_rules, program.diagnostics));
  const auto opened_case = EKSHUME_TRY(casefile::Case::OpenOrCreate(directory));
  EKSHUME_TRY(AddDisksOfCase(program, *opened_case, paths));

  Result<casefile::Json> report = Investigate(program, paths, std::move(rules), *opened_case);
  if (!report) {
    // A case that holds nothing yet is no use to anyone.
    if (!existed) std::filesystem::remove_all(directory, error);
    return report.error();
  }
  EKSHUME_TRY(opened_case->AddEvidencePaths(paths));
  const std::string text = casefile::Dump(*report, 2) + "\n";
  EKSHUME_TRY(opened_case->WriteReport(text));
  casefile::CustodyEntry entry;
  entry.action = "investigate";
  entry.arguments = options.command_line;
  for (const casefile::Json& item : (*report)["evidence"]) {
    if (!item.contains("hashes")) continue;
    for (const casefile::Json& file : item["hashes"]) {
      entry.evidence.push_back({file["path"].get<std::string>(), file["size"].get<uint64_t>(),
                                file["sha256"].get<std::string>()});
    }
  }
  for (const casefile::Json& item : (*report)["events"]["items"]) {
    if (item["sha256"].get<std::string>().empty()) continue;
    entry.evidence.push_back({item["name"].get<std::string>(), item["size"].get<uint64_t>(),
                              item["sha256"].get<std::string>()});
  }
  EKSHUME_TRY(casefile::RecordCustody(*opened_case, entry, {options.operator_name, nullptr}));

  const auto output = EKSHUME_TRY(program.OpenOutput());
  switch (program.format) {
    case OutputFormat::kTable:
      output->Write(VerdictPage(*report, directory));
      if (report->contains("node")) output->Write(ReportPage(*report, directory));
      output->Write(EventsPage(*report, directory));
      output->Write(
          fmt::format("\nCase: {} (report.json, events.duckdb, custody.jsonl)\n", directory));
      break;
    case OutputFormat::kJson: output->Write(text); break;
    case OutputFormat::kJsonLines: output->Write(casefile::Dump(*report) + "\n"); break;
    case OutputFormat::kCsv:
      return Fail(ErrorCode::kInvalidArgument, "a report is no table: use --format json");
  }
  return output->Finish();
}

}  // namespace

void AddInvestigateVerb(Program& program) {
  CLI::App* verb = program.app.add_subcommand(
      "investigate", "the main job: which node, which pods, what changed; leaves a case");
  verb->footer(
      "All disks given are taken to be of one node: its images, or folders with its files. Logs\n"
      "(Kubernetes audit, CloudTrail, GuardDuty, flow logs, ...) may come in any wrapping: files,\n"
      "folders, archives. What was read once is not read again.\n"
      "The case folder gets the report (report.json), the events (events.duckdb, records.zst), "
      "the\n"
      "custody ledger and indexes; the evidence itself is never changed.\n"
      "Examples:\n"
      "  ekshume investigate disk.img\n"
      "  ekshume investigate root.img data.img.zst --case incident-42\n"
      "  ekshume investigate disk.img audit.log.gz AWSLogs/ findings.json --case incident-42\n"
      "  ekshume investigate snap-0123456789abcdef0 --region eu-central-1     only needed blocks "
      "are "
      "fetched\n"
      "  ekshume investigate disk.001 --format json --output report.json");
  const auto options = std::make_shared<InvestigateOptions>();
  verb->add_option("evidence", options->evidence,
                   "disk images, snapshots of EBS (snap-...), logs, folders, archives, or one case")
      ->required()
      ->type_name("EVIDENCE...");
  verb->add_option("--case", options->case_directory,
                   "the case folder to make or to go on with (default: NAME.case here)")
      ->type_name("DIR");
  verb->add_option("--rules", options->rules.paths,
                   "Sigma rules to ask besides those that ship: a file or folder (may be repeated)")
      ->type_name("DIR")
      ->allow_extra_args(false);
  verb->add_flag("--no-rules", options->no_rules, "do not ask the rules that ship");
  AddFileRuleOptions(*verb, options->rules);
  AddPlaceholderOptions(*verb, options->rules);
  AddAwsOptions(*verb, program.aws);
  verb->add_option("--operator", options->operator_name,
                   "for whom this is done, as the custody ledger shall name it")
      ->type_name("NAME");
  verb->add_flag("--raw", program.raw,
                 "read the disks as they lie: do not replay the filesystems' logs");
  verb->add_flag("--force", program.force, "go on in spite of unknown incompatible features");
  program.AddOutputOptions(*verb);
  verb->callback([&program, options] {
    options->command_line = program.command_line;
    program.action = [&program, options] { return Run(program, *options); };
  });
}

}  // namespace ekshume::cli
