// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"
#include "collect/command.h"

namespace ekshume::cli {

// The collector has its own command line, which the static program without CLI11 shares.
void AddCollectVerb(Program& program) {
  CLI::App* collect = program.app.add_subcommand(
      "collect", "collects from this running node or container into one archive");
  collect->prefix_command();
  collect->set_help_flag();
  collect->callback([&program, collect] {
    program.action = [&program, collect]() -> Result<void> {
      program.exit_code = collect::RunCommand("ekshume collect", collect->remaining(),
                                              program.progress.cancel_flag());
      return {};
    };
  });
}

}  // namespace ekshume::cli
