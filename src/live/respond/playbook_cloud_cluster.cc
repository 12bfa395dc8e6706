// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "live/respond/cloud_planner.h"

// Clusters of EKS: who enters them, what their pods get of AWS; and images in ECR.
namespace ekshume::live::respond {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

// More clusters of one region than these are not searched for a principal.
constexpr size_t kMaxClusters = 100;

void RestrictEndpoint(CloudPlanner& cloud, const std::string& name) {
  std::vector<std::string> sources = cloud.request().allow_from;
  std::ranges::sort(sources);  // as they are read
  if (sources.empty()) {
    cloud.maker().Warn(
        "no step restricts the cluster's endpoint: say with --allow-from CIDR who must still reach "
        "it, you among them");
    return;
  }
  Step* step = cloud.Add(
      {"restrict-endpoint", "network", fmt::format("cluster/{}", name),
       fmt::format("let only {} reach the public endpoint", fmt::join(sources, ", ")),
       "takes minutes, and locks out everybody else, you too when your address is not in it; nodes "
       "go on only by the private endpoint, which it opens"},
      "cluster-endpoint", {{"name", name}},
      {{"public", "true"}, {"private", "true"}, {"public_from", sources}});
  if (step != nullptr) CloudPlanner::Guard(*step);
}

}  // namespace

Result<std::vector<std::string>> ClusterNames(CloudPlanner& cloud) {
  const Json names = EKSHUME_TRY(cloud.asker().AskAll("eks", "ListClusters", Json::object(),
                                                      "clusters", "nextToken", "nextToken"));
  std::vector<std::string> out;
  for (const Json& name : names) {
    if (name.is_string() && out.size() < kMaxClusters) out.push_back(name.get<std::string>());
  }
  return out;
}

Result<void> ContainAccessEntry(CloudPlanner& cloud, const std::string& cluster,
                                const std::string& principal_arn) {
  const Json which = {{"clusterName", cluster}, {"principalArn", principal_arn}};
  const Json entry =
      EKSHUME_TRY(cloud_state::FindResource("access-entry")->read(cloud.asker(), which));
  if (entry.is_null()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("the cluster {} has no access entry of {}", cluster, principal_arn));
  }
  const std::string type = TextOf(entry, "type");
  const bool is_of_nodes = !type.empty() && type != "STANDARD";
  if (is_of_nodes) {
    cloud.maker().Warn(fmt::format(
        "the access entry of {} in {} is that of nodes ({}): without it they leave the cluster",
        principal_arn, cluster, type));
  }
  const std::string object = fmt::format("access-entry/{}/{}", cluster, principal_arn);
  for (const Json& policy : ArrayOf(entry, "policies")) {
    const std::string arn = TextOf(policy, "policyArn");
    Json parameters = which;
    parameters["policyArn"] = arn;
    Step* step = cloud.Add(
        {"take-access-policy", "identity", object,
         fmt::format("take the access policy {} away", NameInArn(arn)),
         "what it gave ends within seconds; groups of the entry keep what RBAC gives them"},
        "access-policy", std::move(parameters), nullptr);
    // The whole entry goes with its policies; this is for those who want less.
    if (step != nullptr) step->enabled = false;
  }
  Step* step = cloud.Add(
      {"delete-access-entry", "identity", object,
       fmt::format("take {} out of {}", principal_arn, cluster),
       "a denial in IAM does not keep a principal out of a cluster: a token of EKS is a call that "
       "nothing denies. Tokens that there are end within 15 minutes. aws-auth may let it in as "
       "well"},
      "access-entry", which, nullptr);
  if (step != nullptr) {
    step->undo = "makes the entry again, with its groups and access policies";
    if (is_of_nodes) CloudPlanner::Guard(*step);
  }
  return {};
}

void ContainAccessEntries(CloudPlanner& cloud, const std::string& principal_arn) {
  const auto clusters = ClusterNames(cloud);
  if (!clusters) {
    cloud.maker().Warn(
        fmt::format("clusters of EKS are not looked at: {}", clusters.error().message));
    return;
  }
  for (const std::string& cluster : *clusters) {
    const auto contained = ContainAccessEntry(cloud, cluster, principal_arn);
    if (!contained && contained.error().code != ErrorCode::kNotFound) {
      cloud.maker().Warn(fmt::format("{}: {}", cluster, contained.error().message));
    }
  }
}

