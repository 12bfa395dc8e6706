// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "live/kubernetes/client.h"
#include "live/respond/playbook.h"

namespace ekshume::live::respond {

// What playbooks share while they make a plan: the API, and the plan so far.
class PlanMaker {
 public:
  PlanMaker(const PlanRequest& request, kubernetes::Client& client);

  const PlanRequest& request() const { return request_; }
  kubernetes::Client& client() { return client_; }
  Plan& plan() { return plan_; }
  // What our labels say: the moment of the plan, fit to be a label's value.
  const std::string& mark() const { return mark_; }

  void Warn(std::string warning) { plan_.warnings.push_back(std::move(warning)); }
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

  // Asks which permissions of the steps are missing, and hands the plan over.
  Plan Finish();

 private:
  const PlanRequest& request_;
  kubernetes::Client& client_;
  std::string mark_;
  Plan plan_;
};

// Removes subjects from every role binding, of the namespaces and of the cluster, that has one that
// `is_wanted` takes; `enabled` says whether the steps are to be done unless somebody says
// otherwise.
Result<size_t> AddBindingSteps(PlanMaker& maker, bool enabled, std::string_view reason,
                               const std::function<bool(const Json& subject)>& is_wanted);

// The playbooks.
Result<void> PlanPod(PlanMaker& maker, std::string_view in_namespace, std::string_view name);
Result<void> PlanNode(PlanMaker& maker, std::string_view name);
Result<void> PlanIdentity(PlanMaker& maker, std::string_view kind, std::string_view in_namespace,
                          std::string_view name);
Result<void> PlanBinding(PlanMaker& maker, std::string_view in_namespace, std::string_view name);

}  // namespace ekshume::live::respond
