// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "live/cloud_state/resource.h"

// Auto Scaling groups: what keeps an instance in them, and them from replacing it.
namespace ekshume::live::cloud_state {
namespace {

using wire::ArrayOf;
using wire::TextOf;

Result<Json> Describe(const Asker& asker, const Json& parameters) {
  const std::string name = TextOf(parameters, "AutoScalingGroupName");
  const Json answer = EKSHUME_TRY(
      asker.Ask("autoscaling", "DescribeAutoScalingGroups", {{"AutoScalingGroupNames", {name}}}));
  const Json& group = Among(ArrayOf(answer, "AutoScalingGroups"), "AutoScalingGroupName", name);
  if (group.is_null()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no Auto Scaling group {}", name));
  }
  return group;
}

Result<Json> Member(const Asker& asker, const Json& parameters) {
  const Json group = EKSHUME_TRY(Describe(asker, parameters));
  return Among(ArrayOf(group, "Instances"), "InstanceId", TextOf(parameters, "InstanceId"));
}

// --- protection from scale-in -------------------------------------------------------------------

Result<Json> ReadProtection(const Asker& asker, const Json& parameters) {
  const Json member = EKSHUME_TRY(Member(asker, parameters));
  if (member.is_null()) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{} is in no such group any more", TextOf(parameters, "InstanceId")));
  }
  return Json{{"protected", IsTrue(member, "ProtectedFromScaleIn") ? "true" : "false"}};
}

std::vector<ServiceCall> ChangeProtection(const Json& parameters, const Json&, const Json& to) {
  return {Changing("autoscaling", "SetInstanceProtection",
                   {{"AutoScalingGroupName", TextOf(parameters, "AutoScalingGroupName")},
                    {"InstanceIds", {TextOf(parameters, "InstanceId")}},
                    {"ProtectedFromScaleIn", TextOf(to, "protected")}})};
}

// --- the processes of a group -------------------------------------------------------------------

Result<Json> ReadProcesses(const Asker& asker, const Json& parameters) {
  const Json group = EKSHUME_TRY(Describe(asker, parameters));
  std::vector<std::string> suspended;
  for (const Json& process : ArrayOf(group, "SuspendedProcesses")) {
    suspended.push_back(TextOf(process, "ProcessName"));
  }
  std::ranges::sort(suspended);
  return Json{{"suspended", suspended}};
}

std::vector<ServiceCall> ChangeProcesses(const Json& parameters, const Json& from, const Json& to) {
  const Json& before = ArrayOf(from, "suspended");
  const Json& after = ArrayOf(to, "suspended");
  std::vector<ServiceCall> calls;
  const auto add = [&](const char* operation, const Json& names) {
    if (names.empty()) return;
    calls.push_back(Changing("autoscaling", operation,
                             {{"AutoScalingGroupName", TextOf(parameters, "AutoScalingGroupName")},
                              {"ScalingProcesses", names}}));
  };
  add("SuspendProcesses", Without(after, before));
  add("ResumeProcesses", Without(before, after));
  return calls;
}

// --- whether an instance belongs to it ----------------------------------------------------------

Result<Json> ReadMembership(const Asker& asker, const Json& parameters) {
  const Json member = EKSHUME_TRY(Member(asker, parameters));
  if (member.is_null()) return Json();
  const std::string state = TextOf(member, "LifecycleState");
  if (state == "Detached" || state == "Terminated") return Json();
  Json out = {{"lifecycle", state}};
  if (state.starts_with("Entering") || state.starts_with("Detaching") ||
      state.starts_with("Pending")) {
    out["lifecycle"] = state.starts_with("Pending") ? "Standby" : "InService";
    out["@changing"] = state;
  }
  return out;
}

std::vector<ServiceCall> ChangeMembership(const Json& parameters, const Json& from,
                                          const Json& to) {
  Json request = {{"AutoScalingGroupName", TextOf(parameters, "AutoScalingGroupName")},
                  {"InstanceIds", {TextOf(parameters, "InstanceId")}}};
  const std::string wanted = TextOf(to, "lifecycle");
  if (from.is_null()) {
    // What is attached serves; it could be set aside only after that.
    if (wanted != "InService") return {};
    return {Changing("autoscaling", "AttachInstances", std::move(request))};
  }
  if (wanted == "InService") return {Changing("autoscaling", "ExitStandby", std::move(request))};
  // The group starts a clean instance in its place.
  request["ShouldDecrementDesiredCapacity"] = "false";
  if (to.is_null()) return {Changing("autoscaling", "DetachInstances", std::move(request))};
  if (wanted == "Standby") return {Changing("autoscaling", "EnterStandby", std::move(request))};
  return {};
}

}  // namespace

std::vector<Resource> ScalingResources() {
  return {
      {.name = "scale-in-protection",
       .parameters = {"AutoScalingGroupName", "InstanceId"},
       .read_with = "autoscaling:DescribeAutoScalingGroups",
       .read = ReadProtection,
       .change = ChangeProtection,
       .arn = nullptr},
      {.name = "autoscaling-processes",
       .parameters = {"AutoScalingGroupName"},
       .read_with = "autoscaling:DescribeAutoScalingGroups",
       .read = ReadProcesses,
       .change = ChangeProcesses,
       .arn = nullptr},
      {.name = "autoscaling-membership",
       .parameters = {"AutoScalingGroupName", "InstanceId"},
       .read_with = "autoscaling:DescribeAutoScalingGroups",
       .is_slow = true,
       .read = ReadMembership,
       .change = ChangeMembership,
       .arn = nullptr},
  };
}

}  // namespace ekshume::live::cloud_state
