// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "detect/sigma/condition.h"
#include "detect/sigma/test_support.h"

namespace ekshume::detect::sigma {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Which of the searches a, b, sel_1, sel_2, _c hold; each looks for its own name in the field x.
std::string Matches(std::string_view condition, std::string_view held) {
  std::string detection;
  for (const std::string_view name : {"a", "b", "sel_1", "sel_2", "_c"}) {
    detection += std::string(name) + ":\n    x: " + std::string(name) + "\n";
  }
  const TestEngine engine(RuleText("product: ekshume, service: test",
                                   detection + "condition: " + std::string(condition), "yes"));
  if (!engine.refused().empty()) return engine.refused();
  return engine.Match("test", R"({"x":[)" + std::string(held) + "]}");
}

TEST(SigmaCondition, HasPrecedence) {
  EXPECT_EQ(Matches("a", R"("a")"), "yes");
  EXPECT_EQ(Matches("not a", R"("a")"), "");
  EXPECT_EQ(Matches("not a", R"("b")"), "yes");
  EXPECT_EQ(Matches("a or b and sel_1", R"("a")"), "yes");
  EXPECT_EQ(Matches("(a or b) and sel_1", R"("a")"), "");
  EXPECT_EQ(Matches("not a and b", R"("b")"), "yes");
  EXPECT_EQ(Matches("not (a and b)", R"("b")"), "yes");
  EXPECT_EQ(Matches("not not a", R"("a")"), "yes");
  EXPECT_EQ(Matches("A AND NOT b", R"("a")"),
            "rules.yml:14: condition: there is no search identifier A\n");
  EXPECT_EQ(Matches("a AND NOT b", R"("a")"), "yes");
}

TEST(SigmaCondition, CountsSearches) {
  EXPECT_EQ(Matches("1 of sel_*", R"("sel_2")"), "yes");
  EXPECT_EQ(Matches("1 of sel_*", R"("a")"), "");
  EXPECT_EQ(Matches("all of sel_*", R"("sel_2")"), "");
  EXPECT_EQ(Matches("all of sel_*", R"("sel_1","sel_2")"), "yes");
  EXPECT_EQ(Matches("1 of them", R"("_c")"), "");
  EXPECT_EQ(Matches("1 of _*", R"("_c")"), "yes");
  EXPECT_EQ(Matches("all of them", R"("a","b","sel_1","sel_2")"), "yes");
  EXPECT_EQ(Matches("2 of them", R"("a")"), "");
  EXPECT_EQ(Matches("2 of them", R"("a","sel_1")"), "yes");
  EXPECT_EQ(Matches("any of sel*", R"("sel_1")"), "yes");
  EXPECT_EQ(Matches("a and not 1 of sel_*", R"("a","sel_1")"), "");
  EXPECT_EQ(Matches("a and not 1 of sel_*", R"("a")"), "yes");
}

TEST(SigmaCondition, TakesAListAsAnyOfIt) {
  EXPECT_EQ(Matches("[a, b and sel_1]", R"("a")"), "yes");
  EXPECT_EQ(Matches("[a, b and sel_1]", R"("b")"), "");
}

TEST(SigmaCondition, NamesWhatIsWrong) {
  EXPECT_THAT(Matches("a and", ""), HasSubstr("ends where a name is expected"));
  EXPECT_THAT(Matches("(a", ""), HasSubstr("not closed"));
  EXPECT_THAT(Matches("a b", ""), HasSubstr("b is not expected"));
  EXPECT_THAT(Matches("1 of nothing*", ""), HasSubstr("no search identifier fits"));
  EXPECT_THAT(Matches("some of sel_*", ""), HasSubstr("some of is not known"));
  EXPECT_THAT(Matches("a | count() by x > 3", ""), HasSubstr("given up"));
  std::string deep;
  for (int i = 0; i < limits::kMaxRuleDepth + 2; ++i) deep += "not ";
  EXPECT_THAT(Matches(deep + "a", ""), HasSubstr("kMaxRuleDepth"));
}

TEST(SigmaRules, FindsKeywordsAnywhere) {
  const auto match = [](std::string_view search, std::string_view raw) {
    const TestEngine engine(RuleText("product: ekshume, service: test",
                                     "k:\n" + std::string(search) + "\ncondition: k", "yes"));
    EXPECT_THAT(engine.refused(), IsEmpty());
    return engine.Match("test", raw);
  };
  constexpr std::string_view kRecord = R"({"a":{"b":["one Two",3]},"c":"say \"hi\" <x>"})";
  EXPECT_EQ(match("    - two\n    - four", kRecord), "yes");
  EXPECT_EQ(match("    - four", kRecord), "");
  EXPECT_EQ(match("    - 'o*wo'", kRecord), "yes");
  EXPECT_EQ(match("    - 'say \"hi\"'", kRecord), "yes");
  EXPECT_EQ(match("    '|all':\n        - one\n        - hi", kRecord), "yes");
  EXPECT_EQ(match("    '|all':\n        - one\n        - four", kRecord), "");
  EXPECT_EQ(match("    '|re': 'T.o'", kRecord), "yes");
  EXPECT_EQ(match("    - 3", kRecord), "yes");
  // A list of maps, and of maps and keywords: any of them.
  EXPECT_EQ(match("    - a.b: one\n    - a.b: 3", kRecord), "yes");
  EXPECT_EQ(match("    - a.b: one\n      c: x\n    - a.b: 4", kRecord), "");
  EXPECT_EQ(match("    - four\n    - a.b: 3", kRecord), "yes");
}

