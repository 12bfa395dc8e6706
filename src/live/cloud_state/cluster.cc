// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "live/cloud_state/resource.h"

// EKS: who may enter a cluster and how, what pods get of AWS, what is logged.
namespace ekshume::live::cloud_state {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

Json WithCluster(const Json& parameters, Json more) {
  more["clusterName"] = TextOf(parameters, "clusterName");
  return more;
}

// What of an object can be given back when it is made again; empty members are as none.
Json Kept(const Json& object, std::initializer_list<const char*> members) {
  Json kept = Json::object();
  for (const char* member : members) {
    if (object.contains(member) && !object[member].is_null() && !object[member].empty() &&
        object[member] != "") {
      kept[member] = object[member];
    }
  }
  return kept;
}

// Texts as truth values, which the API wants.
Json Truth(const Json& state, const char* member) { return IsTrue(state, member); }

// --- Pod Identity -------------------------------------------------------------------------------

constexpr std::initializer_list<const char*> kAssociation = {"roleArn", "targetRoleArn", "tags",
                                                             "disableSessionTags"};

Result<Json> ReadAssociation(const Asker& asker, const Json& parameters) {
  const Json found = EKSHUME_TRY(asker.AskAll(
      "eks", "ListPodIdentityAssociations",
      WithCluster(parameters, {{"namespace", TextOf(parameters, "namespace")},
                               {"serviceAccount", TextOf(parameters, "serviceAccount")}}),
      "associations", "nextToken", "nextToken"));
  for (const Json& one : found) {
    if (TextOf(one, "namespace") != TextOf(parameters, "namespace") ||
        TextOf(one, "serviceAccount") != TextOf(parameters, "serviceAccount")) {
      continue;
    }
    const std::string id = TextOf(one, "associationId");
    const Json answer = EKSHUME_TRY(asker.Ask("eks", "DescribePodIdentityAssociation",
                                              WithCluster(parameters, {{"associationId", id}})));
    Json state = Kept(ObjectOf(answer, "association"), kAssociation);
    state["@id"] = id;
    return state;
  }
  return Json();
}

std::vector<ServiceCall> ChangeAssociation(const Json& parameters, const Json& from,
                                           const Json& to) {
  if (to.is_null()) {
    return {Changing("eks", "DeletePodIdentityAssociation",
                     WithCluster(parameters, {{"associationId", TextOf(from, "@id")}}))};
  }
  if (!from.is_null()) return {};
  Json request = Kept(to, kAssociation);
  if (request.contains("disableSessionTags")) {
    request["disableSessionTags"] = Truth(request, "disableSessionTags");
  }
  request["namespace"] = TextOf(parameters, "namespace");
  request["serviceAccount"] = TextOf(parameters, "serviceAccount");
  return {Changing("eks", "CreatePodIdentityAssociation", WithCluster(parameters, request))};
}

// --- access entries -----------------------------------------------------------------------------

Result<Json> PoliciesOf(const Asker& asker, const Json& parameters) {
  const Json found = EKSHUME_TRY(
      asker.AskAll("eks", "ListAssociatedAccessPolicies",
                   WithCluster(parameters, {{"principalArn", TextOf(parameters, "principalArn")}}),
                   "associatedAccessPolicies", "nextToken", "nextToken"));
  std::vector<Json> policies;
  for (const Json& one : found) {
    policies.push_back(
        {{"policyArn", TextOf(one, "policyArn")}, {"accessScope", ObjectOf(one, "accessScope")}});
  }
  std::ranges::sort(policies, {}, [](const Json& policy) { return policy.dump(); });
  return Json(policies);
}

Result<Json> ReadEntry(const Asker& asker, const Json& parameters) {
  const Json answer = EKSHUME_TRY(NullWhenMissing(
      asker.Ask("eks", "DescribeAccessEntry",
                WithCluster(parameters, {{"principalArn", TextOf(parameters, "principalArn")}}))));
  if (answer.is_null()) return Json();
  Json state =
      Kept(ObjectOf(answer, "accessEntry"), {"type", "username", "kubernetesGroups", "tags"});
  state["policies"] = EKSHUME_TRY(PoliciesOf(asker, parameters));
  return state;
}

ServiceCall AssociatePolicy(const Json& parameters, const std::string& policy, const Json& scope) {
  return Changing("eks", "AssociateAccessPolicy",
                  WithCluster(parameters, {{"principalArn", TextOf(parameters, "principalArn")},
                                           {"policyArn", policy},
                                           {"accessScope", scope}}));
}
ServiceCall DisassociatePolicy(const Json& parameters, const std::string& policy) {
  return Changing("eks", "DisassociateAccessPolicy",
                  WithCluster(parameters, {{"principalArn", TextOf(parameters, "principalArn")},
                                           {"policyArn", policy}}));
}

std::vector<ServiceCall> ChangeEntry(const Json& parameters, const Json& from, const Json& to) {
  Json which = WithCluster(parameters, {{"principalArn", TextOf(parameters, "principalArn")}});
  if (to.is_null()) return {Changing("eks", "DeleteAccessEntry", std::move(which))};
  std::vector<ServiceCall> calls;
  if (from.is_null()) {
    Json request = Kept(to, {"type", "kubernetesGroups", "tags"});
    // Names and groups can be given to entries of people only.
    if (TextOf(to, "type") == "STANDARD") request["username"] = TextOf(to, "username");
    request.update(which);
    calls.push_back(Changing("eks", "CreateAccessEntry", std::move(request)));
  }
  const Json& before = ArrayOf(from, "policies");
  const Json& after = ArrayOf(to, "policies");
  for (const Json& policy : Without(after, before)) {
    calls.push_back(
        AssociatePolicy(parameters, TextOf(policy, "policyArn"), ObjectOf(policy, "accessScope")));
  }
  for (const Json& policy : Without(before, after)) {
    if (!Among(after, "policyArn", TextOf(policy, "policyArn")).is_null()) continue;
    calls.push_back(DisassociatePolicy(parameters, TextOf(policy, "policyArn")));
  }
  return calls;
}

Result<Json> ReadAccessPolicy(const Asker& asker, const Json& parameters) {
  const Json policies = EKSHUME_TRY(PoliciesOf(asker, parameters));
  const Json& policy = Among(policies, "policyArn", TextOf(parameters, "policyArn"));
  if (policy.is_null()) return Json();
  return Json{{"accessScope", ObjectOf(policy, "accessScope")}};
}

std::vector<ServiceCall> ChangeAccessPolicy(const Json& parameters, const Json&, const Json& to) {
  const std::string policy = TextOf(parameters, "policyArn");
  if (to.is_null()) return {DisassociatePolicy(parameters, policy)};
  return {AssociatePolicy(parameters, policy, ObjectOf(to, "accessScope"))};
}

Json EntryWithPolicy(const Json& whole, const Json& parameters, const Json& part) {
  if (!whole.is_object()) return whole;
  const std::string arn = TextOf(parameters, "policyArn");
  std::vector<Json> policies;
  for (const Json& policy : ArrayOf(whole, "policies")) {
    if (TextOf(policy, "policyArn") != arn) policies.push_back(policy);
  }
  if (part.is_object()) {
    policies.push_back({{"policyArn", arn}, {"accessScope", ObjectOf(part, "accessScope")}});
  }
  std::ranges::sort(policies, {}, [](const Json& policy) { return policy.dump(); });
  Json after = whole;
  after["policies"] = policies;
  return after;
}

// --- the cluster's configuration ----------------------------------------------------------------

Result<Json> DescribeCluster(const Asker& asker, const Json& parameters) {
  const Json answer =
      EKSHUME_TRY(asker.Ask("eks", "DescribeCluster", {{"name", TextOf(parameters, "name")}}));
  return ObjectOf(answer, "cluster");
}

void NoteWhetherChanging(const Json& cluster, Json& state) {
  if (TextOf(cluster, "status") == "UPDATING") state["@changing"] = "UPDATING";
}

Result<Json> ReadEndpoint(const Asker& asker, const Json& parameters) {
  const Json cluster = EKSHUME_TRY(DescribeCluster(asker, parameters));
  const Json& config = ObjectOf(cluster, "resourcesVpcConfig");
  std::vector<std::string> sources;
  for (const Json& source : ArrayOf(config, "publicAccessCidrs")) {
    if (source.is_string()) sources.push_back(source.get<std::string>());
  }
  std::ranges::sort(sources);
  Json state = {{"public", IsTrue(config, "endpointPublicAccess") ? "true" : "false"},
                {"private", IsTrue(config, "endpointPrivateAccess") ? "true" : "false"},
                {"public_from", sources}};
  NoteWhetherChanging(cluster, state);
  return state;
}

std::vector<ServiceCall> ChangeEndpoint(const Json& parameters, const Json&, const Json& to) {
  Json config = {{"endpointPublicAccess", Truth(to, "public")},
                 {"endpointPrivateAccess", Truth(to, "private")}};
  // Sources are refused for an endpoint that is not public.
  if (IsTrue(to, "public")) config["publicAccessCidrs"] = ArrayOf(to, "public_from");
  return {Changing("eks", "UpdateClusterConfig",
                   {{"name", TextOf(parameters, "name")}, {"resourcesVpcConfig", config}})};
}

Result<Json> ReadLogging(const Asker& asker, const Json& parameters) {
  const Json cluster = EKSHUME_TRY(DescribeCluster(asker, parameters));
  std::vector<std::string> enabled;
  for (const Json& group : ArrayOf(ObjectOf(cluster, "logging"), "clusterLogging")) {
    if (!IsTrue(group, "enabled")) continue;
    for (const Json& type : ArrayOf(group, "types")) {
      if (type.is_string()) enabled.push_back(type.get<std::string>());
    }
  }
  std::ranges::sort(enabled);
  Json state = {{"enabled", enabled}};
  NoteWhetherChanging(cluster, state);
  return state;
}

std::vector<ServiceCall> ChangeLogging(const Json& parameters, const Json& from, const Json& to) {
  const Json& on = ArrayOf(to, "enabled");
  const Json off = Without(ArrayOf(from, "enabled"), on);
  Json groups = Json::array();
  if (!on.empty()) groups.push_back({{"types", on}, {"enabled", true}});
  if (!off.empty()) groups.push_back({{"types", off}, {"enabled", false}});
  return {
      Changing("eks", "UpdateClusterConfig",
               {{"name", TextOf(parameters, "name")}, {"logging", {{"clusterLogging", groups}}}})};
}

// --- identity providers -------------------------------------------------------------------------

Json ProviderConfig(const Json& parameters) {
  return {{"type", "oidc"}, {"name", TextOf(parameters, "configName")}};
}

constexpr std::initializer_list<const char*> kOidc = {
    "issuerUrl",   "clientId",     "usernameClaim", "usernamePrefix",
    "groupsClaim", "groupsPrefix", "requiredClaims"};

Result<Json> ReadProvider(const Asker& asker, const Json& parameters) {
  const Json answer = EKSHUME_TRY(NullWhenMissing(asker.Ask(
      "eks", "DescribeIdentityProviderConfig",
      WithCluster(parameters, {{"identityProviderConfig", ProviderConfig(parameters)}}))));
  if (answer.is_null()) return Json();
  const Json& oidc = ObjectOf(ObjectOf(answer, "identityProviderConfig"), "oidc");
  Json state = Kept(oidc, kOidc);
  if (const Json& tags = ObjectOf(oidc, "tags"); !tags.empty()) state["tags"] = tags;
  const std::string status = TextOf(oidc, "status");
  if (status == "CREATING" || status == "DELETING") state["@changing"] = status;
  return state;
}

std::vector<ServiceCall> ChangeProvider(const Json& parameters, const Json& from, const Json& to) {
  if (to.is_null()) {
    return {Changing(
        "eks", "DisassociateIdentityProviderConfig",
        WithCluster(parameters, {{"identityProviderConfig", ProviderConfig(parameters)}}))};
  }
  if (!from.is_null()) return {};
  Json oidc = Kept(to, kOidc);
  oidc["identityProviderConfigName"] = TextOf(parameters, "configName");
  Json request = WithCluster(parameters, {{"oidc", oidc}});
  if (to.contains("tags")) request["tags"] = to["tags"];
  return {Changing("eks", "AssociateIdentityProviderConfig", std::move(request))};
}

std::string ArnOfCluster(const Json& parameters, std::string_view region,
                         std::string_view account) {
  return fmt::format(
      "arn:{}:eks:{}:{}:cluster/{}", aws::PartitionOf(region), region, account,
      parameters.contains("name") ? TextOf(parameters, "name") : TextOf(parameters, "clusterName"));
}

}  // namespace

