// SPDX-License-Identifier: Apache-2.0
#include "detect/coverage/coverage.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace ekshume::detect::coverage {
namespace {

Judgement Of(const std::vector<Judgement>& judgements, std::string_view id) {
  const auto found = std::ranges::find_if(
      judgements, [&](const Judgement& judgement) { return judgement.technique->id == id; });
  EXPECT_NE(found, judgements.end()) << id;
  return found == judgements.end() ? Judgement() : *found;
}

TEST(TechniquesTest, HoldBothMatrices) {
  std::set<std::string_view> ids;
  size_t microsoft = 0;
  for (const Technique& technique : Techniques()) {
    EXPECT_TRUE(ids.insert(technique.id).second) << technique.id;
    EXPECT_GT(technique.sight_count, 0U) << technique.id;
    EXPECT_FALSE(technique.tactics.empty()) << technique.id;
    if (technique.matrix == "microsoft") ++microsoft;
  }
  EXPECT_EQ(microsoft, 40U);
  EXPECT_EQ(ids.size() - microsoft, 49U);
  // Everything that can be looked at shows something.
  for (size_t i = 0; i < kViewCount; ++i) {
    const auto shows = [&](const Technique& technique) {
      return std::any_of(technique.sights.begin(), technique.sights.begin() + technique.sight_count,
                         [&](const Sight& sight) { return sight.view == static_cast<View>(i); });
    };
    EXPECT_TRUE(std::ranges::any_of(Techniques(), shows)) << ViewName(static_cast<View>(i));
  }
}

TEST(JudgeTest, NothingIsVisibleWithoutEvidence) {
  for (const Judgement& judgement : Judge({})) {
    EXPECT_EQ(judgement.verdict, Verdict::kNotVisible) << judgement.technique->id;
    EXPECT_TRUE(judgement.reason.starts_with("It would take ")) << judgement.reason;
  }
}

TEST(JudgeTest, WholeAndPartAndLimits) {
  Facts facts;
  Of(facts, View::kAuditExec) = {State::kPresent, ""};
  Judgement exec = Of(Judge(facts), "MS-TA9006");
  EXPECT_EQ(exec.verdict, Verdict::kVisible);
  EXPECT_EQ(exec.reason, "Shown by commands of exec in the audit log.");

  Of(facts, View::kAuditExec) = {State::kLimited, "none was recorded"};
  exec = Of(Judge(facts), "MS-TA9006");
  EXPECT_EQ(exec.verdict, Verdict::kPartly);
  EXPECT_THAT(exec.reason, testing::StartsWith("Shown with limits by commands of exec in the audit "
                                               "log (none was recorded). Missing: "));

  Of(facts, View::kAuditExec) = {State::kAbsent, ""};
  Of(facts, View::kAuditWrites) = {State::kPresent, ""};
  exec = Of(Judge(facts), "MS-TA9006");
  EXPECT_EQ(exec.verdict, Verdict::kPartly);
  EXPECT_THAT(exec.reason,
              testing::StartsWith("Only traces are shown by changes in the audit log."));
}

TEST(JudgeTest, SaysWhyAViewIsMissing) {
  Facts facts;
  Of(facts, View::kAuditEvents) = {State::kAbsent, "the audit policy does not record events"};
  EXPECT_EQ(Of(Judge(facts), "MS-TA9022").reason,
            "It would take deletions of events in the audit log (the audit policy does not record "
            "events): not in the evidence.");
}

}  // namespace
}  // namespace ekshume::detect::coverage
