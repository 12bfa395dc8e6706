// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "live/respond/runner.h"

namespace ekshume::live::respond {
namespace {

TEST(NeedsWords, OfWhatDestroysAndWasNotAcquired) {
  Plan plan;
  Step acquire;
  acquire.id = "acquire";
  acquire.kind = StepKind::kAcquire;
  acquire.object = "pod/shop/a";
  Step remove;
  remove.id = "remove";
  remove.kind = StepKind::kRemove;
  remove.object = "pod/shop/a";
  plan.steps = {acquire, remove};
  std::map<std::string, StepState> states;
  EXPECT_FALSE(NeedsWords(plan, states, remove)) << "it destroys nothing";
  remove.effect = Effect::kDestroys;
  EXPECT_TRUE(NeedsWords(plan, states, remove));
  states["acquire"].at = StepState::At::kDone;
  EXPECT_FALSE(NeedsWords(plan, states, remove));
  Step kill = remove;
  kill.id = "kill";
  kill.kind = StepKind::kKill;
  kill.settings["pid"] = "17";
  EXPECT_TRUE(NeedsWords(plan, states, kill));
  EXPECT_EQ(WordsToConfirm(kill), "pod/shop/a/17");
  states["kill"].at = StepState::At::kDone;
  EXPECT_FALSE(NeedsWords(plan, states, kill));
}

}  // namespace
}  // namespace ekshume::live::respond
