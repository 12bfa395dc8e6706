// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "live/kubernetes/client.h"
#include "live/respond/plan.h"

namespace ekshume::live::respond {

struct PlanRequest {
  // pod/NAMESPACE/NAME, node/NAME, serviceaccount/NAMESPACE/NAME, user/NAME, group/NAME,
  // clusterrolebinding/NAME or rolebinding/NAMESPACE/NAME.
  std::string target;
  std::string case_id;
  std::string by;                    // who makes it
  std::string memory = "anonymous";  // what `acquire pod` takes of it
  std::vector<std::string> probes;   // HOST:PORT that the pod must not reach; the API server's too
};

// The steps for a target in forensic order: record, shield from automation, save what the API has,
// contain identity silently, capture what is volatile, detach, cut the network, verify, disk,
// eradicate. Only reads. Says which permissions are missing. kNotFound without the target,
// kInvalidArgument for one of another form.
Result<Plan> MakePlan(const PlanRequest& request, kubernetes::Client& client);

}  // namespace ekshume::live::respond
