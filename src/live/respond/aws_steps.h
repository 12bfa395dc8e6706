// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "live/aws/client.h"
#include "live/cloud_state/resource.h"
#include "live/respond/aws_change.h"
#include "live/respond/step_journal.h"

namespace ekshume::live::respond {

// Carries out steps of kind aws and takes them back: reads the state, keeps it in the journal,
// makes the calls that lead to the other one, and reads until it is so. What a crash left half done
// is gone on with; a state that is neither the planned nor one of ours is somebody else's change.
// One thread; all it is given must outlive it.
class AwsSteps {
 public:
  AwsSteps(const aws::Client* client, StepJournal& journal, bool force)
      : client_(client), journal_(journal), force_(force) {}

  // As Runner's.
  Result<std::string> DryRun(const Step& step, const StepState& state);
  Result<std::string> Apply(const Step& step, const StepState& state);
  Result<std::string> Undo(const Step& step, const StepState& state);

 private:
  // A step with what earlier ones made put in.
  struct Target {
    const cloud_state::Resource* resource = nullptr;
    Json parameters;
    Json wanted;
    std::string region;
    std::string path;  // which thing it is, for the journal
  };
  Result<Target> Resolve(const Step& step, bool with_moment) const;
  // What the journal says that was begun.
  static Result<Target> Begun(const StepState& state);
  Result<Json> Read(const Target& target) const;
  Result<void> CheckUnchanged(const Step& step, const Target& target, const Json& now) const;
  Result<void> Make(const Target& target, const std::vector<cloud_state::ServiceCall>& calls) const;
  // Reads until the state is as it must be, as services take their time.
  Result<Json> Settle(const Step& step, const Target& target, const Json& wanted,
                      const Json& exactly) const;

  const aws::Client* const client_;
  StepJournal& journal_;
  const bool force_;
};

// The calls as they stand in plans and in the journal: [{"call": "iam:PutRolePolicy",
// "parameters": {...}}].
Json RequestsOf(const std::vector<cloud_state::ServiceCall>& calls);

}  // namespace ekshume::live::respond
