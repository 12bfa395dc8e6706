// SPDX-License-Identifier: Apache-2.0
#include "live/respond/playbook.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/text.h"
#include "live/respond/change.h"
#include "live/respond/cloud_planner.h"
#include "live/respond/object_calls.h"
#include "live/respond/plan_maker.h"

namespace ekshume::live::respond {
namespace {

std::string CompactTime() {
  std::string text = FormatTimestamp(Now()).substr(0, 19);
  std::erase(text, '-');
  std::erase(text, ':');
  return text + "Z";
}

// A name for files: other characters become '-'.
std::string Plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain =
        IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_';
    out += is_plain ? c : '-';
  }
  return out.substr(0, 100);
}

// What every step has.
Step MakeStep(StepKind kind, std::string_view id, std::string_view phase, std::string object,
              std::string what, std::string reason) {
  Step step;
  step.id = id;
  step.phase = phase;
  step.kind = kind;
  step.object = std::move(object);
  step.what = std::move(what);
  step.reason = std::move(reason);
  return step;
}

}  // namespace

PlanMaker::PlanMaker(const PlanRequest& request, const PlanSources& sources)
    : request_(request), client_(sources.cluster), mark_(CompactTime()) {
  plan_.id = fmt::format("{}-{}", mark_, Plain(request.target));
  plan_.target = request.target;
  plan_.case_id = request.case_id;
  plan_.created = FormatTimestamp(Now());
  plan_.by = request.by;
  if (client_ != nullptr) plan_.server = client_->access().server;
  if (sources.aws != nullptr) cloud_ = std::make_unique<CloudPlanner>(*this, *sources.aws);
}
PlanMaker::~PlanMaker() = default;

Step& PlanMaker::Add(Step step) {
  for (Step& other : plan_.steps) {
    if (step.kind != StepKind::kManual && step.kind != StepKind::kAws && other.kind == step.kind &&
        other.path == step.path && other.object == step.object && other.body == step.body &&
        other.settings == step.settings && other.phase == step.phase) {
      return other;
    }
  }
  const std::string id = step.id;
  for (int number = 2; plan_.Find(step.id) != nullptr; ++number) {
    step.id = fmt::format("{}-{}", id, number);
  }
  plan_.steps.push_back(std::move(step));
  return plan_.steps.back();
}

Step& PlanMaker::AddPatch(std::string_view id, std::string_view phase, const std::string& object,
                          const std::string& path, const Json& now, Json patch, std::string what,
                          std::string reason) {
  Step step = MakeStep(StepKind::kPatch, id, phase, object, std::move(what), std::move(reason));
  step.path = path;
  step.uid = UidOf(now);
  step.fingerprint = Fingerprint(now);
  step.body = std::move(patch);
  step.undo = "puts the old values of these fields back";
  return Add(std::move(step));
}

Step& PlanMaker::AddStep(StepKind kind, std::string_view id, std::string_view phase,
                         std::string object, std::string what, std::string reason) {
  Step step = MakeStep(kind, id, phase, std::move(object), std::move(what), std::move(reason));
  if (kind == StepKind::kSave || kind == StepKind::kAcquire || kind == StepKind::kProbe) {
    step.undo = "nothing to undo";
  }
  return Add(std::move(step));
}

Step& PlanMaker::AddRemoval(StepKind kind, std::string_view id, std::string object,
                            std::string path, const Json& now, std::string what,
                            std::string reason) {
  Step& step =
      AddStep(kind, id, "eradicate", std::move(object), std::move(what), std::move(reason));
  step.path = std::move(path);
  step.uid = UidOf(now);
  step.effect = Effect::kDestroys;
  step.undo = "none";
  step.needs_approval = true;
  step.enabled = false;
  return step;
}

Step& PlanMaker::AddNodeShield(std::string_view name, const Json& now, std::string what,
                               std::string reason) {
  return AddPatch("shield-node", "shield", fmt::format("node/{}", name),
                  kubernetes::PathOf({"api", "v1", "nodes", name}), now,
                  {{"metadata",
                    {{"annotations",
                      {{"karpenter.sh/do-not-disrupt", "true"},
                       {"cluster-autoscaler.kubernetes.io/scale-down-disabled", "true"}}}}}},
                  std::move(what), std::move(reason));
}

Step& PlanMaker::AddCreation(std::string_view id, std::string_view phase, std::string object,
                             std::string collection, Json body, std::string what,
                             std::string reason) {
  Step step =
      MakeStep(StepKind::kCreate, id, phase, std::move(object), std::move(what), std::move(reason));
  step.path = std::move(collection);
  step.body = std::move(body);
  step.undo = "deletes it";
  return Add(std::move(step));
}

