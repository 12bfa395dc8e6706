// SPDX-License-Identifier: Apache-2.0
#include "live/ssh/acquire_node.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "collection/find_collector.h"
#include "live/acquire/collection_parts.h"
#include "live/acquire/names.h"

namespace ekshume::live::ssh {
namespace {

constexpr int kParts = 5;
// Finds a folder that lets programs start, takes the program from standard input, deletes it and
// runs it through the descriptor that the shell, which waits, still has open (sudo closes its own).
// {} is the program's length; the collector's arguments follow as the script's.
constexpr std::string_view kScript =
    "umask 077; s=; [ \"$(id -u)\" = 0 ] || s='sudo -n'; f=; "
    "for d in /dev/shm /run /tmp /var/tmp; do f=$d/.ekshume-$$; "
    "(printf '#!/bin/sh\\nexit 0\\n' >\"$f\" && chmod 700 \"$f\" && \"$f\") 2>/dev/null && break; "
    "rm -f \"$f\"; f=; done; "
    "[ -n \"$f\" ] || {{ echo 'no folder lets programs start' >&2; exit 126; }}; "
    "head -c {} >\"$f\" && exec 9<\"$f\"; rm -f \"$f\"; "
    "$s /proc/$$/fd/9 \"$@\"; exit $?";

// What the node said of a failure, as one line.
std::string Words(const SshOutcome& outcome) {
  std::string_view text = outcome.errors;
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text.empty() ? fmt::format("it ended with {}", outcome.exit_code)
                      : EscapeForTerminal(text);
}

Result<std::string> Architecture(const SshTarget& target, const Progress& progress) {
  std::string name;
  const SshOutcome outcome = EKSHUME_TRY(Run(
      target, "uname -m", {},
      [&](ByteView bytes) -> Result<void> {
        if (name.size() < limits::kMaxSmallFileBytes) name += bytes.AsText();
        return {};
      },
      &progress));
  if (outcome.exit_code != 0) {
    return Fail(ErrorCode::kIo, fmt::format("ssh {}: {}", target.host, Words(outcome)));
  }
  while (name.ends_with('\n') || name.ends_with('\r')) name.pop_back();
  return name;
}

std::string CommandLine(size_t program_bytes, const std::vector<std::string>& arguments) {
  std::string command =
      fmt::format("exec sh -c {} ekshume", ShellQuote(fmt::format(kScript, program_bytes)));
  for (const std::string& argument : arguments) command += fmt::format(" {}", ShellQuote(argument));
  return command;
}

}  // namespace

Result<void> AcquireNode(const NodeRequest& request, Acquisition& acquisition,
                         DiagnosticSink& diagnostics, const Progress& progress) {
  std::string path = request.collector;
  if (path.empty()) {
    const std::string machine = EKSHUME_TRY(Architecture(request.target, progress));
    path = EKSHUME_TRY(collection::FindCollectorProgram(machine));
  }
  const std::string program = EKSHUME_TRY(collection::ReadCollectorProgram(path));
  acquisition.Note("traces",
                   "logins and commands in the node's logs (sshd, sudo); the collector was a file "
                   "in memory, or in /tmp where that lets no program start, which was deleted "
                   "before it ran");
  std::vector<std::string> names;
  for (int part = 1; part <= kParts; ++part) {
    std::vector<std::string> arguments = request.arguments;
    std::string skip;
    if (!names.empty()) {
      const CollectionParts received =
          EKSHUME_TRY(ReadCollectionParts(acquisition.directory(), names));
      arguments.insert(arguments.end(), {"--skip", "-", "--resumes", received.stream_id, "--part",
                                         fmt::format("{}", names.size() + 1)});
      skip = received.members;
    }
    const std::string name = fmt::format("collection/part-{}.ekc", names.size() + 1);
    const auto file =
        EKSHUME_TRY(acquisition.Create(name, fmt::format("ssh {}", request.target.host)));
    const SshOutcome outcome = EKSHUME_TRY(Run(
        request.target, CommandLine(program.size(), arguments), {program, skip},
        [&](ByteView bytes) { return file->Write(bytes); }, &progress));
    if (file->size_bytes() == 0) {
      if (outcome.exit_code == kSshFailed && part < kParts && part > 1) continue;
      return Fail(ErrorCode::kIo, fmt::format("{}: {}", request.target.host, Words(outcome)));
    }
    EKSHUME_TRY(file->Finish());
    names.push_back(name);
    if (outcome.exit_code > 1 && outcome.exit_code != kSshFailed) {
      return Fail(ErrorCode::kIo,
                  fmt::format("the collector on {}: {}", request.target.host, Words(outcome)));
    }
    if (EKSHUME_TRY(ReadCollectionParts(acquisition.directory(), names)).complete) return {};
    diagnostics.Report(DiagnosticCode::kAcquireCut, name, Words(outcome));
  }
  return Fail(ErrorCode::kIo, fmt::format("the stream was cut {} times", names.size()));
}

}  // namespace ekshume::live::ssh
