// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/findings.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/limits.h"
#include "detect/sigma/load.h"

namespace ekshume::detect::sigma {
namespace {

EventRef Brief(std::string id, std::string actor, int64_t second, std::string path = "") {
  auto brief = std::make_shared<EventBrief>();
  brief->id = std::move(id);
  brief->actor = std::move(actor);
  brief->time = Timestamp{second, 0};
  brief->path = std::move(path);
  brief->message = "It happened";
  return brief;
}

Head RuleHead(std::string id, std::string level) {
  Head head;
  head.id = std::move(id);
  head.title = "Title of " + head.id;
  head.level = std::move(level);
  head.description = "Why it matters";
  return head;
}

TEST(SigmaFindings, JoinsTheEventsOfAnActor) {
  Findings findings;
  AddMatch(findings, RuleHead("r1", "low"), {Brief("e1", "eve", 10, "/a")});
  AddMatch(findings, RuleHead("r1", "low"),
           {Brief("e2", "eve", 5, "/b"), Brief("e3", "eve", 20, "/a")});
  AddMatch(findings, RuleHead("r1", "low"), {Brief("e4", "bob", 1, "/a")});
  AddMatch(findings, RuleHead("r2", "critical"), {Brief("e1", "eve", 10, "/a")});
  const std::vector<Finding> list = findings.Take();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].rule, "r2");
  EXPECT_EQ(list[1].actor, "bob");
  EXPECT_EQ(list[2].actor, "eve");
  EXPECT_EQ(list[2].count, 3U);
  EXPECT_EQ(list[2].first, (Timestamp{5, 0}));
  EXPECT_EQ(list[2].last, (Timestamp{20, 0}));
  EXPECT_EQ(list[2].path, "");
  EXPECT_EQ(list[1].path, "/a");
  EXPECT_EQ(list[2].events, (std::vector<std::string>{"e2", "e1", "e3"}));
  EXPECT_EQ(list[2].explanation, "It happened. Why it matters");
  EXPECT_EQ(list[2].id.size(), 32U);
  EXPECT_NE(list[2].id, list[1].id);
}

TEST(SigmaFindings, AreBounded) {
  Findings findings;
  const Head head = RuleHead("r", "low");
  for (size_t i = 0; i <= limits::kMaxFindingEvents; ++i)
    AddMatch(findings, head, {Brief("e", "eve", 1)});
  for (size_t i = 0; i < limits::kMaxFindings; ++i)
    AddMatch(findings, head, {Brief("e", std::to_string(i), 2)});
  EXPECT_EQ(findings.left_out(), 1U);
  const std::vector<Finding> list = findings.Take();
  EXPECT_EQ(list.size(), limits::kMaxFindings);
  EXPECT_EQ(list.front().count, limits::kMaxFindingEvents + 1);
  EXPECT_EQ(list.front().events.size(), limits::kMaxFindingEvents);
}

TEST(SigmaLoad, ReadsFoldersInOrder) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::TempDir()) / "ekshume-sigma-load";
  fs::remove_all(folder);
  fs::create_directories(folder / "b");
  const std::string rule = "logsource: {product: linux}\ndetection: {k: [x], condition: k}\n";
  std::ofstream(folder / "b" / "z.yml") << "title: third\n" << rule;
  std::ofstream(folder / "a.yaml") << "title: first\n" << rule << "---\ntitle: second\n" << rule;
  std::ofstream(folder / "c.yml") << "title: [";
  std::ofstream(folder / "readme.md") << "no rule";
  const Result<RuleSet> set = LoadRules({folder.string()}, {});
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->files, 3U);
  EXPECT_EQ(set->documents, 4U);
  ASSERT_EQ(set->rules.size(), 3U);
  EXPECT_EQ(set->rules[0].head.title, "first");
  EXPECT_EQ(set->rules[1].head.title, "second");
  EXPECT_EQ(set->rules[1].head.line, 5U);
  EXPECT_EQ(set->rules[2].head.title, "third");
  ASSERT_EQ(set->refused.size(), 1U);
  EXPECT_TRUE(set->refused[0].file.ends_with("c.yml"));
  EXPECT_LT(set->files, limits::kMaxRuleFiles);
  fs::remove_all(folder);
  const Result<RuleSet> gone = LoadRules({folder.string()}, {});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
}

TEST(SigmaLoad, ReadsPlaceholders) {
  const Result<Placeholders> placeholders = ParsePlaceholders("admins: [alice, bob]\nhost: jump\n");
  ASSERT_TRUE(placeholders);
  EXPECT_EQ(placeholders->at("admins"), (std::vector<std::string>{"alice", "bob"}));
  EXPECT_EQ(placeholders->at("host"), (std::vector<std::string>{"jump"}));
  EXPECT_FALSE(ParsePlaceholders("- a\n"));
}

}  // namespace
}  // namespace ekshume::detect::sigma
