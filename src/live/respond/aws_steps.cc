// SPDX-License-Identifier: Apache-2.0
#include "live/respond/aws_steps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

#include "base/limits.h"
#include "base/time.h"
#include "base/wait.h"
#include "live/respond/change.h"
#include "live/respond/own_changes.h"

namespace ekshume::live::respond {
namespace {

using cloud_state::Resource;
using cloud_state::ServiceCall;
using At = StepState::At;

// How long a state may take: some services are consistent after seconds, EKS changes a cluster's
// configuration within minutes, an instance stops within one or two.
constexpr int kMaxLooks = 30;
constexpr int kMaxSlowLooks = 150;
constexpr std::chrono::milliseconds kFirstWait{200};
constexpr std::chrono::milliseconds kLongestWait{5'000};

Error Refused(std::string why) { return Fail(ErrorCode::kUnsupported, std::move(why)); }

// What a step of the plan made: "${make-group.id}" is the member id or @id of the state after it.
Result<std::string> Made(const std::vector<Json>& records, std::string_view reference) {
  const size_t dot = reference.find('.');
  const std::string step(reference.substr(0, dot));
  const std::string member(dot == std::string_view::npos ? "" : reference.substr(dot + 1));
  const auto states = StatesOf(records);
  const auto found = states.find(step);
  if (found == states.end() || found->second.at != At::kDone) {
    return Refused(fmt::format("needs what the step {} makes, which is not done", step));
  }
  const Json& after = wire::ObjectOf(found->second.done, "after");
  std::string value = wire::TextOf(after, ("@" + member).c_str());
  if (value.empty()) value = wire::TextOf(after, member.c_str());
  if (value.empty()) return Refused(fmt::format("the step {} made no {}", step, member));
  return value;
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDocumentDepth
Result<Json> Fill(const Json& json, const std::vector<Json>& records, const std::string& now,
                  int depth) {
  if (depth > limits::kMaxDocumentDepth) return Fail(ErrorCode::kLimit, "kMaxDocumentDepth");
  if (json.is_string()) {
    const std::string text = json.get<std::string>();
    if (!text.starts_with("${") || !text.ends_with("}")) return json;
    const std::string name = text.substr(2, text.size() - 3);
    // IAM has policy variables of this form ("${aws:username}"); steps' ids have no colon.
    if (name.contains(':')) return json;
    if (name == "now") return Json(now);
    return Json(EKSHUME_TRY(Made(records, name)));
  }
  Json out = json;
  if (json.is_object() || json.is_array()) {
    for (auto& [name, value] : out.items()) {
      value = EKSHUME_TRY(Fill(value, records, now, depth + 1));
    }
  }
  return out;
}

std::string PathOf(const Resource& resource, const Json& parameters, const std::string& region) {
  std::string path = fmt::format("aws/{}/{}", region, resource.name);
  for (const std::string_view name : resource.parameters) {
    path += fmt::format("/{}", wire::TextOf(parameters, std::string(name).c_str()));
  }
  return path;
}

bool MayStand(const StepState& state) { return state.begun.is_object() && state.at != At::kUndone; }

}  // namespace

Json RequestsOf(const std::vector<ServiceCall>& calls) {
  Json requests = Json::array();
  for (const ServiceCall& call : calls) {
    requests.push_back({{"call", aws::PermissionOf(call)}, {"parameters", call.parameters}});
  }
  return requests;
}

Result<AwsSteps::Target> AwsSteps::Resolve(const Step& step, bool with_moment) const {
  if (client_ == nullptr) return Refused("is a step in AWS: there are no credentials of AWS");
  Target target;
  target.resource = cloud_state::FindResource(step.aws.resource);
  if (target.resource == nullptr) {
    return Refused(fmt::format("changes a {}, which is not known here", step.aws.resource));
  }
  target.region = step.aws.region;
  const std::string now =
      with_moment ? FormatTimestamp(client_->ServiceTime()).substr(0, 19) + "Z" : "${now}";
  target.parameters = EKSHUME_TRY(Fill(step.aws.parameters, journal_.records(), now, 0));
  target.wanted = Comparable(EKSHUME_TRY(Fill(step.aws.wanted, journal_.records(), now, 0)));
  for (const std::string_view name : target.resource->parameters) {
    if (wire::TextOf(target.parameters, std::string(name).c_str()).empty()) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("has no parameter {}", name));
    }
  }
  target.path = PathOf(*target.resource, target.parameters, target.region);
  return target;
}

Result<AwsSteps::Target> AwsSteps::Begun(const StepState& state) {
  Target target;
  target.resource = cloud_state::FindResource(wire::TextOf(state.begun, "resource"));
  if (target.resource == nullptr) {
    return Fail(ErrorCode::kCorrupt, "the journal names a thing that is not known here");
  }
  target.region = wire::TextOf(state.begun, "region");
  target.parameters = wire::ObjectOf(state.begun, "parameters");
  target.wanted = state.begun.value("body", Json());
  target.path = wire::TextOf(state.begun, "path");
  return target;
}

Result<Json> AwsSteps::Read(const Target& target) const {
  return target.resource->read(cloud_state::Asker(*client_, target.region), target.parameters);
}

Result<void> AwsSteps::CheckUnchanged(const Step& step, const Target& target,
                                      const Json& now) const {
  // Evidence bears the plan's own mark: what there is of it is ours, also when the journal is lost.
  if (target.resource->undo == cloud_state::Undo::kKeeps &&
      IsSameState(now, StateAfter(now, target.wanted))) {
    return {};
  }
  const std::string expected = ExpectedFingerprint(
      journal_.records(), step, {target.resource, target.parameters, target.region, target.path});
  if (expected.empty() || StateFingerprint(now) == expected) return {};
  return Refused(
      fmt::format("{} was changed by others since the plan was made (now {}): plan again",
                  step.object, wire::DumpJson(Comparable(now)).substr(0, 300)));
}

Result<void> AwsSteps::Make(const Target& target, const std::vector<ServiceCall>& calls) const {
  for (const ServiceCall& call : calls) {
    EKSHUME_TRY(aws::CallService(*client_, call, target.region));
  }
  return {};
}

Result<Json> AwsSteps::Settle(const Step& step, const Target& target, const Json& wanted,
                              const Json& exactly) const {
  const auto& wait = client_->settings().wait;
  std::chrono::milliseconds pause = kFirstWait;
  for (int look = 1;; ++look) {
    const Json now = EKSHUME_TRY(Read(target));
    const bool is_so = wanted.is_null() ? IsSameState(now, exactly)
                                        : now.is_object() && Stands(Comparable(now), wanted);
    if (is_so && !now.contains("@changing")) return now;
    if (look == (target.resource->is_slow ? kMaxSlowLooks : kMaxLooks)) {
      return Refused(
          fmt::format("{} was asked to change and has not yet: look again later", step.object));
    }
    if (wait) {
      wait(pause);
    } else {
      EKSHUME_TRY(Wait(pause, client_->settings().progress));
    }
    pause = std::min(2 * pause, kLongestWait);
  }
}

Result<std::string> AwsSteps::DryRun(const Step& step, const StepState& state) {
  Result<Target> resolved = Resolve(step, true);
  if (!resolved && resolved.error().code == ErrorCode::kUnsupported && client_ != nullptr &&
      resolved.error().message.starts_with("needs what")) {
    return fmt::format("it {}", resolved.error().message);
  }
  const Target target = EKSHUME_TRY(resolved);
  const Json now = EKSHUME_TRY(Read(target));
  if (!MayStand(state)) EKSHUME_TRY(CheckUnchanged(step, target, now));
  const Json after = StateAfter(now, target.wanted);
  if (IsSameState(now, after)) return "is so already; nothing to do";
  std::string checked;
  for (const ServiceCall& call : target.resource->change(target.parameters, now, after)) {
    const bool is_checked = aws::HasDryRun(call);
    if (is_checked) EKSHUME_TRY(aws::DryRunService(*client_, call, target.region));
    checked += fmt::format("{}{} {}", checked.empty() ? "" : ", ", aws::PermissionOf(call),
                           is_checked ? "would be accepted (DryRun)" : "has no dry run in AWS");
  }
  return checked;
}

Result<std::string> AwsSteps::Apply(const Step& step, const StepState& state) {
  const Target target = EKSHUME_TRY(Resolve(step, true));
  const Json now = EKSHUME_TRY(Read(target));
  Json before = now;
  bool goes_on = false;
  bool is_on_its_way = false;
  if (MayStand(state)) {
    const Target begun = EKSHUME_TRY(Begun(state));
    if (begun.path == target.path) {
      const Json& old = state.begun["before"];
      const Json then = StateAfter(old, begun.wanted);
      const bool stands = begun.wanted.is_null()
                              ? now.is_null()
                              : now.is_object() && Stands(Comparable(now), begun.wanted);
      if (stands && !IsSameState(now, old)) {
        return journal_.Finish(step, "done",
                               {{"path", target.path},
                                {"found", true},
                                {"after", now},
                                {"fingerprint", StateFingerprint(now)}},
                               "was done already");
      }
      // Some of its calls were made, or a slow service has not ended.
      is_on_its_way = now.contains("@changing");
      goes_on = is_on_its_way || (!IsSameState(now, old) && IsBetween(now, old, then));
      if (goes_on) before = old;
    }
  }
  if (!goes_on) EKSHUME_TRY(CheckUnchanged(step, target, now));
  const Json after = StateAfter(now, target.wanted);
  if (IsSameState(now, after) && !goes_on) {
    return journal_.Finish(step, "done",
                           {{"path", target.path}, {"nothing_to_do", true}, {"after", now}},
                           "was so already; nothing done");
  }
  std::vector<ServiceCall> calls;
  if (!is_on_its_way) calls = target.resource->change(target.parameters, now, after);
  if (calls.empty() && !goes_on) {
    return Refused(fmt::format("there is no way from {} to {}",
                               wire::DumpJson(Comparable(now)).substr(0, 200),
                               wire::DumpJson(target.wanted).substr(0, 200)));
  }
  EKSHUME_TRY(journal_.Note(step, "begun",
                            {{"path", target.path},
                             {"kind", NameOf(step.kind)},
                             {"resource", target.resource->name},
                             {"region", target.region},
                             {"parameters", target.parameters},
                             {"body", target.wanted},
                             {"requests", RequestsOf(calls)},
                             {"before", before}}));
  EKSHUME_TRY(Make(target, calls));
  const Json reached = EKSHUME_TRY(Settle(step, target, target.wanted, Json()));
  return journal_.Finish(
      step, "done",
      {{"path", target.path}, {"after", reached}, {"fingerprint", StateFingerprint(reached)}},
      "done");
}

Result<std::string> AwsSteps::Undo(const Step& step, const StepState& state) {
  if (client_ == nullptr) return Refused("is a step in AWS: there are no credentials of AWS");
  const Target target = EKSHUME_TRY(Begun(state));
  if (target.resource->undo == cloud_state::Undo::kKeeps) {
    return "is kept: what it made is evidence";
  }
  const Json& before = state.begun["before"];
  const Json now = EKSHUME_TRY(Read(target));
  const Json old = StateBefore(now, before, target.wanted);
  if (IsSameState(now, old)) {
    return journal_.Finish(
        step, "undone",
        {{"path", target.path}, {"after", now}, {"fingerprint", StateFingerprint(now)}},
        "was so already; nothing done");
  }
  if (target.resource->undo == cloud_state::Undo::kNever) return Refused("cannot be undone");
  std::vector<std::string> conflicts;
  if (target.wanted.is_null()) {
    if (!now.is_null()) conflicts.emplace_back("somebody made it again");
  } else {
    conflicts = DifferentFields(Comparable(now), target.wanted);
  }
  // An undo that did not end, or an apply that did not, left it on the way.
  const bool on_the_way = (state.undo_may_stand || state.at != At::kDone) &&
                          IsBetween(now, before, StateAfter(before, target.wanted));
  if (!conflicts.empty() && !on_the_way && !force_) {
    return Refused(
        fmt::format("others changed what it had set: {} (--force puts the old state back all the "
                    "same)",
                    fmt::join(conflicts, ", ")));
  }
  const std::vector<ServiceCall> calls = target.resource->change(target.parameters, now, old);
  if (calls.empty()) return Refused("there is no way back to the state as it was");
  EKSHUME_TRY(journal_.Note(
      step, "undo_begun",
      {{"path", target.path}, {"body", old}, {"requests", RequestsOf(calls)}, {"before", now}}));
  EKSHUME_TRY(Make(target, calls));
  const Json reached = EKSHUME_TRY(Settle(step, target, Json(), old));
  return journal_.Finish(
      step, "undone",
      {{"path", target.path}, {"after", reached}, {"fingerprint", StateFingerprint(reached)}},
      "put back as it was");
}

}  // namespace ekshume::live::respond
