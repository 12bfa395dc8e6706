// SPDX-License-Identifier: Apache-2.0
#include "live/respond/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "live/respond/aws_steps.h"
#include "live/respond/change.h"
#include "live/respond/lockout.h"
#include "live/respond/object_calls.h"

namespace ekshume::live::respond {

bool IsAcquired(const Plan& plan, const std::map<std::string, StepState>& states,
                const Step& step) {
  const auto is_acquired = [&](std::string_view object) {
    return std::ranges::any_of(plan.steps, [&](const Step& other) {
      const auto found = states.find(other.id);
      return other.kind == StepKind::kAcquire && other.object == object && found != states.end() &&
             found->second.at == StepState::At::kDone;
    });
  };
  const auto destroys = step.settings.find("destroys");
  if (destroys == step.settings.end()) return is_acquired(step.object);
  return std::ranges::all_of(SplitNonEmpty(destroys->second, ' '), is_acquired);
}

bool NeedsWords(const Plan& plan, const std::map<std::string, StepState>& states,
                const Step& step) {
  const auto found = states.find(step.id);
  const bool is_done = found != states.end() && found->second.at == StepState::At::kDone;
  return step.effect == Effect::kDestroys && !is_done &&
         (step.kind == StepKind::kKill || !IsAcquired(plan, states, step));
}

Runner::Runner(const Plan& plan, kubernetes::Client* client, Journal& journal,
               RunnerOptions options, std::map<StepKind, StepWork> work, const aws::Client* aws)
    : plan_(plan),
      client_(client),
      aws_(aws),
      journal_(journal),
      steps_(plan, journal, options.operator_name),
      options_(std::move(options)),
      work_(std::move(work)) {}

StepState Runner::StateOf(const Step& step) const {
  const auto states = StatesOf(journal_.records());
  const auto found = states.find(step.id);
  return found == states.end() ? StepState{} : found->second;
}

bool Runner::IsAcquired(const Step& step) const {
  return respond::IsAcquired(plan_, StatesOf(journal_.records()), step);
}

bool Runner::NeedsWords(const Step& step) const {
  return respond::NeedsWords(plan_, StatesOf(journal_.records()), step);
}

std::vector<std::string> Runner::Missing(const std::vector<const Step*>& steps) {
  std::vector<std::string> missing;
  std::set<std::string> asked;
  for (const Step* step : steps) {
    if (StateOf(*step).at == StepState::At::kDone) continue;
    if (client_ == nullptr) continue;
    for (const kubernetes::Permission& permission : PermissionsOf(*step)) {
      if (!asked.insert(permission.Text() + "/" + permission.name).second) continue;
      const auto may = client_->May(permission);
      if (may && !*may) {
        missing.push_back(
            fmt::format("the permission to {} is missing (step {})", permission.Text(), step->id));
      }
    }
  }
  return missing;
}

Result<Runner::Target> Runner::Look(const Step& step) {
  if (client_ == nullptr) return Fail(ErrorCode::kUnsupported, "is a step in a cluster: which?");
  const auto object = client_->Get(ObjectPath(step));
  if (object) return Target{true, *object};
  if (object.error().code == ErrorCode::kNotFound) return Target{};
  return object.error();
}

Result<void> Runner::CheckUnchanged(const Step& step, const Json& object) const {
  if (!step.uid.empty() && UidOf(object) != step.uid) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} is another object than when the plan was made (uid {})",
                            step.object, UidOf(object)));
  }
  const std::string expected = steps_.FingerprintOf(ObjectPath(step), step.fingerprint);
  if (!expected.empty() && Fingerprint(object) != expected) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} was changed by others since the plan was made (now resourceVersion "
                            "{}): plan again",
                            step.object, VersionOf(object)));
  }
  return {};
}

