// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "live/kubernetes/client.h"
#include "live/respond/playbook.h"

namespace ekshume::live::respond {

class CloudPlanner;

// What playbooks share while they make a plan: the API, and the plan so far.
class PlanMaker {
 public:
  PlanMaker(const PlanRequest& request, const PlanSources& sources);
  ~PlanMaker();

  const PlanRequest& request() const { return request_; }
  // Only for targets in a cluster.
  kubernetes::Client& client() { return *client_; }
  // Null without AWS.
  CloudPlanner* cloud() { return cloud_.get(); }
  Plan& plan() { return plan_; }
  // What our labels say: the moment of the plan, fit to be a label's value.
  const std::string& mark() const { return mark_; }

  void Warn(std::string warning) { plan_.warnings.push_back(std::move(warning)); }
  // Gives the step an id of its own. A step that does the same to the same object stays alone.
  Step& Add(Step step);
  // A merge patch of an object as it is now.
  Step& AddPatch(std::string_view id, std::string_view phase, const std::string& object,
                 const std::string& path, const Json& now, Json patch, std::string what,
                 std::string reason);

  // A step that is neither a patch nor a removal.
  Step& AddStep(StepKind kind, std::string_view id, std::string_view phase, std::string object,
                std::string what, std::string reason);
  // Takes a pod or node away for good, which destroys what was not acquired: not enabled, and with
  // an approval only.
  Step& AddRemoval(StepKind kind, std::string_view id, std::string object, std::string path,
                   const Json& now, std::string what, std::string reason);
  // Keeps Karpenter and the cluster autoscaler from removing a node.
  Step& AddNodeShield(std::string_view name, const Json& now, std::string what, std::string reason);

  // A new object in a collection of the API.
  Step& AddCreation(std::string_view id, std::string_view phase, std::string object,
                    std::string collection, Json body, std::string what, std::string reason);
  // Deletes an object that can be made again as it was.
  Step& AddDeletion(std::string_view id, std::string_view phase, std::string object,
                    std::string path, const Json& now, std::string what, std::string reason);

  // Whether the API server has a resource: "policy/v1", "poddisruptionbudgets".
  bool Serves(const std::string& version, std::string_view resource);
  // The first of these versions of a group that has the resource; "" for none.
  std::string ServedVersion(std::initializer_list<const char*> versions, std::string_view resource);

  // Orders the steps by phase (those of several targets), each phase in the order of its making.
  void SortByPhase();
  // Asks which permissions of the steps are missing, and hands the plan over.
  Plan Finish();

 private:
  const PlanRequest& request_;
  kubernetes::Client* const client_;
  std::unique_ptr<CloudPlanner> cloud_;
  std::string mark_;
  std::map<std::string, Json> served_;  // version -> its resources, as the API server lists them
  Plan plan_;
};

// Removes subjects from every role binding, of the namespaces and of the cluster, that has one that
// `is_wanted` takes; `enabled` says whether the steps are to be done unless somebody says
// otherwise.
Result<size_t> AddBindingSteps(PlanMaker& maker, bool enabled, std::string_view reason,
                               const std::function<bool(const Json& subject)>& is_wanted);

// What pods, nodes and workloads are labelled with while they are under investigation; its value is
// PlanMaker::mark().
inline constexpr const char* kQuarantine = "ekshume.dev/quarantine";

// Cuts a pod off and tests that it is: probes before, a policy, probes after. A warning where no
// policy can.
Result<void> AddNetworkCut(PlanMaker& maker, const Json& pod);

// Blocks container images (digests "sha256:...", and names by which pods run them) or a service
// account in new pods of the whole cluster by an admission policy; a manual step where the API
// server has none.
struct AdmissionBlock {
  std::vector<std::string> images;
  std::string in_namespace;  // of the account
  std::string account;
};
void AddAdmissionBlock(PlanMaker& maker, const AdmissionBlock& block, bool enabled);

// The playbooks. Each reads the cluster and adds its steps. kNotFound without the target.
Result<void> PlanTarget(PlanMaker& maker, std::string_view target);
Result<void> PlanWorkload(PlanMaker& maker, std::string_view kind, std::string_view in_namespace,
                          std::string_view name);
Result<void> PlanCronJob(PlanMaker& maker, std::string_view in_namespace, std::string_view name);
Result<void> PlanSecret(PlanMaker& maker, std::string_view in_namespace, std::string_view name);
Result<void> PlanWebhook(PlanMaker& maker, std::string_view name);
Result<void> PlanApiService(PlanMaker& maker, std::string_view name);
Result<void> PlanAwsAuth(PlanMaker& maker, std::string_view arn);
Result<void> PlanImage(PlanMaker& maker, std::string_view image);
Result<void> PlanPod(PlanMaker& maker, std::string_view in_namespace, std::string_view name);
Result<void> PlanNode(PlanMaker& maker, std::string_view name);
Result<void> PlanIdentity(PlanMaker& maker, std::string_view kind, std::string_view in_namespace,
                          std::string_view name);
Result<void> PlanBinding(PlanMaker& maker, std::string_view in_namespace, std::string_view name);

}  // namespace ekshume::live::respond
