// SPDX-License-Identifier: Apache-2.0
#include "live/respond/playbook.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/text.h"
#include "live/respond/change.h"
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

}  // namespace

PlanMaker::PlanMaker(const PlanRequest& request, kubernetes::Client& client)
    : request_(request), client_(client), mark_(CompactTime()) {
  plan_.id = fmt::format("{}-{}", mark_, Plain(request.target));
  plan_.target = request.target;
  plan_.case_id = request.case_id;
  plan_.created = FormatTimestamp(Now());
  plan_.by = request.by;
  plan_.server = client.access().server;
}

Step& PlanMaker::Add(Step step) {
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
  Step step;
  step.id = id;
  step.phase = phase;
  step.kind = StepKind::kPatch;
  step.object = object;
  step.path = path;
  step.uid = wire::TextOf(wire::ObjectOf(now, "metadata"), "uid");
  step.fingerprint = Fingerprint(now);
  step.body = std::move(patch);
  step.what = std::move(what);
  step.reason = std::move(reason);
  step.undo = "puts the old values of these fields back";
  return Add(std::move(step));
}

Step& PlanMaker::AddStep(StepKind kind, std::string_view id, std::string_view phase,
                         std::string object, std::string what, std::string reason) {
  Step step;
  step.id = id;
  step.phase = phase;
  step.kind = kind;
  step.object = std::move(object);
  step.what = std::move(what);
  step.reason = std::move(reason);
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
  step.uid = wire::TextOf(wire::ObjectOf(now, "metadata"), "uid");
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

Plan PlanMaker::Finish() {
  std::map<std::string, bool> known;
  for (Step& step : plan_.steps) {
    for (const kubernetes::Permission& permission : PermissionsOf(step)) {
      const std::string text = permission.Text();
      if (!known.contains(text)) {
        const auto may = client_.May(permission);
        // What cannot be asked is not said to be missing.
        known[text] = !may || *may;
      }
      if (!known[text]) step.missing.push_back(text);
    }
  }
  return std::move(plan_);
}

Result<Plan> MakePlan(const PlanRequest& request, kubernetes::Client& client) {
  PlanMaker maker(request, client);
  const std::vector<std::string_view> parts = SplitNonEmpty(request.target, '/');
  const std::string_view kind = parts.empty() ? std::string_view() : parts[0];
  if (kind == "pod" && parts.size() == 3) {
    EKSHUME_TRY(PlanPod(maker, parts[1], parts[2]));
  } else if (kind == "node" && parts.size() == 2) {
    EKSHUME_TRY(PlanNode(maker, parts[1]));
  } else if (kind == "serviceaccount" && parts.size() == 3) {
    EKSHUME_TRY(PlanIdentity(maker, "ServiceAccount", parts[1], parts[2]));
  } else if ((kind == "user" || kind == "group") && parts.size() >= 2) {
    // Names of users may have slashes: ARNs do.
    const std::string_view name = std::string_view(request.target).substr(kind.size() + 1);
    EKSHUME_TRY(PlanIdentity(maker, kind == "user" ? "User" : "Group", "", name));
  } else if (kind == "clusterrolebinding" && parts.size() == 2) {
    EKSHUME_TRY(PlanBinding(maker, "", parts[1]));
  } else if (kind == "rolebinding" && parts.size() == 3) {
    EKSHUME_TRY(PlanBinding(maker, parts[1], parts[2]));
  } else {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no target: pod/NAMESPACE/NAME, node/NAME, "
                            "serviceaccount/NAMESPACE/NAME, user/NAME, group/NAME, "
                            "clusterrolebinding/NAME or rolebinding/NAMESPACE/NAME",
                            EscapeForTerminal(request.target)));
  }
  return maker.Finish();
}

}  // namespace ekshume::live::respond
