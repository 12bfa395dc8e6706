// SPDX-License-Identifier: Apache-2.0
#include "cli/acquire_aws.h"

#include <fmt/format.h>

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

void AddAcquireAwsOptions(CLI::App& verb, Program& program, AcquireOptions& options) {
  AddAcquireOptions(verb, program, options);
  AddAwsOptions(verb, program.aws);
}

Result<void> RunAcquisition(
    Program& program, const AcquireOptions& options, const std::string& method,
    const std::function<Result<void>(live::aws::Connection&, live::Acquisition&)>& work) {
  if (program.aws.session_name.empty()) {
    program.aws.session_name = RoleSessionName(
        options.case_directory.empty() ? options.output_folder : options.case_directory);
  }
  const auto connection =
      EKSHUME_TRY(live::aws::Connection::Open(program.aws, program.diagnostics, &program.progress));
  EKSHUME_TRY(connection->client());  // before a folder is made: no credentials, no region
  const auto acquisition = EKSHUME_TRY(BeginAcquisition(program, options));
  acquisition->SetMethod(method, "");
  RecordIdentity(*connection, *acquisition);
  const Result<void> done = work(*connection, *acquisition);
  return EndAcquisition(program, options, *acquisition, done);
}

}  // namespace ekshume::cli
