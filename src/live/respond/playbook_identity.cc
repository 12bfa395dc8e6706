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
  if (kind == "ServiceAccount") {
    EKSHUME_TRY(maker.client().Get(
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
    maker.Warn(
        "tokens of the account stay valid for calls to AWS (IRSA, Pod Identity): deny the "
        "role's sessions or change its trust policy");
  }
  return {};
}

Result<void> PlanBinding(PlanMaker& maker, std::string_view in_namespace, std::string_view name) {
  const std::string path = RbacPath(in_namespace, name);
  const Json binding = EKSHUME_TRY(maker.client().Get(path));
  Step step;
  step.id = "delete-binding";
  step.phase = "identity";
  step.kind = StepKind::kDelete;
  step.object = NameOfBinding(in_namespace, name);
  step.path = path;
  step.uid = wire::TextOf(wire::ObjectOf(binding, "metadata"), "uid");
  step.fingerprint = Fingerprint(binding);
  step.what = fmt::format("delete {}", step.object);
  step.reason =
      "a backdoor in RBAC; the object is kept in the journal as it was, so it stays evidence";
  step.undo = "makes it again as it was, with a new uid";
  maker.Add(std::move(step));
  return {};
}

}  // namespace ekshume::live::respond