TEST(SigmaRules, FollowsPathsWithDotsAndLists) {
  const auto match = [](std::string_view item, std::string_view raw) {
    const TestEngine engine(RuleText("product: kubernetes, service: audit",
                                     "s:\n    " + std::string(item) + "\ncondition: s", "yes"));
    return engine.Match("k8s_audit", raw);
  };
  constexpr std::string_view kRecord =
      R"({"annotations":{"authorization.k8s.io/decision":"allow"},"user":{"groups":["x","system:masters"]},)"
      R"("requestObject":[{"path":"/spec"},{"path":"/metadata"}]})";
  EXPECT_EQ(match("annotations.authorization.k8s.io/decision: allow", kRecord), "yes");
  EXPECT_EQ(match("user.groups: system:masters", kRecord), "yes");
  EXPECT_EQ(match("requestObject.path: /metadata", kRecord), "yes");
  EXPECT_EQ(match("requestObject.path: /status", kRecord), "");
  EXPECT_EQ(match("requestObject|contains: '\"path\":\"/spec\"'", kRecord), "yes");
}

TEST(SigmaRules, MatchesWhatJsonWritesOddly) {
  const TestEngine engine(RuleText("product: kubernetes, service: audit",
                                   "s:\n    verb: list\n    userAgent: 'a/b'\ncondition: s",
                                   "yes"));
  EXPECT_EQ(engine.Match("k8s_audit", R"({"verb":"l\u0069st","userAgent":"a\/b"})"), "yes");
  EXPECT_EQ(engine.Match("k8s_audit", R"({"verb":"list","userAgent":"a/b"})"), "yes");
}

