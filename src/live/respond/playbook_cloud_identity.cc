// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "live/respond/cloud_planner.h"

// Roles, users and keys of IAM.
namespace ekshume::live::respond {
namespace {

using wire::ArrayOf;
using wire::ObjectOf;
using wire::TextOf;

bool IsWebIdentity(const Json& statement) {
  return wire::DumpJson(statement).find("sts:AssumeRoleWithWebIdentity") != std::string::npos &&
         TextOf(statement, "Effect") == "Allow";
}

// The OIDC provider's part of a condition key: "oidc.eks.REGION.amazonaws.com/id/X" of its ARN.
std::string IssuerOf(const std::string& provider_arn) {
  const size_t at = provider_arn.find("oidc-provider/");
  return at == std::string::npos
             ? ""
             : provider_arn.substr(at + std::string_view("oidc-provider/").size());
}

void WarnOfOurselves(CloudPlanner& cloud, std::string_view kind, std::string_view name) {
  if (!cloud.IsOurselves(kind, name)) return;
  cloud.maker().Warn(fmt::format(
      "we act as this {} ourselves: its steps are not enabled, as they would lock us out", kind));
  for (Step& step : cloud.maker().plan().steps) {
    if (step.kind == StepKind::kAws && step.phase == "identity") step.enabled = false;
  }
}

void AddKey(CloudPlanner& cloud, const std::string& user, const std::string& id, bool enabled) {
  Step* step =
      cloud.Add({"disable-key", "identity", fmt::format("key/{}", id),
                 fmt::format("make the key {} of {} inactive", id, user),
                 "at once, and silent until it is used; it is not deleted, as when it was "
                 "last used is evidence"},
                "access-key", {{"UserName", user}, {"AccessKeyId", id}}, {{"status", "Inactive"}});
  if (step != nullptr) step->enabled = enabled;
}

}  // namespace

Step* DenySessions(CloudPlanner& cloud, const std::string& role, const std::string& name,
                   Json condition, std::string what, std::string reason) {
  const std::string policy = fmt::format("ekshume-{}-{}", AsciiLower(cloud.maker().mark()), name);
  return cloud.Add({"deny-" + name, "identity", fmt::format("role/{}", role), std::move(what),
                    std::move(reason)},
                   "role-policy", {{"RoleName", role}, {"PolicyName", policy}},
                   {{"document", DenyDocument(std::move(condition))}});
}

Step* RevokeSessions(CloudPlanner& cloud, const std::string& role, std::string reason) {
  return cloud.Add(
      {"revoke-sessions", "identity", fmt::format("role/{}", role),
       "deny all its sessions that were issued until now", std::move(reason)},
      "role-policy", {{"RoleName", role}, {"PolicyName", "AWSRevokeOlderSessions"}},
      {{"document", DenyDocument({{"DateLessThan", {{"aws:TokenIssueTime", "${now}"}}}})}});
}

Result<Step*> DenyWebIdentity(CloudPlanner& cloud, const std::string& role,
                              const std::string& in_namespace, const std::string& account) {
  const Json state = EKSHUME_TRY(
      cloud_state::FindResource("role-trust")->read(cloud.asker(), {{"RoleName", role}}));
  const Json& document = ObjectOf(state, "document");
  const Json old = document.contains("Statement") ? document["Statement"] : Json::array();
  Json statements = old.is_array() ? old : Json::array({old});
  Json denials = Json::array();
  for (const Json& statement : statements) {
    if (!IsWebIdentity(statement)) continue;
    Json denial = {{"Sid", fmt::format("Ekshume{}", denials.size() + 1)},
                   {"Effect", "Deny"},
                   {"Principal", ObjectOf(statement, "Principal")},
                   {"Action", "sts:AssumeRoleWithWebIdentity"}};
    if (!account.empty()) {
      const std::string issuer = IssuerOf(TextOf(ObjectOf(statement, "Principal"), "Federated"));
      denial["Condition"] = {
          {"StringEquals",
           {{issuer + ":sub", fmt::format("system:serviceaccount:{}:{}", in_namespace, account)}}}};
    }
    denials.push_back(std::move(denial));
  }
  if (denials.empty()) return nullptr;
  for (Json& denial : denials) statements.push_back(std::move(denial));
  const std::string who = account.empty() ? std::string("any web identity")
                                          : fmt::format("the account {}/{}", in_namespace, account);
  return cloud.Add({"deny-trust", "identity", fmt::format("role/{}", role),
                    fmt::format("deny {} to assume it (trust policy)", who),
                    "a stolen token of a service account makes new sessions until it expires, even "
                    "when the pod is gone: only this ends it. Sessions that there are go on until "
                    "they are revoked"},
                   "role-trust", {{"RoleName", role}}, {{"document", {{"Statement", statements}}}});
}

Result<void> PlanRole(CloudPlanner& cloud, const std::string& name) {
  const Json answer = EKSHUME_TRY(cloud.asker().Ask("iam", "GetRole", {{"RoleName", name}}));
  const Json& role = ObjectOf(answer, "Role");
  const std::string arn = TextOf(role, "Arn");
  if (arn.find(":role/aws-service-role/") != std::string::npos) {
    cloud.maker().Warn("a service-linked role takes no policies: only its service can be stopped");
  }
  const CloudRequest& request = cloud.request();
  bool is_surgical = false;
  const auto deny = [&](const char* id, Json condition, std::string what) {
    is_surgical = true;
    DenySessions(cloud, name, id, std::move(condition), std::move(what),
                 "nobody else who has the role notices");
  };
  if (!request.pod_uid.empty()) {
    deny("pod", {{"StringEquals", {{"aws:PrincipalTag/kubernetes-pod-uid", request.pod_uid}}}},
         fmt::format("deny the sessions of the pod with the uid {} (Pod Identity)",
                     request.pod_uid));
  }
  if (!request.instance.empty()) {
    deny("instance", {{"StringLike", {{"aws:userid", "*:" + request.instance}}}},
         fmt::format("deny the sessions of the instance {}", request.instance));
  }
  if (!request.session.empty()) {
    deny("session",
         {{"StringEquals",
           {{"aws:userid", fmt::format("{}:{}", TextOf(role, "RoleId"), request.session)}}}},
         fmt::format("deny its session {}", request.session));
  }
  const auto trust = DenyWebIdentity(cloud, name, "", "");
  if (!trust) {
    cloud.maker().Warn(fmt::format("its trust policy is not known: {}", trust.error().message));
  } else if (*trust != nullptr) {
    (*trust)->enabled = !is_surgical;
  }
  if (Step* step = RevokeSessions(
          cloud, name,
          "all that have the role must get new sessions, which they may; takes effect within "
          "minutes. A holder of a token that may assume it makes a new one: change the trust "
          "too")) {
    step->enabled = !is_surgical;
  }
  if (Step* step = DenySessions(cloud, name, "all", Json::object(), "deny it everything",
                                "stops all that uses the role, the clean too. It does not keep a "
                                "session out of a cluster of EKS: see the access entries")) {
    step->enabled = false;
  }
  ContainAccessEntries(cloud, arn);
  WarnOfOurselves(cloud, "role", name);
  return {};
}

Result<void> PlanUser(CloudPlanner& cloud, const std::string& name, const std::string& only_key) {
  const Json answer = EKSHUME_TRY(cloud.asker().Ask("iam", "GetUser", {{"UserName", name}}));
  const std::string arn = TextOf(ObjectOf(answer, "User"), "Arn");
  const Json keys = EKSHUME_TRY(cloud.asker().AskAll("iam", "ListAccessKeys", {{"UserName", name}},
                                                     "AccessKeyMetadata", "Marker", "Marker"));
  for (const Json& key : keys) {
    const std::string id = TextOf(key, "AccessKeyId");
    AddKey(cloud, name, id, only_key.empty() || id == only_key);
  }
  const std::string policy = fmt::format("ekshume-{}-all", AsciiLower(cloud.maker().mark()));
  if (Step* step = cloud.Add(
          {"deny-all", "identity", fmt::format("iam-user/{}", name), "deny the user everything",
           "also the sessions that were made with its keys; it does not keep the user out of a "
           "cluster of EKS: see the access entries"},
          "user-policy", {{"UserName", name}, {"PolicyName", policy}},
          {{"document", DenyDocument(Json::object())}})) {
    step->enabled = only_key.empty();
  }
  const auto login = cloud.asker().Ask("iam", "GetLoginProfile", {{"UserName", name}});
  if (login) {
    if (Step* step = cloud.Add({"delete-password", "eradicate", fmt::format("iam-user/{}", name),
                                "delete its password for the console",
                                "nobody can bring it back: the user gets a new one. The denial of "
                                "everything stops the console as well, and can be undone"},
                               "login-profile", {{"UserName", name}}, nullptr)) {
      CloudPlanner::Guard(*step);
    }
  }
  ContainAccessEntries(cloud, arn);
  WarnOfOurselves(cloud, "user", name);
  return {};
}

Result<void> PlanKey(CloudPlanner& cloud, const std::string& id) {
  if (id.starts_with("ASIA")) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is the key of a session, which IAM does not know: CloudTrail says "
                            "whose it is; plan role/NAME --session SESSION",
                            id));
  }
  const Json answer =
      EKSHUME_TRY(cloud.asker().Ask("iam", "GetAccessKeyLastUsed", {{"AccessKeyId", id}}));
  const std::string user = TextOf(answer, "UserName");
  if (user.empty()) return Fail(ErrorCode::kNotFound, fmt::format("no user has the key {}", id));
  const Json& used = ObjectOf(answer, "AccessKeyLastUsed");
  if (const std::string when = TextOf(used, "LastUsedDate"); !when.empty()) {
    cloud.maker().Warn(fmt::format("the key was last used at {} for {} in {}", when,
                                   TextOf(used, "ServiceName"), TextOf(used, "Region")));
  }
  return PlanUser(cloud, user, id);
}

}  // namespace ekshume::live::respond
