// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "live/respond/aws_steps.h"
#include "live/respond/change.h"
#include "live/respond/object_calls.h"
#include "live/respond/runner.h"

namespace ekshume::live::respond {
namespace {

// The object as it is made again. What was orphaned has no owner any more that the collector of
// garbage would know, so it is found by its controller's selector.
Json MadeAgain(const Step& step, const Json& before) {
  Json again = AsCreated(before);
  if (step.settings.contains("propagation")) again["metadata"].erase("ownerReferences");
  return again;
}

}  // namespace

Result<std::string> Runner::Undo(const Step& step) {
  const StepState state = StateOf(step);
  if (state.at == StepState::At::kUndone) return "is undone already";
  if (state.done.is_object() && state.done.contains("nothing_to_do")) {
    return Finish(step, "undone", Json::object(), "had changed nothing");
  }
  if (!state.begun.is_object()) return "was never done";
  if (!CanBeUndone(step.kind)) return Fail(ErrorCode::kUnsupported, "cannot be undone");
  if (step.kind == StepKind::kFreeze) return UndoWork(step);
  if (work_.contains(step.kind) || step.kind == StepKind::kManual) {
    return "has nothing that could be undone";
  }
  Result<std::string> undone = step.kind == StepKind::kAws
                                   ? AwsSteps(aws_, steps_, options_.force).Undo(step, state)
                                   : UndoCall(step, state);
  if (!undone) EKSHUME_TRY(Note(step, "undo_failed", {{"error", undone.error().message}}));
  return undone;
}

Result<std::string> Runner::UndoWork(const Step& step) {
  Step back = step;
  back.settings["action"] = "undo";
  EKSHUME_TRY(Note(step, "undo_begun", Json::object()));
  const Result<Json> result = work_.at(step.kind)(back);
  if (!result) {
    EKSHUME_TRY(Note(step, "undo_failed", {{"error", result.error().message}}));
    return result.error();
  }
  return Finish(step, "undone", {{"result", *result}}, wire::TextOf(*result, "sentence"));
}

Result<std::string> Runner::UndoCall(const Step& step, const StepState& state) {
  const std::string path = ObjectPath(step);
  const Json& before = state.begun["before"];
  for (int attempt = 1;; ++attempt) {
    const Target target = EKSHUME_TRY(Look(step));
    if (step.kind == StepKind::kCreate) {
      if (!target.exists) {
        return Finish(step, "undone", {{"path", path}}, "somebody had removed it already");
      }
      if (!IsOurs(plan_, step, target.object)) {
        return Fail(ErrorCode::kUnsupported,
                    fmt::format("{} is not the one that this plan made", step.object));
      }
      EKSHUME_TRY(Note(step, "undo_begun", {{"path", path}, {"before", target.object}}));
      EKSHUME_TRY(client_->Delete(path, DeleteOptionsFor(target.object, false)));
      return Finish(step, "undone", {{"path", path}}, "removed");
    }
    if (step.kind == StepKind::kDelete) {
      const Json again = MadeAgain(step, before);
      if (target.exists && UidOf(target.object) == UidOf(before)) {
        return Fail(ErrorCode::kUnsupported,
                    fmt::format("{} is still being deleted: try again", step.object));
      }
      if (target.exists) {
        if (state.undo_may_stand && Stands(target.object, again)) {
          return Finish(step, "undone", {{"path", path}}, "was made again already");
        }
        return Fail(ErrorCode::kUnsupported,
                    fmt::format("somebody else made {} again", step.object));
      }
      EKSHUME_TRY(Note(step, "undo_begun", {{"path", path}}));
      const Json after = EKSHUME_TRY(client_->Post(CollectionOf(path) + "?" + kManager, again));
      return Finish(step, "undone",
                    {{"path", path}, {"after", after}, {"fingerprint", Fingerprint(after)}},
                    "made again as it was, with a new uid");
    }
    if (!target.exists) {
      return Fail(ErrorCode::kNotFound, fmt::format("{} is gone", step.object));
    }
    if (UidOf(target.object) != UidOf(before)) {
      return Fail(ErrorCode::kUnsupported, fmt::format("{} is another object by now", step.object));
    }
    const Json inverse = InversePatch(before, step.body);
    if (Stands(target.object, inverse)) {
      return Finish(step, "undone", {{"path", path}, {"fingerprint", Fingerprint(target.object)}},
                    "was so already; nothing done");
    }
    const auto conflicts = DifferentFields(target.object, step.body);
    if (!conflicts.empty() && !options_.force) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("others changed what it had set: {} (--force puts the old values "
                              "back all the same)",
                              fmt::join(conflicts, ", ")));
    }
    EKSHUME_TRY(
        Note(step, "undo_begun", {{"path", path}, {"body", inverse}, {"before", target.object}}));
    const Result<Json> after = ChangeObject(*client_, step, target.object, inverse, false);
    if (!after && kubernetes::IsConflict(after.error()) && attempt < kAttempts) continue;
    if (!after) return after.error();
    return Finish(step, "undone",
                  {{"path", path}, {"after", *after}, {"fingerprint", Fingerprint(*after)}},
                  "put back as it was");
  }
}

}  // namespace ekshume::live::respond