// TestEngine::Match() asks every rule too, and says when what rules demand costs a match.
TEST(SigmaRules, MatchesHoweverTheDemandsAreJoined) {
  const auto match = [](std::string_view detection, std::string_view raw) {
    const TestEngine engine(RuleText("product: kubernetes, service: audit", detection, "yes"));
    EXPECT_THAT(engine.refused(), IsEmpty());
    return engine.Match("k8s_audit", raw);
  };
  // Different fields in each part.
  constexpr std::string_view kEither =
      "a: {verb: list}\nb: {userAgent|contains: curl, stage|endswith: Complete}\n"
      "condition: a or b";
  EXPECT_EQ(match(kEither, R"({"verb":"LIST"})"), "yes");
  EXPECT_EQ(match(kEither, R"({"userAgent":"my-cURL/8","stage":"ResponseComplete"})"), "yes");
  EXPECT_EQ(match(kEither, R"({"userAgent":"my-curl/8"})"), "");
  // Both parts name a field, and the second is the sharper one.
  constexpr std::string_view kBoth =
      "a: {verb|startswith: l}\nb: {verb: list, stage: x}\ncondition: a and b";
  EXPECT_EQ(match(kBoth, R"({"verb":"list","stage":"x"})"), "yes");
  EXPECT_EQ(match(kBoth, R"({"verb":"list","stage":"y"})"), "");
  // More ways than are told apart.
  std::string many;
  std::string condition = "condition: (a0 or b0)";
  for (int i = 0; i < 6; ++i) {
    many += fmt::format("a{0}: {{annotations.a{0}: one}}\nb{0}: {{annotations.b{0}: two}}\n", i);
    if (i > 0) condition += fmt::format(" and (a{0} or b{0})", i);
  }
  EXPECT_EQ(
      match(many + condition, R"({"annotations":{"a0":"one","b1":"two","a2":"one","a3":"one",)"
                              R"("b4":"two","b5":"two"}})"),
      "yes");
  EXPECT_EQ(
      match(many + condition, R"({"annotations":{"a0":"one","b1":"two","a2":"one","a3":"one",)"
                              R"("b4":"two","b5":"one"}})"),
      "");
  // Nothing, empty, null, a mere presence, a negation, numbers.
  EXPECT_EQ(match("a: {stage: ''}\ncondition: a", R"({"stage":""})"), "yes");
  EXPECT_EQ(match("a: {stage: null}\ncondition: a", R"({"verb":"get"})"), "yes");
  EXPECT_EQ(match("a: {stage: [null, x]}\ncondition: a", R"({"verb":"get"})"), "yes");
  EXPECT_EQ(match("a: {stage|exists: false}\ncondition: a", R"({"verb":"get"})"), "yes");
  EXPECT_EQ(match("a: {stage: '*'}\ncondition: a", R"({"stage":7})"), "yes");
  EXPECT_EQ(match("a: {stage|neq: x}\ncondition: a", R"({"verb":"get"})"), "yes");
  EXPECT_EQ(match("a: {responseStatus.code|gte: 400}\ncondition: a",
                  R"({"responseStatus":{"code":403}})"),
            "yes");
  EXPECT_EQ(match("a: {verb|contains|all: [li, st]}\ncondition: a", R"({"verb":"list"})"), "yes");
  EXPECT_EQ(
      match("a: {verb: list}\nb: {verb: get}\ncondition: not a and not b", R"({"verb":"watch"})"),
      "yes");
}

// Keys with dots, also beside the path that they look like; of a key that is there twice the first.
TEST(SigmaRules, TakesTheLongestKeyOfAPath) {
  const TestEngine engine(RuleText("product: kubernetes, service: audit",
                                   "s:\n    annotations.a.b.c: yes\ncondition: s", "found"));
  for (const std::string_view raw :
       {R"({"annotations":{"a.b.c":"yes"}})", R"({"annotations":{"a":{"b.c":"yes"}}})",
        R"({"annotations":{"a":{"x":1},"a.b":{"c":"yes"}}})",
        R"({"annotations":{"a":{"b":{"c":"no"}},"a.b.c":"yes"}})",
        R"({"annotations.a":{"b.c":"yes"},"annotations":{"a":1}})",
        R"({"annotations":{"a.b.c":"yes","a.b.c":"no"}})"}) {
    EXPECT_EQ(engine.Match("k8s_audit", raw), "found") << raw;
  }
  EXPECT_EQ(engine.Match("k8s_audit", R"({"annotations":{"a.b.c":"no","a":{"b":{"c":"yes"}}}})"),
            "");
}

TEST(SigmaRules, ToleratesDirtWhereItDoesNotMatter) {
  const TestEngine engine(RuleText("product: ekshume, service: test",
                                   "falsepositives:\n    - Admins\nsel|endswith:\n    a: 1\n"
                                   "unused:\n    b|nonsense: 1\ncondition: sel|endswith",
                                   "yes"));
  EXPECT_THAT(engine.refused(), IsEmpty());
  EXPECT_EQ(engine.Match("test", R"({"a":1})"), "yes");
  ASSERT_EQ(engine.doubtful.size(), 2U);
  EXPECT_THAT(engine.doubtful[0].reason, HasSubstr("does not use falsepositives"));
}

TEST(SigmaRules, RefusesOneDocumentAndTakesTheOthers) {
  const std::string good =
      RuleText("product: ekshume, service: test", "s:\n    a: 1\ncondition: s", "good");
  const TestEngine engine(
      good + "---\ntitle: bad\nlogsource: {product: linux}\ndetection:\n  s: {a: 1}\n" +
      "---\naction: global\n---\n" + good);
  EXPECT_EQ(engine.refused(),
            "rules.yml:11: no condition\nrules.yml:13: action: global is of Sigma's old format\n");
  EXPECT_EQ(engine.set.documents, 4U);
  EXPECT_EQ(engine.set.loaded(), 2U);
  EXPECT_EQ(engine.Match("test", R"({"a":1})"), "good,good");
}

