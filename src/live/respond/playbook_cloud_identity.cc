// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>

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

// Adds the denial of what a statement allows an account ("": anybody), unless it is there. Its name
// is one that no other statement has, as IAM wants it.
void AddDenial(const Json& statement, const std::string& in_namespace, const std::string& account,
               Json& statements) {
  Json denial = {{"Effect", "Deny"},
                 {"Principal", ObjectOf(statement, "Principal")},
                 {"Action", "sts:AssumeRoleWithWebIdentity"}};
  if (!account.empty()) {
    const std::string issuer = IssuerOf(TextOf(ObjectOf(statement, "Principal"), "Federated"));
    denial["Condition"] = {
        {"StringEquals",
         {{issuer + ":sub", fmt::format("system:serviceaccount:{}:{}", in_namespace, account)}}}};
  }
  std::set<std::string> names;
  for (Json other : statements) {
    names.insert(TextOf(other, "Sid"));
    other.erase("Sid");
    if (other == denial) return;
  }
  size_t number = 1;
  while (names.contains(fmt::format("Ekshume{}", number))) ++number;
  denial["Sid"] = fmt::format("Ekshume{}", number);
  statements.push_back(std::move(denial));
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
  const std::string base = fmt::format("ekshume-{}-{}", AsciiLower(cloud.maker().mark()), name);
  const Json wanted = {{"document", DenyDocument(std::move(condition))}};
  // Two denials of one role in a plan (of two pods, of two sessions) are two policies.
  std::string policy = base;
  for (int number = 2;; ++number) {
    Step* other = cloud.Planned("role-policy", {{"RoleName", role}, {"PolicyName", policy}});
    if (other == nullptr) break;
    if (other->aws.wanted == wanted) return other;
    policy = fmt::format("{}-{}", base, number);
  }
  return cloud.Add({"deny-" + name, "identity", fmt::format("role/{}", role), std::move(what),
                    std::move(reason)},
                   "role-policy", {{"RoleName", role}, {"PolicyName", policy}}, wanted);
}

Step* RevokeSessions(CloudPlanner& cloud, const std::string& role, std::string reason) {
  return cloud.Add(
      {"revoke-sessions", "identity", fmt::format("role/{}", role),
       "deny all its sessions that were issued until now", std::move(reason)},
      "role-policy", {{"RoleName", role}, {"PolicyName", "AWSRevokeOlderSessions"}},
      {{"document", DenyDocument({{"DateLessThan", {{"aws:TokenIssueTime", "${now}"}}}})}});
}

Result<Step*> DenyWebIdentity(CloudPlanner& cloud, const std::string& role,
                              const std::string& in_namespace, const std::string& account,
                              bool enabled) {
  const Json which = {{"RoleName", role}};
  // A role has one trust policy: what a plan denies of it is one step.
  Step* const earlier = cloud.Planned("role-trust", which);
  const Json state =
      earlier != nullptr
          ? earlier->aws.wanted
          : EKSHUME_TRY(cloud_state::FindResource("role-trust")->read(cloud.asker(), which));
  const Json& document = ObjectOf(state, "document");
  const Json old = document.contains("Statement") ? document["Statement"] : Json::array();
  const Json old_list = old.is_array() ? old : Json::array({old});
  Json statements = old_list;
  bool has_web_identity = false;
  for (const Json& statement : old_list) {
    if (!IsWebIdentity(statement)) continue;
    has_web_identity = true;
    AddDenial(statement, in_namespace, account, statements);
  }
  if (!has_web_identity) return nullptr;
  const std::string who = account.empty() ? std::string("any web identity")
                                          : fmt::format("the account {}/{}", in_namespace, account);
  if (earlier != nullptr) {
    if (statements == old_list) return earlier;
    earlier->aws.wanted["document"]["Statement"] = statements;
    earlier->what += fmt::format("; and {}", who);
    if (earlier->enabled != enabled) {
      cloud.maker().Warn(fmt::format(
          "{} is not enabled: it denies the role {} to more than one, and others would lose it",
          earlier->id, role));
    }
    earlier->enabled = earlier->enabled && enabled;
    return earlier;
  }
  Step* step = cloud.Add(
      {"deny-trust", "identity", fmt::format("role/{}", role),
       fmt::format("deny {} to assume it (trust policy)", who),
       "a stolen token of a service account makes new sessions until it expires, even when the pod "
       "is gone: only this ends it. Sessions that there are go on until they are revoked"},
      "role-trust", which, {{"document", {{"Statement", statements}}}});
  if (step != nullptr) step->enabled = enabled;
  return step;
}

Result<void> PlanRole(CloudPlanner& cloud, const std::string& name, const CloudRequest& request) {
  const Json answer = EKSHUME_TRY(cloud.asker().Ask("iam", "GetRole", {{"RoleName", name}}));
  const Json& role = ObjectOf(answer, "Role");
  const std::string arn = TextOf(role, "Arn");
  if (arn.find(":role/aws-service-role/") != std::string::npos) {
    cloud.maker().Warn("a service-linked role takes no policies: only its service can be stopped");
  }
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
  const auto trust = DenyWebIdentity(cloud, name, "", "", !is_surgical);
  if (!trust) {
    cloud.maker().Warn(fmt::format("its trust policy is not known: {}", trust.error().message));
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
  return {};
}

Result<void> PlanPrincipal(CloudPlanner& cloud, const std::string& arn) {
  // arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
  const size_t end = arn.rfind(':');
  const std::string resource = end == std::string::npos ? "" : arn.substr(end + 1);
  const std::string before = end == std::string::npos ? "" : arn.substr(0, end);
  const std::string account = before.substr(before.rfind(':') + 1);
  if (account != cloud.caller().account) {
    return Fail(ErrorCode::kUnsupported, fmt::format("{} is of another account than ours ({})", arn,
                                                     cloud.caller().account));
  }
  if (resource.starts_with("user/")) return PlanUser(cloud, NameInArn(resource), "");
  if (resource.starts_with("role/")) return PlanRole(cloud, NameInArn(resource), {});
  constexpr std::string_view kSession = "assumed-role/";
  if (!resource.starts_with(kSession)) {
    return Fail(ErrorCode::kUnsupported, fmt::format("{} is neither a user nor a role", arn));
  }
  const std::string rest = resource.substr(kSession.size());
  const size_t slash = rest.find('/');
  CloudRequest which;
  if (slash != std::string::npos) {
    const std::string session = rest.substr(slash + 1);
    // An instance's sessions are named by it, whatever role they are of.
    (session.starts_with("i-") ? which.instance : which.session) = session;
  }
  return PlanRole(cloud, rest.substr(0, slash), which);
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
