// SPDX-License-Identifier: Apache-2.0
#include "detect/weigh.h"

#include <gtest/gtest.h>

namespace ekshume::detect {
namespace {

Finding Of(std::string actor, std::string level, std::vector<std::string> tags = {}) {
  Finding finding;
  finding.actor = std::move(actor);
  finding.level = finding.rule_level = std::move(level);
  finding.tags = std::move(tags);
  finding.first = finding.last = Timestamp{1000, 0};
  return finding;
}

const std::vector<std::string> kTags = {"attack.t1610", "ekshume.administrative"};

std::vector<std::string> Weighed(std::vector<Finding> findings) {
  int asked = 0;
  WeighAdministration(findings, [&](const Finding& finding) {
    ++asked;
    return finding.actor.starts_with("admin");
  });
  EXPECT_LE(asked, 2) << "once for each actor";
  std::vector<std::string> levels;
  for (const Finding& finding : findings) levels.push_back(finding.level);
  return levels;
}

using Levels = std::vector<std::string>;

TEST(Weigh, LowersTheWorkOfAdministrators) {
  EXPECT_EQ(Weighed({Of("admin", "high", kTags), Of("admin", "critical", kTags)}),
            (Levels{"low", "low"}));
  EXPECT_EQ(Weighed({Of("admin", "informational", kTags)}), (Levels{"informational"}));
}

TEST(Weigh, KeepsTheLevelForOthersAndForOtherRules) {
  EXPECT_EQ(Weighed({Of("eve", "high", kTags)}), (Levels{"high"}));
  EXPECT_EQ(Weighed({Of("", "high", kTags)}), (Levels{"high"}));
  EXPECT_EQ(Weighed({Of("admin", "high")}), (Levels{"high"}));
}

TEST(Weigh, KeepsTheLevelWhereSomethingElseSpeaksAgainstTheActor) {
  EXPECT_EQ(Weighed({Of("admin", "high", kTags), Of("admin", "medium")}),
            (Levels{"high", "medium"}));
  EXPECT_EQ(Weighed({Of("admin", "high", kTags), Of("admin", "low")}), (Levels{"low", "low"}));
  EXPECT_EQ(Weighed({Of("admin", "high", kTags), Of("eve", "high")}), (Levels{"low", "high"}));
}

TEST(Weigh, KeepsTheLevelWhereSomethingAppearedInThePodSoonAfterwards) {
  Finding act = Of("admin", "high", kTags);
  act.name_space = "shop";
  act.pod = "web";
  Finding file = Of("", "high");
  file.name_space = "shop";
  file.pod = "web";
  file.first = file.last = Timestamp{1600, 0};
  EXPECT_EQ(Weighed({act, file}), (Levels{"high", "high"}));
  file.first = Timestamp{1601, 0};
  EXPECT_EQ(Weighed({act, file}), (Levels{"low", "high"}));
  file.first = Timestamp{999, 0};
  EXPECT_EQ(Weighed({act, file}), (Levels{"low", "high"}));
  file.first = Timestamp{1001, 0};
  file.pod = "other";
  EXPECT_EQ(Weighed({act, file}), (Levels{"low", "high"}));
}

TEST(Weigh, LowersSamples) {
  std::vector<Finding> findings = {Of("", "high", {"ekshume.guardduty"}),
                                   Of("real", "high", {"ekshume.guardduty"}), Of("", "high")};
  WeighSamples(findings, [](const Finding& finding) { return finding.actor.empty(); });
  EXPECT_EQ(findings[0].level, "informational");
  EXPECT_EQ(findings[0].rule_level, "high");
  EXPECT_EQ(findings[1].level, "high");
  EXPECT_EQ(findings[2].level, "high");
}

}  // namespace
}  // namespace ekshume::detect
