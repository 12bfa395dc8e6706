// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "live/aws/sts.h"
#include "live/cloud_state/resource.h"
#include "live/respond/plan_maker.h"

namespace ekshume::live::respond {

// What a step in AWS is about, in words.
struct CloudStep {
  std::string id;
  std::string phase;
  std::string object;
  std::string what;
  std::string reason;
};

// What playbooks in AWS share: who we are there, and the making of steps.
class CloudPlanner {
 public:
  CloudPlanner(PlanMaker& maker, const aws::Client& client);

  PlanMaker& maker() { return maker_; }
  const CloudRequest& request() const { return maker_.request().cloud; }
  const cloud_state::Asker& asker() const { return asker_; }
  // Asks once. kIo with one sentence when AWS does not say who we are.
  Result<void> Identify();
  const aws::CallerIdentity& caller() const { return caller_; }
  // Disables the steps that would lock us out (lockout.h), with an approval on top.
  void GuardOurselves();

  // Adds a step that gives a thing another state; reads the state as it is. What cannot be read
  // gets its step without, and says that the permission is missing. Null (with a warning) for a
  // thing that is not there.
  Step* Add(CloudStep words, const char* resource, Json parameters, Json wanted);
  // The step of the plan that changes a thing, or null. Valid until the next is added.
  Step* Planned(std::string_view resource, const Json& parameters);
  // Enabled by people only, after an approval.
  static void Guard(Step& step);

  // Asks by IAM's simulation, and by EC2's dry runs where that may not be asked, which permissions
  // the steps lack; writes them into the steps.
  void CheckPermissions();

 private:
  struct Needed {
    std::string permission;
    bool is_for_undo = false;
  };
  std::vector<Needed> NeedsOf(const Step& step) const;
  // ARN for IAM's simulation, nothing for the root user, whom nothing is denied.
  std::optional<std::string> Principal() const;
  bool Simulate(const std::string& principal);
  void TryDryRuns();

  PlanMaker& maker_;
  const aws::Client& client_;
  const cloud_state::Asker asker_;
  aws::CallerIdentity caller_;
};

// {"Version", "Statement": [Deny everything, if the condition holds]}
Json DenyDocument(Json condition);
// The last part of an ARN's resource: "web" of "arn:aws:iam::123456789012:role/app/web".
std::string NameInArn(std::string_view text);

// Steps for an instance, phase by phase.
struct Instance {
  std::string id;
  Json described;  // DescribeInstances'
  // Of EKS: the name of its cluster, or "".
  std::string cluster;
};
Result<Instance> FindInstance(CloudPlanner& cloud, const std::string& id);
void ShieldInstance(CloudPlanner& cloud, const Instance& instance);
void ContainInstanceIdentity(CloudPlanner& cloud, const Instance& instance);
void IsolateInstance(CloudPlanner& cloud, const Instance& instance);
void KeepInstanceDisks(CloudPlanner& cloud, const Instance& instance);
void EndInstance(CloudPlanner& cloud, const Instance& instance);

// Denies sessions of a role that fulfil a condition. `name` becomes part of the policy's name.
Step* DenySessions(CloudPlanner& cloud, const std::string& role, const std::string& name,
                   Json condition, std::string what, std::string reason);
// Denies all sessions that were issued until now.
Step* RevokeSessions(CloudPlanner& cloud, const std::string& role, std::string reason);
// Denies in the trust policy that a service account (or, with "", any web identity) assumes it;
// null when none may. Joins what the plan denies there already, then enabled only if all of it is.
Result<Step*> DenyWebIdentity(CloudPlanner& cloud, const std::string& role,
                              const std::string& in_namespace, const std::string& account,
                              bool enabled);
// Steps that end what a principal may do in clusters: its access entries.
void ContainAccessEntries(CloudPlanner& cloud, const std::string& principal_arn);
Result<void> ContainAccessEntry(CloudPlanner& cloud, const std::string& cluster,
                                const std::string& principal_arn);
// The names of the clusters in the region.
Result<std::vector<std::string>> ClusterNames(CloudPlanner& cloud);

// `request` says which of its sessions are meant; none: all of them.
Result<void> PlanRole(CloudPlanner& cloud, const std::string& name, const CloudRequest& request);
Result<void> PlanUser(CloudPlanner& cloud, const std::string& name, const std::string& only_key);
Result<void> PlanKey(CloudPlanner& cloud, const std::string& id);
Result<void> PlanInstance(CloudPlanner& cloud, const std::string& id);
Result<void> PlanAssociation(CloudPlanner& cloud, const std::string& cluster,
                             const std::string& id);
Result<void> PlanCluster(CloudPlanner& cloud, const std::string& name);
Result<void> PlanEcrImage(CloudPlanner& cloud, const std::string& repository,
                          const std::string& digest);

// What is meant by an ARN as CloudTrail has it: a user, a role, a session of a role. kUnsupported
// for one of another account and for the root user.
Result<void> PlanPrincipal(CloudPlanner& cloud, const std::string& arn);

// The playbook of a target in AWS.
Result<void> PlanCloudTarget(PlanMaker& maker);
// What a pod, a node or a service account needs in AWS, added to its plan; nothing for others.
void AddCloudSteps(PlanMaker& maker, std::string_view target);

}  // namespace ekshume::live::respond
