// SPDX-License-Identifier: Apache-2.0
#include "cli/respond_access.h"

#include <fmt/format.h>

#include "cli/aws_options.h"
#include "live/respond/playbook.h"

namespace ekshume::cli {
namespace {

AcquireOptions InCase(const std::string& case_directory) {
  return {.kind = "", .target = "", .case_directory = case_directory, .output_folder = ""};
}

Result<void> ConnectAws(Program& program, const std::string& case_directory,
                        RespondAccess& access) {
  if (program.aws.session_name.empty()) {
    program.aws.session_name = RoleSessionName(case_directory);
  }
  access.aws_connection =
      EKSHUME_TRY(live::aws::Connection::Open(program.aws, program.diagnostics, &program.progress));
  access.aws = EKSHUME_TRY(access.aws_connection->client());
  return {};
}

}  // namespace

Result<RespondAccess> AccessForTarget(Program& program, const KubernetesOptions& options,
                                      const std::string& case_directory, const std::string& target,
                                      bool may_use_aws, bool may_lack_cluster) {
  RespondAccess access;
  if (live::respond::IsCloudTarget(target)) {
    EKSHUME_TRY(ConnectAws(program, case_directory, access));
    return access;
  }
  // Without credentials a plan says what people must do in AWS.
  if (may_use_aws && !ConnectAws(program, case_directory, access)) access.aws = nullptr;
  auto cluster = ConnectKubernetes(program, options, InCase(case_directory));
  if (!cluster && !(may_lack_cluster && access.aws != nullptr)) return cluster.error();
  if (cluster) access.cluster = std::move(*cluster);
  return access;
}

Result<RespondAccess> AccessForPlan(Program& program, const KubernetesOptions& options,
                                    const std::string& case_directory,
                                    const live::respond::Plan& plan) {
  RespondAccess access;
  if (!plan.server.empty()) {
    access.cluster = EKSHUME_TRY(ConnectKubernetes(program, options, InCase(case_directory)));
    const std::string& server = access.cluster.client->access().server;
    if (server != plan.server) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("the plan is for the cluster at {}, not for {}", plan.server, server));
    }
  }
  if (!plan.account.empty()) {
    EKSHUME_TRY(ConnectAws(program, case_directory, access));
    access.caller = EKSHUME_TRY(live::aws::GetCallerIdentity(*access.aws));
    if (access.caller.account != plan.account) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("the plan is for the AWS account {}, not for {} ({})", plan.account,
                              access.caller.account, access.caller.arn));
    }
  }
  return access;
}

}  // namespace ekshume::cli
