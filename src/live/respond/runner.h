// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "live/aws/client.h"
#include "live/aws/sts.h"
#include "live/kubernetes/client.h"
#include "live/respond/journal.h"
#include "live/respond/plan.h"
#include "live/respond/step_journal.h"

namespace ekshume::live::respond {

// Does what is no single call of the API: brings evidence into the case, probes, ... What it
// returns goes into the journal.
using StepWork = std::function<Result<Json>(const Step& step)>;

// Whether evidence that the step destroys was acquired under its plan, by the states of the steps.
bool IsAcquired(const Plan& plan, const std::map<std::string, StepState>& states, const Step& step);
// Whether its words (WordsToConfirm) are asked for before it is carried out. Those of a process
// always: what is acquired of a pod says little of one process.
bool NeedsWords(const Plan& plan, const std::map<std::string, StepState>& states, const Step& step);

struct RunnerOptions {
  std::string operator_name;  // who answers for it: "alice"
  std::string case_id;
  bool force = false;               // undo although others changed the object since
  aws::CallerIdentity caller = {};  // who we are in AWS, if it is known
};

// Carries out the steps of a plan and takes them back, each with its record in the journal. A step
// whose begin is in the journal and whose end is not (a crash) is looked at first: what stands
// already is not done again. One thread; all it is given must outlive it.
class Runner {
 public:
  // `client` may be null for a plan without steps in a cluster, `aws` for one without steps in AWS.
  Runner(const Plan& plan, kubernetes::Client* client, Journal& journal, RunnerOptions options,
         std::map<StepKind, StepWork> work, const aws::Client* aws = nullptr);

  // What would happen: asks the API to check the request without doing it (dryRun). kUnsupported
  // with the missing permission; the errors of Apply().
  Result<std::string> DryRun(const Step& step);
  // Does it; returns what became of it, a sentence. kUnsupported when the object was changed since
  // the plan was made, needs an approval that is not there, or a permission is missing;
  // kNotFound when the object is gone. An error is in the journal.
  Result<std::string> Apply(const Step& step);
  // Takes it back. kUnsupported when others changed the same fields since (their names are in the
  // message), unless RunnerOptions::force; when it cannot be undone.
  Result<std::string> Undo(const Step& step);
  // Records that people did a manual step.
  Result<std::string> MarkDone(const Step& step);

  // The permissions that the steps that are not done yet need and that we do not have now, each
  // once, as sentences.
  std::vector<std::string> Missing(const std::vector<const Step*>& steps);
  // Whether evidence that the step destroys was acquired under this plan.
  bool IsAcquired(const Step& step) const;
  bool NeedsWords(const Step& step) const;
  StepState StateOf(const Step& step) const;

 private:
  struct Target {
    bool exists = false;
    Json object;
  };
  Result<Target> Look(const Step& step);
  // kUnsupported unless the object is the one that was planned for, as it was then or as our own
  // steps left it.
  Result<void> CheckUnchanged(const Step& step, const Json& object) const;
  // kUnsupported when the step would lock us out in AWS.
  Result<void> CheckNoLockout(const Step& step) const;
  Result<Json> Call(const Step& step, const Json& object, bool dry_run);
  Result<std::string> ApplyCall(const Step& step);
  // Deletes the object and makes it again with a new uid, which ends what was bound to the old one.
  Result<Json> Replace(const Step& step, const Json& object, bool dry_run);
  Result<Json> MakeAgain(const Step& step, const Json& before);
  Result<std::string> UndoCall(const Step& step, const StepState& state);
  Result<std::string> UndoWork(const Step& step);
  Result<void> Note(const Step& step, std::string_view event, Json details) {
    return steps_.Note(step, event, std::move(details));
  }
  Result<std::string> Finish(const Step& step, std::string_view event, Json details,
                             std::string sentence) {
    return steps_.Finish(step, event, std::move(details), std::move(sentence));
  }

  const Plan& plan_;
  kubernetes::Client* const client_;
  const aws::Client* const aws_;
  Journal& journal_;
  StepJournal steps_;
  const RunnerOptions options_;
  const std::map<StepKind, StepWork> work_;
};

}  // namespace ekshume::live::respond