Result<void> PlanAssociation(CloudPlanner& cloud, const std::string& cluster,
                             const std::string& id) {
  const Json answer = EKSHUME_TRY(cloud.asker().Ask(
      "eks", "DescribePodIdentityAssociation", {{"clusterName", cluster}, {"associationId", id}}));
  const Json& association = ObjectOf(answer, "association");
  const std::string in_namespace = TextOf(association, "namespace");
  const std::string account = TextOf(association, "serviceAccount");
  const std::string role = NameInArn(TextOf(association, "roleArn"));
  if (association.contains("disableSessionTags") &&
      cloud_state::IsTrue(association, "disableSessionTags")) {
    cloud.maker().Warn("its sessions have no tags: they cannot be denied by account or pod");
  } else {
    DenySessions(
        cloud, role, "account",
        {{"StringEquals",
          {{"aws:PrincipalTag/kubernetes-namespace", in_namespace},
           {"aws:PrincipalTag/kubernetes-service-account", account}}}},
        fmt::format("deny the sessions that pods of {}/{} have of {}", in_namespace, account, role),
        "others who have the role go on");
  }
  cloud.Add(
      {"delete-association", "identity", fmt::format("association/{}/{}", cluster, id),
       fmt::format("pods of {}/{} get no credentials of {} any more", in_namespace, account, role),
       "credentials that there are stay valid until they expire: the denial ends them"},
      "pod-identity-association",
      {{"clusterName", cluster}, {"namespace", in_namespace}, {"serviceAccount", account}},
      nullptr);
  if (Step* step =
          RevokeSessions(cloud, role, "for all that have the role; new sessions are given")) {
    step->enabled = false;
  }
  return {};
}

Result<void> PlanCluster(CloudPlanner& cloud, const std::string& name) {
  EKSHUME_TRY(cloud.asker().Ask("eks", "DescribeCluster", {{"name", name}}));
  cloud.Add({"log-everything", "record", fmt::format("cluster/{}", name),
             "turn on all logs of the control plane",
             "from now on only: what was not logged is gone; takes minutes, and costs"},
            "cluster-logging", {{"name", name}},
            {{"enabled", {"api", "audit", "authenticator", "controllerManager", "scheduler"}}});
  const auto configs =
      cloud.asker().AskAll("eks", "ListIdentityProviderConfigs", {{"clusterName", name}},
                           "identityProviderConfigs", "nextToken", "nextToken");
  if (!configs) {
    cloud.maker().Warn(
        fmt::format("identity providers are not looked at: {}", configs.error().message));
  }
  for (const Json& config : configs ? *configs : Json::array()) {
    Step* step = cloud.Add(
        {"take-identity-provider", "identity", fmt::format("cluster/{}", name),
         fmt::format("no one logs in by the identity provider {} any more", TextOf(config, "name")),
         "whoever runs it makes whom he wants an administrator; enable it when it is not yours. "
         "Takes minutes"},
        "identity-provider", {{"clusterName", name}, {"configName", TextOf(config, "name")}},
        nullptr);
    if (step != nullptr) step->enabled = false;
  }
  RestrictEndpoint(cloud, name);
  return {};
}

Result<void> PlanEcrImage(CloudPlanner& cloud, const std::string& repository,
                          const std::string& digest) {
  const std::string object = fmt::format("ecr-image/{}@{}", repository, digest);
  const Json which = {{"repositoryName", repository}, {"imageDigest", digest}};
  const Json image =
      EKSHUME_TRY(cloud_state::FindResource("repository-image")->read(cloud.asker(), which));
  if (image.is_null()) return Fail(ErrorCode::kNotFound, fmt::format("there is no {}", object));
  cloud.Add({"freeze-tags", "shield", object, "tags of the repository cannot be moved any more",
             "the intruder cannot put another image under a name that is used, nor hide this one; "
             "builds that move tags fail"},
            "repository-tags", {{"repositoryName", repository}}, {{"tags", "IMMUTABLE"}});
  cloud.maker().AddStep(
      StepKind::kManual, "save-image", "capture", object,
      fmt::format("copy it by its digest, layers and all, and hash it: skopeo copy "
                  "docker://REGISTRY/{}@{} oci:CASE/image",
                  repository, digest),
      "ECR removes the layers of a deleted image after a while; the manifest goes into the "
      "journal");
  Step* step = cloud.Add(
      {"delete-image", "eradicate", object,
       fmt::format("delete it with its {} tags", ArrayOf(image, "tags").size()),
       "nodes cannot pull it any more; those that have it run it on: block it in the clusters, and "
       "look where it ran"},
      "repository-image", which, nullptr);
  if (step != nullptr) {
    step->effect = Effect::kDestroys;
    step->undo = "puts the manifest and the tags back, as long as ECR has the layers";
    CloudPlanner::Guard(*step);
  }
  return {};
}

}  // namespace ekshume::live::respond
