// SPDX-License-Identifier: Apache-2.0
#include "live/respond/cloud_planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "live/respond/aws_change.h"
#include "live/respond/aws_steps.h"
#include "live/respond/lockout.h"

namespace ekshume::live::respond {
namespace {

using cloud_state::Resource;
using cloud_state::ServiceCall;
using wire::TextOf;

std::vector<std::string> PermissionsOf(const std::vector<ServiceCall>& calls) {
  std::vector<std::string> permissions;
  for (const ServiceCall& call : calls) {
    const std::string permission = aws::PermissionOf(call);
    if (std::ranges::find(permissions, permission) == permissions.end()) {
      permissions.push_back(permission);
    }
  }
  return permissions;
}

}  // namespace

Json DenyDocument(Json condition) {
  Json statement = {{"Sid", "Ekshume"}, {"Effect", "Deny"}, {"Action", "*"}, {"Resource", "*"}};
  if (!condition.empty()) statement["Condition"] = std::move(condition);
  return {{"Version", "2012-10-17"}, {"Statement", Json::array({std::move(statement)})}};
}

std::string NameInArn(std::string_view text) {
  return std::string(text.substr(text.rfind('/') + 1));
}

CloudPlanner::CloudPlanner(PlanMaker& maker, const aws::Client& client)
    : maker_(maker), client_(client), asker_(client, client.region()) {}

Result<void> CloudPlanner::Identify() {
  if (!caller_.arn.empty()) return {};
  caller_ = EKSHUME_TRY(aws::GetCallerIdentity(client_));
  maker_.plan().account = caller_.account;
  return {};
}

void CloudPlanner::GuardOurselves() {
  for (Step& step : maker_.plan().steps) {
    if (step.kind != StepKind::kAws) continue;
    const std::string lockout = LockoutOf(step.aws, caller_);
    if (lockout.empty()) continue;
    Guard(step);
    maker_.Warn(fmt::format(
        "{} is not enabled, as it would lock us out: {}. It needs its setting {} besides", step.id,
        lockout, kEvenOurselves));
  }
}

Step* CloudPlanner::Add(CloudStep words, const char* resource, Json parameters, Json wanted) {
  const Resource* kind = cloud_state::FindResource(resource);
  Step step;
  step.id = std::move(words.id);
  step.phase = std::move(words.phase);
  step.kind = StepKind::kAws;
  step.object = std::move(words.object);
  step.what = std::move(words.what);
  step.reason = std::move(words.reason);
  step.undo = kind->undo == cloud_state::Undo::kPutsBack ? "puts the state back as it was"
              : kind->undo == cloud_state::Undo::kKeeps  ? "none: it is evidence and stays"
                                                         : "none";
  step.aws.resource = resource;
  step.aws.region = asker_.region();
  step.aws.parameters = std::move(parameters);
  step.aws.wanted = std::move(wanted);
  step.aws.read = kind->read_with;
  // What an earlier step makes cannot be read yet.
  const bool is_made_later = wire::DumpJson(step.aws.parameters).find("${") != std::string::npos;
  if (!is_made_later) {
    const Result<Json> state = kind->read(asker_, step.aws.parameters);
    if (!state && state.error().code == ErrorCode::kNotFound) {
      maker_.Warn(fmt::format("no step {}: {}", step.id, state.error().message));
      return nullptr;
    }
    if (state) {
      step.aws.state = *state;
      step.fingerprint = StateFingerprint(*state);
    } else {
      maker_.Warn(fmt::format("{}: its state cannot be read: {}", step.id, state.error().message));
    }
  }
  const Json after = StateAfter(step.aws.state, step.aws.wanted);
  step.aws.calls = PermissionsOf(kind->change(step.aws.parameters, step.aws.state, after));
  if (kind->undo == cloud_state::Undo::kPutsBack) {
    step.aws.undo_with = PermissionsOf(kind->change(step.aws.parameters, after, step.aws.state));
  }
  return &maker_.Add(std::move(step));
}

Step* CloudPlanner::Planned(std::string_view resource, const Json& parameters) {
  for (Step& step : maker_.plan().steps) {
    if (step.kind == StepKind::kAws && step.aws.resource == resource &&
        step.aws.parameters == parameters) {
      return &step;
    }
  }
  return nullptr;
}

void CloudPlanner::Guard(Step& step) {
  step.enabled = false;
  step.needs_approval = true;
}

bool IsCloudTarget(std::string_view target) {
  constexpr std::array<std::string_view, 8> kKinds = {"role/",     "iam-user/",    "key/",
                                                      "instance/", "association/", "access-entry/",
                                                      "cluster/",  "ecr-image/"};
  return std::ranges::any_of(kKinds, [&](auto kind) { return target.starts_with(kind); });
}

Result<void> PlanCloudTarget(PlanMaker& maker) {
  const std::string& target = maker.request().target;
  const size_t slash = target.find('/');
  const std::string kind = target.substr(0, slash);
  const std::string rest = target.substr(slash + 1);
  const auto bad = [&] {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no target in AWS: {}",
                                                         EscapeForTerminal(target), kCloudTargets));
  };
  if (maker.cloud() == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "the target is in AWS: it needs AWS credentials");
  }
  if (rest.empty()) return bad();
  CloudPlanner& cloud = *maker.cloud();
  EKSHUME_TRY(cloud.Identify());
  if (kind == "role") return PlanRole(cloud, NameInArn(rest), cloud.request());
  if (kind == "iam-user") return PlanUser(cloud, NameInArn(rest), "");
  if (kind == "key") return PlanKey(cloud, rest);
  if (kind == "instance") return PlanInstance(cloud, rest);
  if (kind == "cluster") return PlanCluster(cloud, rest);
  if (kind == "ecr-image") {
    const size_t at = rest.find('@');
    if (at == std::string::npos || !rest.substr(at + 1).starts_with("sha256:")) return bad();
    return PlanEcrImage(cloud, rest.substr(0, at), rest.substr(at + 1));
  }
  const size_t end = rest.find('/');  // the names of clusters have no slash, ARNs do
  if (end == std::string::npos || end + 1 == rest.size()) return bad();
  const std::string cluster = rest.substr(0, end);
  if (kind == "association") return PlanAssociation(cloud, cluster, rest.substr(end + 1));
  return ContainAccessEntry(cloud, cluster, rest.substr(end + 1));
}

}  // namespace ekshume::live::respond