std::vector<Resource> ClusterResources() {
  return {
      {.name = "pod-identity-association",
       .parameters = {"clusterName", "namespace", "serviceAccount"},
       .read_with = "eks:DescribePodIdentityAssociation",
       .also_needs = {"eks:ListPodIdentityAssociations"},
       .read = ReadAssociation,
       .change = ChangeAssociation,
       .arn = nullptr},
      {.name = "access-entry",
       .parameters = {"clusterName", "principalArn"},
       .read_with = "eks:DescribeAccessEntry",
       .also_needs = {"eks:ListAssociatedAccessPolicies"},
       .read = ReadEntry,
       .change = ChangeEntry,
       .arn = nullptr},
      {.name = "access-policy",
       .parameters = {"clusterName", "principalArn", "policyArn"},
       .read_with = "eks:ListAssociatedAccessPolicies",
       .read = ReadAccessPolicy,
       .change = ChangeAccessPolicy,
       .arn = nullptr,
       .part_of = "access-entry",
       .with_part = EntryWithPolicy},
      {.name = "cluster-endpoint",
       .parameters = {"name"},
       .read_with = "eks:DescribeCluster",
       .is_slow = true,
       .read = ReadEndpoint,
       .change = ChangeEndpoint,
       .arn = ArnOfCluster},
      {.name = "cluster-logging",
       .parameters = {"name"},
       .read_with = "eks:DescribeCluster",
       .is_slow = true,
       .read = ReadLogging,
       .change = ChangeLogging,
       .arn = ArnOfCluster},
      {.name = "identity-provider",
       .parameters = {"clusterName", "configName"},
       .read_with = "eks:DescribeIdentityProviderConfig",
       .is_slow = true,
       .read = ReadProvider,
       .change = ChangeProvider,
       .arn = nullptr},
  };
}

}  // namespace ekshume::live::cloud_state