Step& PlanMaker::AddDeletion(std::string_view id, std::string_view phase, std::string object,
                             std::string path, const Json& now, std::string what,
                             std::string reason) {
  Step step =
      MakeStep(StepKind::kDelete, id, phase, std::move(object), std::move(what), std::move(reason));
  step.path = std::move(path);
  step.uid = UidOf(now);
  step.fingerprint = Fingerprint(now);
  step.undo = "makes it again as it was, with a new uid";
  return Add(std::move(step));
}

bool PlanMaker::Serves(const std::string& version, std::string_view resource) {
  auto served = served_.find(version);
  if (served == served_.end()) {
    const auto resources = client_->Get("/apis/" + version);
    if (!resources) return false;
    served = served_.emplace(version, *resources).first;
  }
  return std::ranges::any_of(wire::ArrayOf(served->second, "resources"), [&](const Json& one) {
    return wire::TextOf(one, "name") == resource;
  });
}

std::string PlanMaker::ServedVersion(std::initializer_list<const char*> versions,
                                     std::string_view resource) {
  for (const char* version : versions) {
    if (Serves(version, resource)) return version;
  }
  return "";
}

void PlanMaker::SortByPhase() {
  constexpr std::array<std::string_view, 10> kPhases = {
      "record", "shield",  "save",   "identity", "capture",
      "detach", "network", "verify", "disk",     "eradicate"};
  std::ranges::stable_sort(plan_.steps, {}, [&](const Step& step) {
    return std::ranges::find(kPhases, step.phase) - kPhases.begin();
  });
}

Plan PlanMaker::Finish() {
  if (cloud_ != nullptr) {
    cloud_->GuardOurselves();
    cloud_->CheckPermissions();
  }
  std::map<std::string, bool> known;
  for (Step& step : plan_.steps) {
    for (const kubernetes::Permission& permission : PermissionsOf(step)) {
      const std::string key = permission.Text() + "/" + permission.name;
      if (!known.contains(key)) {
        const auto may = client_->May(permission);
        // What cannot be asked is not said to be missing.
        known[key] = !may || *may;
      }
      if (!known[key]) step.missing.push_back(permission.Text());
    }
  }
  return std::move(plan_);
}

Result<void> PlanTarget(PlanMaker& maker, std::string_view target) {
  const std::vector<std::string_view> parts = SplitNonEmpty(target, '/');
  const std::string_view kind = parts.empty() ? std::string_view() : parts[0];
  // Names of users and images may have slashes: ARNs do.
  const std::string_view rest =
      kind.size() < target.size() ? target.substr(kind.size() + 1) : std::string_view();
  if (parts.size() == 3) {
    if (kind == "pod") return PlanPod(maker, parts[1], parts[2]);
    if (kind == "serviceaccount") return PlanIdentity(maker, "ServiceAccount", parts[1], parts[2]);
    if (kind == "rolebinding") return PlanBinding(maker, parts[1], parts[2]);
    if (kind == "secret") return PlanSecret(maker, parts[1], parts[2]);
    if (kind == "cronjob") return PlanCronJob(maker, parts[1], parts[2]);
    if (kind == "deployment" || kind == "statefulset" || kind == "daemonset") {
      return PlanWorkload(maker, kind, parts[1], parts[2]);
    }
  }
  if (parts.size() == 2) {
    if (kind == "node") return PlanNode(maker, parts[1]);
    if (kind == "clusterrolebinding") return PlanBinding(maker, "", parts[1]);
    if (kind == "webhook") return PlanWebhook(maker, parts[1]);
    if (kind == "apiservice") return PlanApiService(maker, parts[1]);
  }
  if (parts.size() >= 2) {
    if (kind == "user") return PlanIdentity(maker, "User", "", rest);
    if (kind == "group") return PlanIdentity(maker, "Group", "", rest);
    if (kind == "aws-auth") return PlanAwsAuth(maker, rest);
    if (kind == "image") return PlanImage(maker, rest);
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is no target: {}", EscapeForTerminal(target), kTargets));
}

Result<Plan> MakePlan(const PlanRequest& request, const PlanSources& sources) {
  PlanMaker maker(request, sources);
  if (IsCloudTarget(request.target)) {
    EKSHUME_TRY(PlanCloudTarget(maker));
  } else if (sources.cluster == nullptr) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is in a cluster: which? (--kubeconfig, --eks-cluster)",
                            EscapeForTerminal(request.target)));
  } else {
    EKSHUME_TRY(PlanTarget(maker, request.target));
    if (maker.cloud() != nullptr) AddCloudSteps(maker, request.target);
  }
  maker.SortByPhase();
  return maker.Finish();
}

}  // namespace ekshume::live::respond
