// SPDX-License-Identifier: Apache-2.0
#include "cli/acquire.h"

#include <fmt/format.h>

#include "base/text.h"
#include "casefile/json.h"

namespace ekshume::cli {

CLI::App* AcquireGroup(Program& program) {
  for (CLI::App* group : program.app.get_subcommands([](CLI::App*) { return true; })) {
    if (group->get_name() == "acquire") return group;
  }
  CLI::App* group = program.app.add_subcommand(
      "acquire", "get evidence from a running cluster and from AWS before it is gone");
  group->require_subcommand(1);
  return group;
}

void AddAcquireOptions(CLI::App& verb, Program& program, AcquireOptions& options) {
  verb.add_option("--case", options.case_directory,
                  "the case that receives it (its folder acquired/, its custody ledger)")
      ->type_name("DIR");
  verb.add_option("--output-folder", options.output_folder, "a new folder to put it into instead")
      ->type_name("DIR");
  program.AddOutputOptions(verb);
}

Result<std::unique_ptr<live::Acquisition>> BeginAcquisition(Program& program,
                                                            const AcquireOptions& options) {
  return live::Acquisition::Begin({.case_directory = options.case_directory,
                                   .output_directory = options.output_folder,
                                   .kind = options.kind,
                                   .target = options.target,
                                   .arguments = program.command_line},
                                  program.diagnostics);
}

Result<void> EndAcquisition(Program& program, const AcquireOptions& options,
                            live::Acquisition& acquisition, const Result<void>& done,
                            std::string_view missing_permission) {
  if (!done) acquisition.Failed(options.target, done.error().message, missing_permission);
  EKSHUME_TRY(acquisition.Finish());
  if (!done) return done.error();
  const auto output = EKSHUME_TRY(program.OpenOutput());
  if (program.format == OutputFormat::kTable) {
    output->Write(fmt::format("{}\n", EscapeForTerminal(acquisition.directory())));
  } else {
    const casefile::Json record = casefile::Json::parse(acquisition.Record(), nullptr, false);
    output->Write(casefile::Dump(record, program.format == OutputFormat::kJson ? 2 : -1) + "\n");
  }
  return output->Finish();
}

}  // namespace ekshume::cli