Result<void> Runner::CheckNoLockout(const Step& step) const {
  if (step.kind != StepKind::kAws || SettingOf(step, kEvenOurselves) == "true") return {};
  const std::string lockout = LockoutOf(step.aws, options_.caller);
  if (lockout.empty()) return {};
  return Fail(ErrorCode::kUnsupported,
              fmt::format("would lock us out: {} (the step's setting {}: \"true\" does it all the "
                          "same)",
                          lockout, kEvenOurselves));
}

Result<Json> Runner::Call(const Step& step, const Json& object, bool dry_run) {
  const std::string query = fmt::format("?{}{}", kManager, dry_run ? "&dryRun=All" : "");
  Json options = DeleteOptionsFor(object, dry_run);
  if (const auto found = step.settings.find("propagation"); found != step.settings.end()) {
    options["propagationPolicy"] = found->second;
  }
  switch (step.kind) {
    case StepKind::kPatch: return ChangeObject(*client_, step, object, step.body, dry_run);
    case StepKind::kCreate: return client_->Post(step.path + query, AsOurs(plan_, step, step.body));
    case StepKind::kReplace: return Replace(step, object, dry_run);
    case StepKind::kDelete:
    case StepKind::kRemove: EKSHUME_TRY(client_->Delete(step.path, options)); return Json::object();
    case StepKind::kEvict: {
      const Json& metadata = wire::ObjectOf(object, "metadata");
      Json eviction = {{"apiVersion", "policy/v1"},
                       {"kind", "Eviction"},
                       {"metadata",
                        {{"name", wire::TextOf(metadata, "name")},
                         {"namespace", wire::TextOf(metadata, "namespace")}}},
                       {"deleteOptions", options}};
      Result<Json> answer = client_->Post(step.path + "/eviction" + query, eviction);
      if (!answer && answer.error().message.find("policy/v1") != std::string::npos) {
        eviction["apiVersion"] = "policy/v1beta1";  // before 1.22
        answer = client_->Post(step.path + "/eviction" + query, eviction);
      }
      return answer;
    }
    default: return Fail(ErrorCode::kUnsupported, "is no call of the API");
  }
}

Result<std::string> Runner::DryRun(const Step& step) {
  const auto work = work_.find(step.kind);
  if (work != work_.end() || step.kind == StepKind::kManual) return "";
  const StepState state = StateOf(step);
  if (state.at == StepState::At::kDone) return "in force already";
  if (step.kind == StepKind::kAws) {
    EKSHUME_TRY(CheckNoLockout(step));
    return AwsSteps(aws_, steps_, options_.force).DryRun(step, state);
  }
  const Target target = EKSHUME_TRY(Look(step));
  if (step.kind == StepKind::kCreate) {
    if (target.exists) return Fail(ErrorCode::kUnsupported, fmt::format("{} exists", step.object));
  } else {
    if (!target.exists) {
      return Fail(ErrorCode::kNotFound, fmt::format("{} is gone", step.object));
    }
    EKSHUME_TRY(CheckUnchanged(step, target.object));
    if (step.kind == StepKind::kPatch && Stands(target.object, step.body)) {
      return "is so already; nothing to do";
    }
  }
  EKSHUME_TRY(Call(step, target.object, true));
  return "the API server accepts it";
}

Result<std::string> Runner::Apply(const Step& step) {
  if (StateOf(step).at == StepState::At::kDone) return "in force already";
  if (!step.enabled) return Fail(ErrorCode::kUnsupported, "is not enabled in the plan");
  if (step.needs_approval && !IsApproved(plan_, options_.operator_name)) {
    return Fail(ErrorCode::kUnsupported,
                "needs an approval of the plan as it is now, by somebody who neither made it nor "
                "applies it (respond approve)");
  }
  EKSHUME_TRY(CheckNoLockout(step));
  const auto work = work_.find(step.kind);
  if (work == work_.end()) {
    Result<std::string> applied =
        step.kind == StepKind::kAws
            ? AwsSteps(aws_, steps_, options_.force).Apply(step, StateOf(step))
            : ApplyCall(step);
    if (!applied) EKSHUME_TRY(Note(step, "failed", {{"error", applied.error().message}}));
    return applied;
  }
  EKSHUME_TRY(Note(step, "begun", Json::object()));
  const Result<Json> result = work->second(step);
  if (!result) {
    EKSHUME_TRY(Note(step, "failed", {{"error", result.error().message}}));
    return result.error();
  }
  Json details = {{"result", *result}};
  if (result->contains("changes_object")) {  // an ephemeral container: our own change
    const Target target = EKSHUME_TRY(Look(step));
    details["path"] = step.path;
    if (target.exists) details["fingerprint"] = Fingerprint(target.object);
  }
  return Finish(step, "done", std::move(details), wire::TextOf(*result, "sentence"));
}

