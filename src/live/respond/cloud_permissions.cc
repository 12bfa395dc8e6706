// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "live/respond/aws_change.h"
#include "live/respond/aws_steps.h"
#include "live/respond/cloud_planner.h"

// Which permissions in AWS a plan's steps lack, asked before anything is done.
namespace ekshume::live::respond {
namespace {

using wire::TextOf;

// IAM takes that many actions in one call.
constexpr size_t kMaxActions = 100;

bool IsAllowed(const std::string& decision) { return decision == "allowed"; }

void AddMissing(Step& step, const std::string& permission, bool is_for_undo) {
  const std::string text = is_for_undo ? permission + " (to undo it)" : permission;
  if (std::ranges::find(step.missing, text) == step.missing.end()) step.missing.push_back(text);
}

}  // namespace

std::vector<CloudPlanner::Needed> CloudPlanner::NeedsOf(const Step& step) const {
  const cloud_state::Resource* resource = cloud_state::FindResource(step.aws.resource);
  if (step.kind != StepKind::kAws || resource == nullptr) return {};
  std::vector<Needed> needs = {{std::string(resource->read_with), false}};
  for (const std::string& call : step.aws.calls) needs.push_back({call, false});
  for (const std::string_view also : resource->also_needs) {
    needs.push_back({std::string(also), false});
  }
  for (const std::string& call : step.aws.undo_with) needs.push_back({call, true});
  return needs;
}

std::optional<std::string> CloudPlanner::Principal() const {
  const std::string& arn = caller_.arn;
  const size_t role = arn.find(":assumed-role/");
  if (role == std::string::npos) {
    if (arn.find(":user/") == std::string::npos) return std::nullopt;
    return arn;
  }
  // The session's ARN lacks the role's path, which IAM knows.
  const size_t start = role + std::string_view(":assumed-role/").size();
  const std::string name = arn.substr(start, arn.find('/', start) - start);
  const Result<Json> answer = asker_.Ask("iam", "GetRole", {{"RoleName", name}});
  const std::string known = answer ? TextOf(wire::ObjectOf(*answer, "Role"), "Arn") : std::string();
  if (!known.empty()) return known;
  return fmt::format("arn:{}:iam::{}:role/{}", aws::PartitionOf(asker_.region()), caller_.account,
                     name);
}

bool CloudPlanner::Simulate(const std::string& principal) {
  // What is asked of one thing goes into one call.
  std::map<std::string, std::set<std::string>> asked;
  const auto arn_of = [&](const Step& step) {
    const auto* resource = cloud_state::FindResource(step.aws.resource);
    return resource->arn == nullptr
               ? std::string("*")
               : resource->arn(step.aws.parameters, step.aws.region, caller_.account);
  };
  // Reading calls have no resources but for a few; EC2's never.
  const auto place_of = [&](const Step& step, const std::string& permission) {
    return permission.find(":Describe") != std::string::npos ||
                   permission.find(":List") != std::string::npos || permission == "iam:PassRole"
               ? std::string("*")
               : arn_of(step);
  };
  for (const Step& step : maker_.plan().steps) {
    for (const Needed& needed : NeedsOf(step)) {
      asked[place_of(step, needed.permission)].insert(needed.permission);
    }
  }
  std::set<std::pair<std::string, std::string>> denied;
  bool has_conditions = false;
  for (const auto& [place, permissions] : asked) {
    Json actions = Json::array();
    for (const std::string& permission : permissions) {
      if (actions.size() < kMaxActions) actions.push_back(permission);
    }
    std::string code;
    const Result<Json> answer = asker_.Ask(
        "iam", "SimulatePrincipalPolicy",
        {{"PolicySourceArn", principal}, {"ActionNames", actions}, {"ResourceArns", {place}}},
        &code);
    if (!answer) {
      maker_.Warn(fmt::format("permissions in AWS are not simulated: {}", answer.error().message));
      return false;
    }
    for (const Json& result : wire::ArrayOf(*answer, "EvaluationResults")) {
      if (IsAllowed(TextOf(result, "EvalDecision"))) continue;
      // Depends on tags and the like, which only the real call has.
      if (!wire::ArrayOf(result, "MissingContextValues").empty()) {
        has_conditions = true;
        continue;
      }
      denied.insert({place, TextOf(result, "EvalActionName")});
    }
  }
  for (Step& step : maker_.plan().steps) {
    for (const Needed& needed : NeedsOf(step)) {
      if (denied.contains({place_of(step, needed.permission), needed.permission})) {
        AddMissing(step, needed.permission, needed.is_for_undo);
      }
    }
  }
  if (has_conditions) {
    maker_.Warn("some permissions depend on conditions that only the call itself can show");
  }
  return true;
}

void CloudPlanner::TryDryRuns() {
  for (Step& step : maker_.plan().steps) {
    if (step.kind != StepKind::kAws || step.aws.calls.empty() || step.fingerprint.empty()) continue;
    const auto* resource = cloud_state::FindResource(step.aws.resource);
    const Json wanted = Comparable(step.aws.wanted);
    if (wire::DumpJson(wanted).find("${") != std::string::npos) continue;
    const Json after = StateAfter(step.aws.state, wanted);
    for (const auto& call : resource->change(step.aws.parameters, step.aws.state, after)) {
      if (!aws::HasDryRun(call)) continue;
      const Result<void> allowed = aws::DryRunService(client_, call, step.aws.region);
      if (!allowed && allowed.error().code == ErrorCode::kUnsupported) {
        AddMissing(step, aws::PermissionOf(call), false);
      }
    }
  }
}

void CloudPlanner::CheckPermissions() {
  if (std::ranges::none_of(maker_.plan().steps,
                           [](const Step& step) { return step.kind == StepKind::kAws; })) {
    maker_.plan().account.clear();
    return;
  }
  const std::optional<std::string> principal = Principal();
  if (!principal) return;
  if (!Simulate(*principal)) TryDryRuns();
}

}  // namespace ekshume::live::respond
