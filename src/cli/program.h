// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/case.h"
#include "casefile/evidence.h"
#include "cli/aws_options.h"
#include "cli/output.h"
#include "cli/rows.h"

namespace ekshume::cli {

// What every verb shares: the options that all take, the diagnostics of this run, and the action
// that the command line chose. Made in main, lives until exit.
struct Program {
  explicit Program(CLI::App& app_in) : app(app_in) {}

  CLI::App& app;
  DiagnosticSink diagnostics;
  Progress progress;
  std::function<Result<void>()> action;  // set by the verb's callback
  bool has_failures = false;             // the action found what it checks wrong: exit code 1
  std::optional<int> exit_code;          // of an action that decides it alone

  std::vector<std::string> command_line;  // as it was given, for the custody ledger

  OutputFormat format = OutputFormat::kTable;
  std::string output_path;
  bool quiet = false;    // no diagnostics of severity info or notice, no progress
  bool verbose = false;  // diagnostics of every severity

  // Evidence options, where a verb takes evidence.
  std::string evidence_path;
  std::vector<std::string> more_disks;
  std::optional<int> partition;
  bool raw = false;
  bool force = false;

  live::aws::ConnectionOptions aws;  // where a verb speaks to AWS
  // Opens what is no file (snap-0123...); set in main.
  std::unique_ptr<casefile::RemoteEvidence> remote;

  // The case that `evidence_path` names, if it names one; keeps its index folder in use.
  std::unique_ptr<casefile::Case> opened_case;
  std::unique_ptr<casefile::Evidence> evidence;

  // Adds --format and --output to a verb.
  void AddOutputOptions(CLI::App& verb);
  // Adds the positional EVIDENCE and --disk, --raw, --force; `with_partition` also --partition.
  void AddEvidenceOptions(CLI::App& verb, bool with_partition);
  // Opens `evidence_path`: an image, a folder, or a case whose evidence it then is.
  Result<const casefile::Evidence*> OpenEvidence();
  // Opens the evidence and reads every container store in it. Fails with kNotFound when there is
  // nothing of containers or pods in it at all.
  Result<runtime::Inventory> ReadInventory();
  Result<std::unique_ptr<Output>> OpenOutput() const { return Output::Open(output_path); }
};

// Each adds one verb, with its help and examples, to the program. One file per verb.
void AddInvestigateVerb(Program& program);
void AddImageVerb(Program& program);
void AddFsVerb(Program& program);
void AddContainersVerb(Program& program);
void AddPodsVerb(Program& program);
void AddImagesVerb(Program& program);
void AddWhoisVerb(Program& program);
void AddProcessesVerbs(Program& program);  // processes, sockets
void AddCaseVerb(Program& program);
void AddSearchVerbs(Program& program);  // search, timeline, sql
void AddExportVerb(Program& program);
void AddHuntVerb(Program& program);
void AddFindingsVerb(Program& program);
void AddRulesVerb(Program& program);
void AddReportVerb(Program& program);
void AddWatchVerb(Program& program);
void AddAcquireAwsVerbs(Program& program);  // acquire snapshot, logs, trail, ...
void AddAcquirePodVerb(Program& program);   // acquire pod
void AddRespondVerb(Program& program);
void AddCollectVerb(Program& program);
// Sets the action and returns true when the command line is that of `collect`, which is not parsed
// as others are.
bool TakeCollectVerb(Program& program);

}  // namespace ekshume::cli
