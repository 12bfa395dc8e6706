// SPDX-License-Identifier: Apache-2.0
#include "cli/acquire_aws.h"

#include <fmt/format.h>

#include "base/text.h"
#include "casefile/json.h"
#include "live/aws/sts.h"

namespace ekshume::cli {
namespace {

// Who we are, which needs no permission. Not knowing it does not stop an acquisition.
void RecordIdentity(live::aws::Connection& connection, live::Acquisition& acquisition) {
  const auto client = connection.client();
  if (!client) return;
  const auto credentials = (*client)->credentials().Get();
  const std::string source =
      credentials ? fmt::format("{}, key {}", credentials->source, credentials->access_key_id) : "";
  const auto identity = live::aws::GetCallerIdentity(**client);
  if (identity) {
    acquisition.SetIdentity(identity->arn, source);
    acquisition.SetOrigin(
        fmt::format("AWS account {}, region {}", identity->account, (*client)->region()));
  } else {
    acquisition.SetIdentity("", source);
    acquisition.SetOrigin(fmt::format("AWS, region {}", (*client)->region()));
    acquisition.Failed("who we are (sts:GetCallerIdentity)", identity.error().message);
  }
  acquisition.SetClockOffset("AWS", (*client)->clock_offset_seconds());
}

}  // namespace

void AddAcquireAwsVerbs(Program& program) {
  AddAcquireSnapshotVerb(program);
  AddAcquireRecordsVerbs(program);
  AddAcquireRemoteVerbs(program);
}

CLI::App* AcquireGroup(Program& program) {
  for (CLI::App* group : program.app.get_subcommands([](CLI::App*) { return true; })) {
    if (group->get_name() == "acquire") return group;
  }
  CLI::App* group = program.app.add_subcommand(
      "acquire", "get evidence from a running cluster and from AWS before it is gone");
  group->require_subcommand(1);
  return group;
}

void AddAcquireAwsOptions(CLI::App& verb, Program& program, AcquireAwsOptions& options) {
  verb.add_option("--case", options.case_directory,
                  "the case that receives it (its folder acquired/, its custody ledger)")
      ->type_name("DIR");
  verb.add_option("--output-folder", options.output_folder, "a new folder to put it into instead")
      ->type_name("DIR");
  AddAwsOptions(verb, program.aws);
  program.AddOutputOptions(verb);
}

Result<void> RunAcquisition(
    Program& program, const AcquireAwsOptions& options, const std::string& method,
    const std::function<Result<void>(live::aws::Connection&, live::Acquisition&)>& work) {
  if (program.aws.session_name.empty()) {
    program.aws.session_name = RoleSessionName(
        options.case_directory.empty() ? options.output_folder : options.case_directory);
  }
  const auto connection =
      EKSHUME_TRY(live::aws::Connection::Open(program.aws, program.diagnostics, &program.progress));
  EKSHUME_TRY(connection->client());  // before a folder is made: no credentials, no region
  const auto acquisition =
      EKSHUME_TRY(live::Acquisition::Begin({.case_directory = options.case_directory,
                                            .output_directory = options.output_folder,
                                            .kind = options.kind,
                                            .target = options.target,
                                            .arguments = program.command_line},
                                           program.diagnostics));
  acquisition->SetMethod(method, "");
  RecordIdentity(*connection, *acquisition);
  const Result<void> done = work(*connection, *acquisition);
  if (!done) acquisition->Failed(options.target, done.error().message);
  EKSHUME_TRY(acquisition->Finish());
  if (!done) return done.error();
  const auto output = EKSHUME_TRY(program.OpenOutput());
  if (program.format == OutputFormat::kTable) {
    output->Write(fmt::format("{}\n", EscapeForTerminal(acquisition->directory())));
  } else {
    const casefile::Json record = casefile::Json::parse(acquisition->Record(), nullptr, false);
    output->Write(casefile::Dump(record, program.format == OutputFormat::kJson ? 2 : -1) + "\n");
  }
  return output->Finish();
}

}  // namespace ekshume::cli
