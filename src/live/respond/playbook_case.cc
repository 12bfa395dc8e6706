// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "live/respond/cloud_planner.h"
#include "live/respond/plan_maker.h"

namespace ekshume::live::respond {
namespace {

constexpr size_t kMaxTargets = 200;  // of one case; what is more is named

// What an incident names, as targets of plans: those of the cluster, and those that are not.
class CaseTargets {
 public:
  void Read(const Json& incident) {
    for (const Json& place : wire::ArrayOf(incident, "places")) AddPlace(place);
    for (const Json& actor : wire::ArrayOf(incident, "actors")) AddActor(actor);
    for (const Json& secret : wire::ArrayOf(incident, "secrets")) {
      if (wire::TextOf(secret, "kind") == "secret") AddPath("secret", wire::TextOf(secret, "name"));
    }
  }

  const std::vector<std::string>& targets() const { return targets_; }
  // Of the target `why` it is one: "commands were run in it".
  const std::string& WhyOf(const std::string& target) { return why_[target]; }
  struct Other {
    std::string object;
    std::string what;
    std::string reason;
    std::string principal = {};  // of AWS: an ARN, or the id of a key
  };
  // What people must do elsewhere.
  const std::vector<Other>& others() const { return others_; }

 private:
  void Add(std::string target, const std::string& why) {
    if (!why_.emplace(target, why).second) return;
    targets_.push_back(std::move(target));
  }
  void AddOther(Other other) {
    if (seen_.insert(other.object).second) others_.push_back(std::move(other));
  }
  // "shop/web" of a kind with a namespace.
  void AddPath(std::string_view kind, const std::string& name) {
    if (SplitNonEmpty(name, '/').size() == 2) Add(fmt::format("{}/{}", kind, name), "");
  }

  void AddPlace(const Json& place) {
    if (!place.is_object()) return;
    const std::string kind = wire::TextOf(place, "kind");
    const std::string name = wire::TextOf(place, "name");
    const std::string in_namespace = wire::TextOf(place, "namespace");
    const std::string how = wire::TextOf(place, "how");
    const std::string pod = kind == "pod" ? name : wire::TextOf(place, "pod");
    if ((kind == "pod" || kind == "container") && !pod.empty() && !in_namespace.empty()) {
      Add(fmt::format("pod/{}/{}", in_namespace, pod), how);
      return;
    }
    if (kind == "node" && !name.empty()) {
      Add(fmt::format("node/{}", name), how);
      return;
    }
    AddOther({fmt::format("{}/{}", kind, name), fmt::format("contain {} {} by hand", kind, name),
              fmt::format("{}; the case does not say which pod of the cluster it is", how)});
  }

  static std::string NameOfActor(const Json& actor, std::string_view field) {
    for (const Json& name : wire::ArrayOf(actor, "names")) {
      if (wire::TextOf(name, "field") == field) return wire::TextOf(name, "value");
    }
    return "";
  }

  void AddActor(const Json& actor) {
    const std::string kind = wire::TextOf(actor, "kind");
    if (wire::TextOf(actor, "role") != "acted") return;
    const std::string why = fmt::format("{} acted", wire::TextOf(actor, "name"));
    const std::string account = NameOfActor(actor, "service_account");
    if (SplitNonEmpty(account, '/').size() == 2) {
      Add(fmt::format("serviceaccount/{}", account), why);
      return;
    }
    const std::string user = NameOfActor(actor, "user_name");
    constexpr std::string_view kNode = "system:node:";
    constexpr std::string_view kAccount = "system:serviceaccount:";
    if (user.starts_with(kAccount)) {
      const auto parts = SplitNonEmpty(std::string_view(user).substr(kAccount.size()), ':');
      if (parts.size() == 2) Add(fmt::format("serviceaccount/{}/{}", parts[0], parts[1]), why);
      return;
    }
    if (user.starts_with(kNode)) {
      Add(fmt::format("node/{}", user.substr(kNode.size())), why);
      return;
    }
    const std::string arn = NameOfActor(actor, "user_arn");
    if (!arn.empty()) {
      Add(fmt::format("aws-auth/{}", arn), why);
      AddOther({arn,
                fmt::format("contain {} in AWS: deny its sessions, set its keys inactive, "
                            "remove its access entry",
                            arn),
                "it is an identity of AWS: what the cluster does not let it do, it may still do "
                "there",
                arn});
    }
    const std::string key = NameOfActor(actor, "access_key_id");
    if (arn.empty() && key.starts_with("AKIA")) {
      AddOther({fmt::format("key/{}", key), fmt::format("make the key {} inactive", key),
                "whoever has it acts by it in AWS", key});
      return;
    }
    if (!user.empty() && user != "system:anonymous") Add(fmt::format("user/{}", user), why);
    if (arn.empty() && user.empty()) {
      AddOther({wire::TextOf(actor, "name"),
                fmt::format("find out who {} is, and contain it", wire::TextOf(actor, "name")),
                fmt::format("a {}, of which the case has no name of the cluster", kind)});
    }
  }