TEST(SigmaRules, RefusesWhatIsNoRule) {
  const auto refused = [](std::string_view yaml) { return TestEngine(yaml).refused(); };
  EXPECT_THAT(refused("title: x\n  y: ["), HasSubstr("rules.yml:2: not YAML"));
  EXPECT_THAT(refused("- a\n- b\n"), HasSubstr("no map"));
  EXPECT_THAT(refused("title: x\n"), HasSubstr("without detection"));
  EXPECT_THAT(refused("title: x\ndetection: {s: {a: 1}, condition: s}\n"),
              HasSubstr("no logsource"));
  EXPECT_THAT(refused(RuleText("product: linux", "s:\n    a: {b: 1}\ncondition: s")),
              HasSubstr("rules.yml:5: a: a list or map where a value is expected"));
  EXPECT_THAT(refused(RuleText("product: linux", "s: []\ncondition: s")), HasSubstr("s is empty"));
  EXPECT_THAT(refused(RuleText("product: linux", "s: {}\ncondition: s")), HasSubstr("s is empty"));
  EXPECT_THAT(refused("id: 1\n" + RuleText("product: linux", "s: [x]\ncondition: s") +
                      "---\nid: 1\n" + RuleText("product: linux", "s: [x]\ncondition: s")),
              HasSubstr("the id 1 is that of rules.yml:1"));
}

TEST(SigmaRules, AreBounded) {
  const auto refused = [](std::string_view yaml) { return TestEngine(yaml).refused(); };
  EXPECT_THAT(refused(std::string(limits::kMaxRuleFileBytes + 1, '#')),
              HasSubstr("kMaxRuleFileBytes"));
  std::string deep = "title: x\na: ";
  for (int i = 0; i < limits::kMaxRuleDepth + 1; ++i) deep += "[";
  EXPECT_THAT(refused(deep + std::string(static_cast<size_t>(limits::kMaxRuleDepth) + 1, ']')),
              HasSubstr("kMaxRuleDepth"));
  EXPECT_THAT(refused(std::string(100000, '[')), HasSubstr("kMaxRuleDepth"));
  // Aliases of aliases: few bytes, many nodes.
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 8; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 9; ++k) laughs += before + ", ";
    laughs += before + "]\n";
  }
  EXPECT_THAT(refused(laughs), HasSubstr("kMaxRuleNodes"));
}

TEST(SigmaRules, FiltersTakeMatchesAway) {
  const std::string rule =
      "id: r1\nname: listing\n" +
      RuleText("product: ekshume, service: test", "s:\n    a: 1\ncondition: s", "found");
  const auto with = [&](std::string_view filter) {
    return TestEngine(rule +
                      "---\ntitle: f\nlogsource: {product: ekshume, service: test}\nfilter:\n" +
                      std::string(filter));
  };
  // As in the specification: what the condition describes is dropped.
  const TestEngine drop =
      with("  rules: [r1]\n  selection: {user|startswith: adm_}\n  condition: selection\n");
  EXPECT_THAT(drop.refused(), IsEmpty());
  EXPECT_EQ(drop.set.filters, 1U);
  EXPECT_EQ(drop.Match("test", R"({"a":1,"user":"adm_x"})"), "");
  EXPECT_EQ(drop.Match("test", R"({"a":1,"user":"eve"})"), "found");
  EXPECT_EQ(drop.Match("test", R"({"a":2,"user":"eve"})"), "");
  // As in Sigma's guide: what is to be kept.
  const TestEngine keep = with("  rules: [listing]\n  sel: {user: eve}\n  condition: not sel\n");
  EXPECT_EQ(keep.Match("test", R"({"a":1,"user":"eve"})"), "");
  EXPECT_EQ(keep.Match("test", R"({"a":1,"user":"bob"})"), "found");
  EXPECT_EQ(with("  rules: any\n  sel: {user: eve}\n  condition: sel\n")
                .Match("test", R"({"a":1,"user":"eve"})"),
            "");
  EXPECT_THAT(with("  rules: [other]\n  sel: {user: eve}\n  condition: sel\n").refused(),
              HasSubstr("none of the rules that it filters is there"));
}

}  // namespace
}  // namespace ekshume::detect::sigma
