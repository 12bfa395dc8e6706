// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "live/respond/change.h"
#include "live/respond/plan_maker.h"

namespace ekshume::live::respond {
namespace {

using kubernetes::PathOf;

std::string RbacPath(std::string_view in_namespace, std::string_view name) {
  const std::string group = PathOf({"apis", "rbac.authorization.k8s.io", "v1"});
  return in_namespace.empty() ? group + PathOf({"clusterrolebindings", name})
                              : group + PathOf({"namespaces", in_namespace, "rolebindings", name});
}

std::string NameOfBinding(std::string_view in_namespace, std::string_view name) {
  return in_namespace.empty() ? fmt::format("clusterrolebinding/{}", name)
                              : fmt::format("rolebinding/{}/{}", in_namespace, name);
}

void AddBindingStep(PlanMaker& maker, const Json& binding, bool enabled, std::string_view reason,
                    const std::function<bool(const Json& subject)>& is_wanted) {
  const Json& metadata = wire::ObjectOf(binding, "metadata");
  const std::string name = wire::TextOf(metadata, "name");
  const std::string in_namespace = wire::TextOf(metadata, "namespace");
  Json kept = Json::array();
  std::string removed;
  for (const Json& subject : wire::ArrayOf(binding, "subjects")) {
    if (!is_wanted(subject)) {
      kept.push_back(subject);
      continue;
    }
    removed += fmt::format("{}{} {}", removed.empty() ? "" : ", ", wire::TextOf(subject, "kind"),
                           wire::TextOf(subject, "name"));
  }
  if (removed.empty()) return;
  // Another identity of the same binding, in a plan for several: one step for both, as each would
  // put the other's subject back.
  for (Step& other : maker.plan().steps) {
    if (other.kind != StepKind::kPatch || other.path != RbacPath(in_namespace, name)) continue;
    Json both = Json::array();
    for (const Json& subject : wire::ArrayOf(other.body, "subjects")) {
      if (!is_wanted(subject)) both.push_back(subject);
    }
    if (both == other.body["subjects"]) {
      other.enabled = other.enabled || enabled;
      return;
    }
    other.body["subjects"] = std::move(both);
    other.what =
        fmt::format("take {} and others out of {}", removed, NameOfBinding(in_namespace, name));
    other.enabled = other.enabled && enabled;
    return;
  }
  const Json& role = wire::ObjectOf(binding, "roleRef");
  Step& step = maker.AddPatch(
      "strip-binding", "identity", NameOfBinding(in_namespace, name), RbacPath(in_namespace, name),
      binding, {{"subjects", std::move(kept)}},
      fmt::format("take {} out of {} ({} {})", removed, NameOfBinding(in_namespace, name),
                  wire::TextOf(role, "kind"), wire::TextOf(role, "name")),
      std::string(reason));
  step.enabled = enabled;
  step.undo =
      "puts the subjects back; needs the role's own rights, or the verb bind on it, as every grant";
}

Result<size_t> ForEachBinding(PlanMaker& maker, const std::function<void(const Json&)>& visit) {
  size_t count = 0;
  for (const char* list : {"rolebindings", "clusterrolebindings"}) {
    const Result<void> listed =
        maker.client().List(PathOf({"apis", "rbac.authorization.k8s.io", "v1", list}), "",
                            [&](const Json& binding) -> Result<void> {
                              ++count;
                              visit(binding);
                              return {};
                            });
    if (!listed) return listed.error();
  }
  return count;
}

// The tokens of an account: those of secrets end with the secret, the others with the account's
// uid. Neither comes back.
Result<void> AddTokenSteps(PlanMaker& maker, std::string_view in_namespace, std::string_view name,
                           const Json& account) {
  const std::string secrets = PathOf({"api", "v1", "namespaces", in_namespace, "secrets"});
  const auto listed = maker.client().ListMetadata(secrets, [&](const Json& secret) -> Result<void> {
    const Json& metadata = wire::ObjectOf(secret, "metadata");
    const std::string of =
        wire::TextOf(wire::ObjectOf(metadata, "annotations"), "kubernetes.io/service-account.name");
    if (of != name) return {};
    const std::string secret_name = wire::TextOf(metadata, "name");
    Step& step = maker.AddRemoval(
        StepKind::kRemove, "delete-token", fmt::format("secret/{}/{}", in_namespace, secret_name),
        secrets + PathOf({secret_name}), secret,
        fmt::format("delete the token in secret/{}/{}", in_namespace, secret_name),
        "it is valid for ever otherwise; of its value the journal keeps the SHA-256. Pods that "
        "mount it lose the API");
    step.effect = Effect::kAlters;
    return {};
  });
  if (!listed) {
    maker.Warn(fmt::format("secrets of {} cannot be listed ({}): tokens in them are not found",
                           in_namespace, listed.error().message));
  }
  Step& step = maker.AddRemoval(
      StepKind::kReplace, "renew-account", fmt::format("serviceaccount/{}/{}", in_namespace, name),
      PathOf({"api", "v1", "namespaces", in_namespace, "serviceaccounts", name}), account,
      "delete the account and make it again with a new uid",
      "ends all its tokens in the cluster a minute later; its pods must be started again. Tokens "
      "that AWS took (IRSA) stay valid until they expire");
  step.effect = Effect::kAlters;
  step.fingerprint = Fingerprint(account);
  return {};
}

}  // namespace

Result<size_t> AddBindingSteps(PlanMaker& maker, bool enabled, std::string_view reason,
                               const std::function<bool(const Json& subject)>& is_wanted) {
  const size_t before = maker.plan().steps.size();
  const Result<size_t> visited = ForEachBinding(maker, [&](const Json& binding) {
    AddBindingStep(maker, binding, enabled, reason, is_wanted);
  });
  if (!visited) return visited.error();
  return maker.plan().steps.size() - before;
}

Result<void> PlanIdentity(PlanMaker& maker, std::string_view kind, std::string_view in_namespace,
                          std::string_view name) {
  Json account;
  if (kind == "ServiceAccount") {
    account = EKSHUME_TRY(maker.client().Get(
        PathOf({"api", "v1", "namespaces", in_namespace, "serviceaccounts", name})));
  }
  const std::string user = fmt::format("system:serviceaccount:{}:{}", in_namespace, name);
  const size_t found = EKSHUME_TRY(AddBindingSteps(
      maker, true,
      "silent: nothing in the cluster is stopped; what the identity may do ends at once",
      [&](const Json& subject) {
        if (kind == "ServiceAccount" && wire::TextOf(subject, "kind") == "User") {
          return wire::TextOf(subject, "name") == user;
        }
        return wire::TextOf(subject, "kind") == kind && wire::TextOf(subject, "name") == name &&
               (kind != "ServiceAccount" || wire::TextOf(subject, "namespace") == in_namespace);
      }));
  if (found == 0) maker.Warn("no role binding names this identity; it may still act by its groups");
  if (kind == "Group" && name == "system:masters") {
    maker.Warn(
        "RBAC cannot revoke system:masters: remove the access entries, the lines of "
        "aws-auth and the client certificates that give it");
  }
  if (kind == "ServiceAccount") {
    EKSHUME_TRY(AddTokenSteps(maker, in_namespace, name, account));
    AddAdmissionBlock(
        maker,
        {.images = {}, .in_namespace = std::string(in_namespace), .account = std::string(name)},
        false);
    maker.Warn(
        "tokens of the account stay valid for calls to AWS (IRSA, Pod Identity): deny the "
        "role's sessions or change its trust policy");
  }
  return {};
}

Result<void> PlanBinding(PlanMaker& maker, std::string_view in_namespace, std::string_view name) {
  const std::string path = RbacPath(in_namespace, name);
  const Json binding = EKSHUME_TRY(maker.client().Get(path));
  const std::string object = NameOfBinding(in_namespace, name);
  maker.AddDeletion(
      "delete-binding", "identity", object, path, binding, fmt::format("delete {}", object),
      "a backdoor in RBAC; the object is kept in the journal as it was, so it stays evidence");
  return {};
}

}  // namespace ekshume::live::respond
