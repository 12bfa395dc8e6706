// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "casefile/case.h"
#include "casefile/investigation.h"
#include "cli/program.h"
#include "cli/report_page.h"

namespace ekshume::cli {
namespace {

struct InvestigateOptions {
  std::vector<std::string> evidence;
  std::string case_directory;
  std::vector<std::string> command_line;
};

// "disk.img.zst" -> "disk.case" in the current folder.
std::string DefaultCase(const std::string& evidence) {
  std::filesystem::path name = std::filesystem::path(evidence).lexically_normal().filename();
  if (name.empty()) name = "evidence";
  const std::string stem = name.string().substr(0, name.string().find('.', 1));
  return stem + ".case";
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
    if (path != "-" && !std::filesystem::exists(path, error)) {
      return Fail(ErrorCode::kNotFound, fmt::format("no such file: {}", path));
    }
  }
  if (directory.empty()) directory = DefaultCase(paths.front());
  std::error_code error;
  const bool existed = std::filesystem::exists(directory, error);
  const auto opened_case = EKSHUME_TRY(casefile::Case::OpenOrCreate(directory));

  const auto investigate = [&]() -> Result<casefile::Json> {
    casefile::EvidenceOptions evidence_options;
    evidence_options.raw = program.raw;
    evidence_options.force = program.force;
    evidence_options.scratch = &opened_case->scratch();
    evidence_options.progress = &program.progress;
    program.progress.SetStage("opening");
    const auto evidence =
        EKSHUME_TRY(casefile::Evidence::Open(paths, evidence_options, program.diagnostics));
    return casefile::Investigate(*evidence, program.diagnostics, program.progress);
  };
  const Result<casefile::Json> report = investigate();
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
  EKSHUME_TRY(opened_case->Record(entry));

  const auto output = EKSHUME_TRY(program.OpenOutput());
  switch (program.format) {
    case OutputFormat::kTable:
      output->Write(ReportPage(*report, directory));
      output->Write(fmt::format("\nCase: {} (report.json, custody.jsonl)\n", directory));
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
      "All evidence given is taken to be of one node: its disks, or folders with its files.\n"
      "The case folder gets the report (report.json), the custody ledger and indexes; the "
      "evidence\n"
      "itself is never changed.\n"
      "Examples:\n"
      "  ekshume investigate disk.img\n"
      "  ekshume investigate root.img data.img.zst --case incident-42\n"
      "  ekshume investigate disk.001 --format json --output report.json");
  const auto options = std::make_shared<InvestigateOptions>();
  verb->add_option("evidence", options->evidence, "disk images, folders, or one case")
      ->required()
      ->type_name("EVIDENCE...");
  verb->add_option("--case", options->case_directory,
                   "the case folder to make or to go on with (default: NAME.case here)")
      ->type_name("DIR");
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