Result<std::string> Runner::ApplyCall(const Step& step) {
  const StepState state = StateOf(step);
  // Begun and not ended, or failed without an answer: the call may have been made.
  const bool may_stand = state.begun.is_object() && state.at != StepState::At::kUndone;
  for (int attempt = 1;; ++attempt) {
    const Target target = EKSHUME_TRY(Look(step));
    const std::string path = ObjectPath(step);
    const bool removes = step.kind == StepKind::kDelete || step.kind == StepKind::kRemove ||
                         step.kind == StepKind::kEvict;
    const bool is_gone = !target.exists ||
                         (!step.uid.empty() && UidOf(target.object) != step.uid) ||
                         wire::ObjectOf(target.object, "metadata").contains("deletionTimestamp");
    if (may_stand) {
      if (step.kind == StepKind::kReplace && is_gone) {
        const Json after = EKSHUME_TRY(MakeAgain(step, state.begun["before"]));
        return Finish(step, "done", {{"path", path}, {"after", after}}, "done");
      }
      if (removes && is_gone) {
        return Finish(step, "done", {{"path", path}, {"found", true}}, "was done already");
      }
      const bool stands = target.exists &&
                          ((step.kind == StepKind::kCreate && IsOurs(plan_, step, target.object)) ||
                           (step.kind == StepKind::kPatch && UidOf(target.object) == step.uid &&
                            Stands(target.object, step.body)));
      if (stands) {
        return Finish(step, "done",
                      {{"path", path},
                       {"found", true},
                       {"after", ForJournal(target.object)},
                       {"fingerprint", Fingerprint(target.object)}},
                      "was done already");
      }
    }
    if (step.kind == StepKind::kCreate) {
      if (target.exists) {
        return Fail(ErrorCode::kUnsupported,
                    fmt::format("{} exists already, and not by this plan", step.object));
      }
    } else {
      if (!target.exists) {
        return Fail(ErrorCode::kNotFound, fmt::format("{} is gone", step.object));
      }
      EKSHUME_TRY(CheckUnchanged(step, target.object));
      if (step.kind == StepKind::kPatch && Stands(target.object, step.body)) {
        return Finish(
            step, "done",
            {{"path", path}, {"nothing_to_do", true}, {"after", ForJournal(target.object)}},
            "was so already; nothing done");
      }
    }
    EKSHUME_TRY(Note(step, "begun",
                     {{"path", path},
                      {"kind", NameOf(step.kind)},
                      {"body", step.body},
                      {"before", target.exists ? ForJournal(target.object) : Json()}}));
    const Result<Json> after = Call(step, target.object, false);
    if (!after && kubernetes::IsConflict(after.error()) && step.kind == StepKind::kPatch &&
        attempt < kAttempts) {
      continue;
    }
    if (!after) return after.error();
    Json details = {{"path", path}, {"after", ForJournal(*after)}};
    if (!removes && step.kind != StepKind::kReplace) details["fingerprint"] = Fingerprint(*after);
    return Finish(step, "done", std::move(details), "done");
  }
}

Result<std::string> Runner::MarkDone(const Step& step) {
  if (step.kind != StepKind::kManual) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no manual step", step.id));
  }
  EKSHUME_TRY(Note(step, "begun", Json::object()));
  return Finish(step, "done", Json::object(), "done by hand");
}

}  // namespace ekshume::live::respond
