// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "live/respond/plan.h"
#include "runtime/json.h"

namespace YAML {
class Emitter;
}

// The AWS part of a step: in the plan's file, and states of things as they are compared. Pure
// functions; any number of threads.
namespace ekshume::live::respond {

// The member `aws` of a step. kInvalidArgument for one that makes no sense.
Result<AwsChange> ReadAwsChange(const runtime::Json& json);
void EmitAwsChange(YAML::Emitter& out, const AwsChange& change);
// What it does, without what is only said about it.
Json EssenceOf(const AwsChange& change);

// A state as it is compared and as it stands in plans: numbers and truth values as texts, without
// the members whose names begin with '@' (what AWS calls a thing, which another one of the same
// kind has not).
Json Comparable(const Json& state);
bool IsSameState(const Json& a, const Json& b);
std::string StateFingerprint(const Json& state);
// The state after the change: `wanted` merged into `now`, or no state at all.
Json StateAfter(const Json& now, const Json& wanted);
// The state that undoing leads to from `now`: what the change set as it was before, nothing else.
Json StateBefore(const Json& now, const Json& before, const Json& wanted);
// Whether every part of `now` is as in `a` or as in `b`: what is left when the calls of a change
// from one to the other were not all made.
bool IsBetween(const Json& now, const Json& a, const Json& b);

}  // namespace ekshume::live::respond
