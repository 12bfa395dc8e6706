// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/text.h"
#include "live/respond/cloud_planner.h"

// What pods, nodes and service accounts of EKS need in AWS.
namespace ekshume::live::respond {
namespace {

using kubernetes::PathOf;
using wire::ObjectOf;
using wire::TextOf;

constexpr const char* kRoleAnnotation = "eks.amazonaws.com/role-arn";

// "i-0abc" of "aws:///eu-central-1a/i-0abc", or "".
std::string InstanceIdOf(const Json& node) {
  const std::string provider = TextOf(ObjectOf(node, "spec"), "providerID");
  const std::string id = NameInArn(provider);
  return provider.starts_with("aws:") && id.starts_with("i-") ? id : "";
}

// The EKS cluster whose API server the plan is for, or "".
std::string ClusterOfServer(CloudPlanner& cloud, const std::string& server) {
  const auto names = ClusterNames(cloud);
  if (!names) return "";
  for (const std::string& name : *names) {
    const auto answer = cloud.asker().Ask("eks", "DescribeCluster", {{"name", name}});
    if (answer && TextOf(ObjectOf(*answer, "cluster"), "endpoint") == server) return name;
  }
  return "";
}

// How many pods of a namespace have an account.
size_t PodsWith(PlanMaker& maker, std::string_view in_namespace, const std::string& account) {
  size_t count = 0;
  const auto listed = maker.client().List(PathOf({"api", "v1", "namespaces", in_namespace, "pods"}),
                                          "", [&](const Json& pod) -> Result<void> {
                                            const std::string of_pod =
                                                TextOf(ObjectOf(pod, "spec"), "serviceAccountName");
                                            if ((of_pod.empty() ? "default" : of_pod) == account)
                                              ++count;
                                            return {};
                                          });
  return listed ? count : 2;  // not known: as if it were shared
}

// The roles that an account has: by IRSA and by Pod Identity. `pod_uid` "" is for all its pods.
void ContainAccount(CloudPlanner& cloud, const std::string& in_namespace,
                    const std::string& account, const std::string& pod_uid) {
  PlanMaker& maker = cloud.maker();
  const auto object = maker.client().Get(
      PathOf({"api", "v1", "namespaces", in_namespace, "serviceaccounts", account}));
  const std::string role =
      object ? TextOf(ObjectOf(ObjectOf(*object, "metadata"), "annotations"), kRoleAnnotation) : "";
  if (!role.empty()) {
    // IRSA's sessions say nothing of the pod: who shares the account or the role is hit too.
    const bool is_shared = !pod_uid.empty() && PodsWith(maker, in_namespace, account) > 1;
    const auto trust = DenyWebIdentity(cloud, NameInArn(role), in_namespace, account, !is_shared);
    if (!trust) {
      maker.Warn(
          fmt::format("the trust policy of {} is not known: {}", role, trust.error().message));
    }
    if (Step* step = RevokeSessions(cloud, NameInArn(role),
                                    "ends what the pod got by IRSA; others with the role must get "
                                    "new sessions, which those "
                                    "of this account cannot after the step before")) {
      step->enabled = !is_shared;
    }
    if (is_shared) {
      maker.Warn(
          fmt::format("other pods of {}/{} would lose the role too: its steps are not enabled",
                      in_namespace, account));
    }
  }
  const std::string cluster = ClusterOfServer(cloud, maker.plan().server);
  if (cluster.empty()) {
    if (role.empty()) {
      maker.Warn(
          "no role of IRSA, and no cluster of EKS in this region has this API server: Pod Identity "
          "is not looked at");
    }
    return;
  }
  const auto found = cloud_state::FindResource("pod-identity-association")
                         ->read(cloud.asker(), {{"clusterName", cluster},
                                                {"namespace", in_namespace},
                                                {"serviceAccount", account}});
  if (!found) {
    maker.Warn(fmt::format("Pod Identity is not looked at: {}", found.error().message));
    return;
  }
  if (found->is_null()) return;
  if (pod_uid.empty()) {
    const auto planned = PlanAssociation(cloud, cluster, TextOf(*found, "@id"));
    if (!planned) maker.Warn(planned.error().message);
    return;
  }
  Json condition = {{"aws:PrincipalTag/kubernetes-pod-uid", pod_uid},
                    {"aws:PrincipalTag/kubernetes-namespace", in_namespace}};
  DenySessions(cloud, NameInArn(TextOf(*found, "roleArn")), "pod",
               {{"StringEquals", std::move(condition)}},
               "deny what this pod got by Pod Identity, and what it will get",
               "only this pod; others of its account go on. Silent");
}

void ForInstanceOf(CloudPlanner& cloud, const std::string& node_name, bool whole_node) {
  PlanMaker& maker = cloud.maker();
  if (node_name.empty()) return;
  const auto node = maker.client().Get(PathOf({"api", "v1", "nodes", node_name}));
  const std::string id = node ? InstanceIdOf(*node) : "";
  if (id.empty()) return;
  const auto instance = FindInstance(cloud, id);
  if (!instance) {
    maker.Warn(
        fmt::format("no steps in AWS for the node {}: {}", node_name, instance.error().message));
    return;
  }
  ShieldInstance(cloud, *instance);
  if (whole_node) {
    ContainInstanceIdentity(cloud, *instance);
    IsolateInstance(cloud, *instance);
  }
  KeepInstanceDisks(cloud, *instance);
  if (whole_node) EndInstance(cloud, *instance);
}

}  // namespace

void AddCloudSteps(PlanMaker& maker, std::string_view target) {
  CloudPlanner& cloud = *maker.cloud();
  const std::vector<std::string_view> parts = SplitNonEmpty(target, '/');
  const bool is_pod = parts.size() == 3 && parts[0] == "pod";
  const bool is_account = parts.size() == 3 && parts[0] == "serviceaccount";
  const bool is_node = parts.size() == 2 && parts[0] == "node";
  if (!is_pod && !is_account && !is_node) return;
  if (const auto known = cloud.Identify(); !known) {
    maker.Warn(fmt::format("no steps in AWS: {}", known.error().message));
    return;
  }
  if (is_node) return ForInstanceOf(cloud, std::string(parts[1]), true);
  if (is_account) return ContainAccount(cloud, std::string(parts[1]), std::string(parts[2]), "");
  const auto pod =
      maker.client().Get(PathOf({"api", "v1", "namespaces", parts[1], "pods", parts[2]}));
  if (!pod) return;
  std::string account = TextOf(ObjectOf(*pod, "spec"), "serviceAccountName");
  if (account.empty()) account = "default";
  ContainAccount(cloud, std::string(parts[1]), account, TextOf(ObjectOf(*pod, "metadata"), "uid"));
  ForInstanceOf(cloud, TextOf(ObjectOf(*pod, "spec"), "nodeName"), false);
}

}  // namespace ekshume::live::respond
