// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cli/acquire_kubernetes.h"
#include "live/aws/connection.h"
#include "live/aws/sts.h"
#include "live/respond/plan.h"

namespace ekshume::cli {

// What a plan of response speaks to: a cluster, AWS, or both.
struct RespondAccess {
  KubernetesConnection cluster;  // its client is null for plans in AWS alone
  std::unique_ptr<live::aws::Connection> aws_connection;
  const live::aws::Client* aws = nullptr;  // of aws_connection
  live::aws::CallerIdentity caller;        // who we are there, of AccessForPlan()
};

// For making a plan. A target in a cluster has AWS too when there are credentials (`may_use_aws`);
// a case may do with AWS alone (`may_lack_cluster`).
Result<RespondAccess> AccessForTarget(Program& program, const KubernetesOptions& options,
                                      const std::string& case_directory, const std::string& target,
                                      bool may_use_aws, bool may_lack_cluster);
// For carrying one out. kInvalidArgument when it is for another cluster or another account.
Result<RespondAccess> AccessForPlan(Program& program, const KubernetesOptions& options,
                                    const std::string& case_directory,
                                    const live::respond::Plan& plan);

}  // namespace ekshume::cli
