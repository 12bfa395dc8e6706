// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cli/acquire_kubernetes.h"
#include "live/aws/connection.h"
#include "live/respond/plan.h"

namespace ekshume::cli {

// What a plan of response speaks to: a cluster, AWS, or both.
struct RespondAccess {
  KubernetesConnection cluster;  // its client is null for plans in AWS alone
  std::unique_ptr<live::aws::Connection> aws_connection;
  const live::aws::Client* aws = nullptr;  // of aws_connection
};

// For making a plan. A target in a cluster has AWS too when there are credentials (`may_use_aws`).
Result<RespondAccess> AccessForTarget(Program& program, const KubernetesOptions& options,
                                      const std::string& case_directory, const std::string& target,
                                      bool may_use_aws);
// For carrying one out. kInvalidArgument when it is for another cluster or another account.
Result<RespondAccess> AccessForPlan(Program& program, const KubernetesOptions& options,
                                    const std::string& case_directory,
                                    const live::respond::Plan& plan);

}  // namespace ekshume::cli
