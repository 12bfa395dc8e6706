// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "base/text.h"
#include "cli/acquire_kubernetes.h"
#include "cli/memory.h"
#include "cli/program.h"
#include "cli/progress_line.h"
#include "cli/serve_verb.h"

namespace ekshume::cli {
namespace {

// The contract of docs/cli.md.
enum ExitCode { kDone = 0, kEvidenceLoss = 1, kUsage = 2, kCannot = 3, kBug = 4 };

Progress* g_progress_of_signal_handler = nullptr;

extern "C" void OnInterrupt(int) {
  // A second Ctrl-C ends at once: the first one asked politely.
  if (g_progress_of_signal_handler->cancelled()) _exit(128 + SIGINT);
  g_progress_of_signal_handler->Cancel();
}

void InstallSignalHandlers(Progress& progress) {
  g_progress_of_signal_handler = &progress;
  struct sigaction action{};
  action.sa_handler = OnInterrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

// Diagnostics go to standard error, so that standard output stays pure.
void PrintDiagnostics(const Program& program) {
  for (const Diagnostic& diagnostic : program.diagnostics.Sorted()) {
    const Severity severity = DiagnosticSeverity(diagnostic.code);
    if (severity < Severity::kDataLoss && (program.quiet || !program.verbose)) continue;
    std::string line =
        fmt::format("ekshume: {}: {}", SeverityName(severity), DiagnosticSentence(diagnostic.code));
    if (!diagnostic.evidence.empty()) line += ": " + EscapeForTerminal(diagnostic.evidence);
    if (diagnostic.offset_bytes) line += fmt::format(" at {:#x}", *diagnostic.offset_bytes);
    if (!diagnostic.detail.empty()) line += ": " + EscapeForTerminal(diagnostic.detail);
    fmt::print(stderr, "{}\n", line);
  }
  if (const uint64_t suppressed = program.diagnostics.Suppressed(); suppressed > 0) {
    fmt::print(stderr, "ekshume: {} further diagnostics of the same kinds\n", suppressed);
  }
}

int Run(int argc, char** argv) {
  CLI::App app("ekshume digs compromised containers out of EKS nodes and any other Kubernetes.");
  app.set_version_flag("--version", "ekshume " EKSHUME_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  ekshume investigate disk.img --case mycase     who was on this node, and what changed\n"
      "  ekshume search mycase 'actor:mallory AND verb:exec'\n"
      "  ekshume containers list disk.img\n"
      "  ekshume containers diff disk.img 376ed2ebfa27\n"
      "  ekshume fs find disk.img /etc --format jsonl\n\n"
      "EVIDENCE is a disk image (raw, split raw, gzip, zstd), a folder, or a case made by\n"
      "`investigate`. It is never written to; no root and no mount are needed.\n"
      "Exit codes: 0 done; 1 done, but evidence was lost or damaged; 2 usage; 3 cannot open, "
      "find,\n"
      "write, or unsupported; 4 a bug in ekshume.");
  Program program(app);
  program.command_line.assign(argv, argv + argc);
  program.remote = MakeSnapshotEvidence(program.aws, program.diagnostics, program.progress);
  app.add_flag("-q,--quiet", program.quiet, "no progress, only what was lost");
  app.add_flag("-v,--verbose", program.verbose, "diagnostics of every severity");
  int progress_descriptor = -1;
  app.add_option(
         "--progress-fd", progress_descriptor,
         "progress as lines of JSON on this open descriptor; the run ends when it is closed")
      ->check(CLI::Range(3, 1023))
      ->type_name("N");
  app.fallthrough();
  AddInvestigateVerb(program);
  AddImageVerb(program);
  AddFsVerb(program);
  AddContainersVerb(program);
  AddPodsVerb(program);
  AddImagesVerb(program);
  AddWhoisVerb(program);
  AddProcessesVerbs(program);
  AddSearchVerbs(program);
  AddExportVerb(program);
  AddHuntVerb(program);
  AddFindingsVerb(program);
  AddRulesVerb(program);
  AddReportVerb(program);
  AddCaseVerb(program);
  AddServeVerb(program);
  AddUsersVerb(program);
  AddAcquireAwsVerbs(program);
  AddAcquirePodVerb(program);
  AddAcquireClusterVerb(program);
  AddOperatorVerb(program);
  AddWatchVerb(program);
  AddRespondVerb(program);
  AddCollectVerb(program);
  try {
    if (!TakeCollectVerb(program)) app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }

  InstallSignalHandlers(program.progress);
  if (progress_descriptor >= 0 && fcntl(progress_descriptor, F_SETFD, FD_CLOEXEC) != 0) {
    fmt::print(stderr, "ekshume: --progress-fd {} is not open\n", progress_descriptor);
    return kUsage;
  }
  Result<void> result;
  {
    const ProgressLine line(program.progress, !program.quiet, progress_descriptor);
    result = program.action();
  }
  program.evidence.reset();  // snapshots say how much of them was fetched
  PrintDiagnostics(program);
  if (program.exit_code) return *program.exit_code;
  if (!result) {
    fmt::print(stderr, "ekshume: {}\n", EscapeForTerminal(result.error().message));
    return result.error().code == ErrorCode::kInvalidArgument ? kUsage : kCannot;
  }
  return program.has_failures || program.diagnostics.HasLoss() ? kEvidenceLoss : kDone;
}

}  // namespace
}  // namespace ekshume::cli

int main(int argc, char** argv) {
  try {
    ekshume::cli::KeepFreedMemory();
    return ekshume::cli::Run(argc, argv);
  } catch (const std::exception& exception) {
    fmt::print(stderr, "ekshume: bug: {}\n", exception.what());
    return ekshume::cli::kBug;
  }
}
