// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "cli/program.h"
#include "collect/command.h"

namespace ekshume::cli {

// The collector has its own command line, which the static program without CLI11 shares: the verb
// is here for the list of verbs, and its arguments are not CLI11's.
void AddCollectVerb(Program& program) {
  program.app.add_subcommand("collect",
                             "collects from this running node or container into one archive");
}

bool TakeCollectVerb(Program& program) {
  const std::vector<std::string>& words = program.command_line;
  if (words.size() < 2 || words[1] != "collect") return false;
  program.quiet = true;  // standard error belongs to the collector
  program.action = [&program, arguments = std::vector<std::string>(words.begin() + 2,
                                                                   words.end())]() -> Result<void> {
    program.exit_code =
        collect::RunCommand("ekshume collect", arguments, program.progress.cancel_flag());
    return {};
  };
  return true;
}

}  // namespace ekshume::cli
