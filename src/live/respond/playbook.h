// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "live/aws/client.h"
#include "live/kubernetes/client.h"
#include "live/respond/plan.h"

namespace ekshume::live::respond {

// What a plan can be made for, as people write it.
inline constexpr const char* kTargets =
    "pod/NAMESPACE/NAME, node/NAME, serviceaccount/NAMESPACE/NAME, user/NAME, group/NAME, "
    "clusterrolebinding/NAME, rolebinding/NAMESPACE/NAME, "
    "deployment|statefulset|daemonset|cronjob/NAMESPACE/NAME, secret/NAMESPACE/NAME, "
    "webhook/NAME, apiservice/NAME, aws-auth/ARN or image/NAME@sha256:DIGEST";

// What plans that reach into AWS may be told.
struct CloudRequest {
  std::string session;                  // of a role: the name of one session to deny
  std::string pod_uid;                  // of a role: the pod whose sessions to deny (Pod Identity)
  std::string instance;                 // of a role: the instance whose sessions to deny
  std::string share_with;               // the account that may use the snapshots
  std::string swap_profile;             // the profile that an instance gets in place of its own
  std::vector<std::string> allow_from;  // what may still reach a cluster's public endpoint
  int lock_days = 30;                   // how long snapshots are locked
};

struct PlanRequest {
  std::string target;  // one of kTargets or kCloudTargets
  std::string case_id;
  std::string by;                    // who makes it
  std::string memory = "anonymous";  // what `acquire pod` takes of it
  int64_t revision = 0;              // of a workload to go back to; 0: the one before
  std::vector<std::string> kills;    // PID:START_TICKS of processes of the pod, as acquired
  std::vector<std::string> probes;   // HOST:PORT that the pod must not reach; the API server's too
  CloudRequest cloud;
};

// What is asked while a plan is made. Both may be null: targets say which they need, and a pod or a
// node gets its steps in AWS when `aws` is there.
struct PlanSources {
  kubernetes::Client* cluster = nullptr;
  const aws::Client* aws = nullptr;
};

// Whether a target is in AWS alone, one of kCloudTargets.
bool IsCloudTarget(std::string_view target);
inline constexpr std::string_view kCloudTargets =
    "role/NAME, iam-user/NAME, key/AKIA..., instance/i-..., association/CLUSTER/ID, "
    "access-entry/CLUSTER/ARN, cluster/NAME or ecr-image/REPOSITORY@sha256:...";

// The steps for a target in forensic order: record, shield from automation, save what the API has,
// contain identity silently, capture what is volatile, detach, cut the network, verify, disk,
// eradicate. Only reads. Says which permissions are missing. kNotFound without the target,
// kInvalidArgument for one of another form.
Result<Plan> MakePlan(const PlanRequest& request, const PlanSources& sources);

// One plan for what the incidents of a case name as affected, its report.json given as text: the
// steps of all targets, phase by phase, and those of the identities of AWS when `sources.aws` is
// there. What is not in the cluster any more, or cannot be asked for, becomes a manual step that
// says why. `request.target` is what the plan is called.
// kInvalidArgument when the report is none, kNotFound when its incidents name nothing.
Result<Plan> MakeCasePlan(const PlanRequest& request, std::string_view report,
                          const PlanSources& sources);

}  // namespace ekshume::live::respond