  std::vector<std::string> targets_;
  std::map<std::string, std::string> why_;
  std::vector<Other> others_;
  std::set<std::string> seen_;
};

// Why a target got no steps, for people.
std::string WhyNot(std::string_view target, const Error& error) {
  if (error.code == ErrorCode::kNotFound) {
    return fmt::format(
        "{} is not in the cluster any more: what is left of it is on the disk of its "
        "node and in the records",
        target);
  }
  return fmt::format("{}: {}", target, error.message);
}

// The steps of an identity of AWS. kUnsupported without AWS.
Result<void> PlanInCloud(PlanMaker& maker, const std::string& principal) {
  if (maker.cloud() == nullptr) {
    return Fail(ErrorCode::kUnsupported, "there are no credentials of AWS");
  }
  CloudPlanner& cloud = *maker.cloud();
  EKSHUME_TRY(cloud.Identify());
  return principal.starts_with("arn:") ? PlanPrincipal(cloud, principal)
                                       : PlanKey(cloud, principal);
}

// The steps of what is in the cluster, and of that in AWS.
Result<void> PlanInCluster(PlanMaker& maker, const PlanSources& sources,
                           const std::string& target) {
  if (sources.cluster == nullptr) {
    return Fail(ErrorCode::kUnsupported, "no cluster is known (--kubeconfig, --eks-cluster)");
  }
  EKSHUME_TRY(PlanTarget(maker, target));
  if (maker.cloud() != nullptr) AddCloudSteps(maker, target);
  return {};
}

}  // namespace

Result<Plan> MakeCasePlan(const PlanRequest& request, std::string_view report,
                          const PlanSources& sources) {
  const Json json = Json::parse(report, nullptr, false);
  if (!json.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "the case has no report: investigate it first");
  }
  CaseTargets found;
  for (const Json& incident : wire::ArrayOf(json, "incidents")) found.Read(incident);
  if (found.targets().empty() && found.others().empty()) {
    return Fail(ErrorCode::kNotFound,
                "no incident of the case names a pod, a node or an identity: plan for a target");
  }
  PlanMaker maker(request, sources);
  size_t count = 0;
  for (const std::string& target : found.targets()) {
    if (++count > kMaxTargets) {
      maker.Warn(fmt::format("the case names {} targets: the plan is for the first {}",
                             found.targets().size(), kMaxTargets));
      break;
    }
    const size_t before = maker.plan().steps.size();
    const Result<void> planned = PlanInCluster(maker, sources, target);
    if (planned) {
      const std::string& why = found.WhyOf(target);
      maker.Warn(fmt::format("{}: {}", target, why.empty() ? "the case names it" : why));
      continue;
    }
    // Not to reach the cluster at all is no finding about the target.
    if (planned.error().code == ErrorCode::kIo) return planned.error();
    maker.plan().steps.resize(before);
    // A principal without a row needs none.
    if (target.starts_with("aws-auth/") && planned.error().code == ErrorCode::kNotFound) continue;
    maker.AddStep(StepKind::kManual, "by-hand", "record", target,
                  fmt::format("look after {} by hand", target), WhyNot(target, planned.error()));
  }
  for (const CaseTargets::Other& other : found.others()) {
    std::string reason = other.reason;
    if (!other.principal.empty()) {
      const size_t before = maker.plan().steps.size();
      const Result<void> planned = PlanInCloud(maker, other.principal);
      if (planned) {
        maker.Warn(fmt::format("{}: the case says that it acted", other.object));
        continue;
      }
      maker.plan().steps.resize(before);
      reason += fmt::format("; {}", planned.error().message);
    }
    maker.AddStep(StepKind::kManual, "by-hand", "identity", other.object, other.what, reason);
  }
  maker.SortByPhase();
  return maker.Finish();
}

}  // namespace ekshume::live::respond
