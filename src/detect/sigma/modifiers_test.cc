// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "detect/sigma/test_support.h"

namespace ekshume::detect::sigma {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Case {
  std::string_view item;    // what stands in the selection
  std::string_view record;  // JSON
  bool matches;
};

void Check(const std::vector<Case>& cases, const Placeholders& placeholders = {}) {
  for (const auto& [item, record, matches] : cases) {
    const TestEngine engine(
        RuleText("product: ekshume, service: test",
                 "selection:\n    " + std::string(item) + "\ncondition: selection", "yes"),
        placeholders);
    EXPECT_THAT(engine.refused(), IsEmpty()) << item;
    EXPECT_EQ(engine.Match("test", record), matches ? "yes" : "") << item << "\n" << record;
  }
}

std::string RefusedFor(std::string_view item) {
  return TestEngine(RuleText("product: ekshume, service: test",
                             "selection:\n    " + std::string(item) + "\ncondition: selection"))
      .refused();
}

TEST(Sigma, ComparesTextsWithoutCase) {
  Check({{"a: Word", R"({"a":"wORD"})", true},
         {"a: Word", R"({"a":"words"})", false},
         {"a: Word", R"({"b":"word"})", false},
         {"a: Word", R"({"a":["x","word"]})", true},
         {"a: [x, word]", R"({"a":"word"})", true},
         {"a|cased: Word", R"({"a":"Word"})", true},
         {"a|cased: Word", R"({"a":"word"})", false},
         {"a|contains|cased: or", R"({"a":"wORd"})", false}});
}

TEST(Sigma, WritesNumbersAndBooleansAsText) {
  Check({{"a: 401", R"({"a":401})", true},
         {"a: 401", R"({"a":"401"})", true},
         {"a: '401'", R"({"a":401})", true},
         {"a: 401", R"({"a":4010})", false},
         {"a: 401", R"({"a":401.0})", false},
         {"a: 'false'", R"({"a":false})", true},
         {"a: true", R"({"a":"True"})", true},
         {"a: true", R"({"a":false})", false}});
}

TEST(Sigma, KnowsNullAndEmpty) {
  Check({{"a: null", R"({"b":1})", true},
         {"a: null", R"({"a":null})", true},
         {"a: null", R"({"a":""})", false},
         {"a: ~", R"({"a":"x"})", false},
         {"a: 'null'", R"({"a":"null"})", true},
         {"a: 'null'", R"({"b":1})", false},
         {"a: ''", R"({"a":""})", true},
         {"a: ''", R"({"a":"x"})", false},
         {"a: ''", R"({"b":"x"})", false},
         {"a: '*'", R"({"a":"x"})", true},
         {"a: '*'", R"({"a":null})", false},
         {"a: '*'", R"({"b":"x"})", false},
         {"a: [null, Success]", R"({"b":"x"})", true},
         {"a: [null, Success]", R"({"a":"success"})", true},
         {"a: [null, Success]", R"({"a":"denied"})", false}});
}

TEST(Sigma, KnowsWildcardsAndTheirEscapes) {
  Check({{"a: 'w*d'", R"({"a":"woooord"})", true},
         {"a: 'w*d'", R"({"a":"words"})", false},
         {"a: 'w?rd'", R"({"a":"word"})", true},
         {"a: 'w?rd'", R"({"a":"wrd"})", false},
         {"a: 'w?rd'", "{\"a\":\"w\xC3\xB6rd\"}", true},
         {R"(a: 'w\*d')", R"({"a":"w*d"})", true},
         {R"(a: 'w\*d')", R"({"a":"wood"})", false},
         {R"(a: 'w\\*d')", R"({"a":"w\\ood"})", true},
         {R"(a: 'w\\*d')", R"({"a":"w*d"})", false},
         {R"(a: 'w\\\*d')", R"({"a":"w\\*d"})", true},
         {R"(a: 'w\\\*d')", R"({"a":"w\\ood"})", false},
         {R"(a: 'w\ord')", R"({"a":"w\\ord"})", true},
         {R"(a: 'w\\ord')", R"({"a":"w\\ord"})", true},
         {"a: '*a*b*c*'", R"({"a":"xxaxxbxxcxx"})", true},
         {"a: '*a*b*c*'", R"({"a":"xxaxxcxxbxx"})", false},
         {"a: '*aab'", R"({"a":"aaaab"})", true},
         {"a: 'a*?b'", R"({"a":"ab"})", false}});
}

TEST(Sigma, PutsTextsAnywhere) {
  Check({{"a|contains: or", R"({"a":"word"})", true},
         {"a|contains: or", R"({"a":"wrd"})", false},
         {"a|startswith: wo", R"({"a":"word"})", true},
         {"a|startswith: or", R"({"a":"word"})", false},
         {"a|endswith: rd", R"({"a":"word"})", true},
         {"a|endswith: or", R"({"a":"word"})", false},
         {"a|contains|all: [wo, rd]", R"({"a":"word"})", true},
         {"a|contains|all: [wo, xx]", R"({"a":"word"})", false},
         {"a|contains: [wo, xx]", R"({"a":"word"})", true},
         {"a|contains: 'w*d'", R"({"a":"a word here"})", true}});
}

TEST(Sigma, MatchesRegularExpressions) {
  Check({{"a|re: 'w.*d$'", R"({"a":"a word"})", true},
         {"a|re: 'w.*d$'", R"({"a":"a Word"})", false},
         {"a|re|i: 'w.*d$'", R"({"a":"a WORD"})", true},
         {"a|re: '(?i)WORD'", R"({"a":"a word"})", true},
         {"a|re: '^b$'", R"({"a":"a\nb\nc"})", false},
         {"a|re|m: '^b$'", R"({"a":"a\nb\nc"})", true},
         {"a|re: 'a.b'", R"({"a":"a\nb"})", false},
         {"a|re|s: 'a.b'", R"({"a":"a\nb"})", true},
         {"a|re|i|m|s: '^B.C$'", R"({"a":"a\nb\nc"})", true},
         {"a|re: '(.){5,}'", R"({"a":"12345"})", true},
         {"a|re: '(.){5,}'", R"({"a":"1234"})", false}});
}

TEST(Sigma, KnowsNetworks) {
  Check({{"a|cidr: 10.0.0.0/8", R"({"a":"10.255.1.2"})", true},
         {"a|cidr: 10.0.0.0/8", R"({"a":"11.0.0.1"})", false},
         {"a|cidr: 10.0.0.0/9", R"({"a":"10.128.0.1"})", false},
         {"a|cidr: [192.0.2.0/24, 'fd00::/8']", R"({"a":"fd12::1"})", true},
         {"a|cidr: 'fd00::/8'", R"({"a":"fe80::1"})", false},
         {"a|cidr: 10.0.0.0/8", R"({"a":"eks.amazonaws.com"})", false},
         {"a|cidr: 0.0.0.0/0", R"({"a":"192.0.2.1"})", true}});
  EXPECT_THAT(RefusedFor("a|cidr: 10.0.0.0/33"), HasSubstr("is no network"));
}

TEST(Sigma, EncodesTexts) {
  Check({{"a|base64: whoami", R"({"a":"d2hvYW1p"})", true},
         {"a|base64|contains: whoami", R"({"a":"echo d2hvYW1p | base64 -d"})", true},
         {"a|base64: whoami", R"({"a":"whoami"})", false},
         // "whoami" at the three places of a group of three bytes.
         {"a|base64offset|contains: whoami", R"({"a":"d2hvYW1pIC9h"})", true},
         {"a|base64offset|contains: whoami", R"({"a":"IHdob2FtaSA="})", true},
         {"a|base64offset|contains: whoami", R"({"a":"ICB3aG9hbWkg"})", true},
         {"a|base64offset|contains: whoami", R"({"a":"IGlkICA="})", false},
         {"a|wide|base64offset|contains: id", R"({"a":"aQBkAA=="})", true},
         {"a|utf16le|base64: id", R"({"a":"aQBkAA=="})", true},
         {"a|utf16be|base64: id", R"({"a":"AGkAZA=="})", true},
         {"a|utf16|base64: id", R"({"a":"//5pAGQA"})", true},
         {"a|utf16be|base64: id", R"({"a":"aQBkAA=="})", false},
         {"a|wide: id", R"({"a":"i\u0000d\u0000"})", true},
         {"a|base64offset|contains|all: [whoami, hostname]", R"({"a":"d2hvYW1pIA== aG9zdG5hbWUg"})",
          true},
         {"a|base64offset|contains|all: [whoami, hostname]", R"({"a":"d2hvYW1pIA=="})", false}});
  EXPECT_THAT(RefusedFor("a|contains|base64: x"), HasSubstr("cannot stand behind"));
  EXPECT_THAT(RefusedFor("a|base64: 'x*'"), HasSubstr("wildcards cannot be encoded"));
}

TEST(Sigma, TakesAnyDashForADash) {
  Check({{"a|windash|contains: ' -enc'", R"({"a":"x -enc y"})", true},
         {"a|windash|contains: ' -enc'", R"({"a":"x /enc y"})", true},
         {"a|windash|contains: ' /enc'",
          "{\"a\":\"x \xE2\x80\x93"
          "enc\"}",
          true},
         {"a|windash|contains: ' -enc'",
          "{\"a\":\"x \xE2\x80\x95"
          "enc\"}",
          true},
         {"a|windash|contains: ' -enc'", R"({"a":"x +enc y"})", false},
         {"a|contains: ' -enc'", R"({"a":"x /enc y"})", false}});
}

TEST(Sigma, AsksWhetherFieldsExist) {
  Check({{"a|exists: true", R"({"a":null})", true},
         {"a|exists: true", R"({"a":[]})", true},
         {"a|exists: true", R"({"a":{}})", true},
         {"a|exists: true", R"({"b":1})", false},
         {"a|exists: false", R"({"b":1})", true},
         {"a|exists: false", R"({"a":""})", false},
         {"a.b|exists: true", R"({"a":{"b":1}})", true}});
  EXPECT_THAT(RefusedFor("a|exists: perhaps"), HasSubstr("true or false"));
}

TEST(Sigma, ComparesNumbers) {
  Check({{"a|lt: 10", R"({"a":9})", true},
         {"a|lt: 10", R"({"a":10})", false},
         {"a|lte: 10", R"({"a":10})", true},
         {"a|lte: 10", R"({"a":10.5})", false},
         {"a|gt: 10", R"({"a":"11"})", true},
         {"a|gt: 10", R"({"a":10})", false},
         {"a|gte: -1.5", R"({"a":-1.5})", true},
         {"a|gte: 2", R"({"a":"many"})", false},
         {"a|gt: 10", R"({"b":11})", false}});
  EXPECT_THAT(RefusedFor("a|gt: many"), HasSubstr("no number"));
}

TEST(Sigma, AsksForOtherValues) {
  Check({{"a|neq: x", R"({"a":"y"})", true},
         {"a|neq: x", R"({"a":"X"})", false},
         {"a|neq: [x, y]", R"({"a":"y"})", false},
         {"a|neq: 5", R"({"a":5})", false},
         {"a|neq: 5", R"({"a":6})", true},
         {"a|neq: x", R"({"b":"y"})", true},
         {"a|startswith|neq: x", R"({"a":"xy"})", false}});
}

TEST(Sigma, TakesPartsOfTimes) {
  // A Tuesday in the 48th week.
  constexpr std::string_view kRecord = R"({"a":"2026-11-24T21:39:08.785Z"})";
  Check({{"a|minute: 39", kRecord, true},
         {"a|minute: 40", kRecord, false},
         {"a|hour: [20, 21]", kRecord, true},
         {"a|day: 24", kRecord, true},
         {"a|week: 48", kRecord, true},
         {"a|month: 11", kRecord, true},
         {"a|year: 2026", kRecord, true},
         {"a|year: 2025", kRecord, false},
         {"a|hour|gte: 21", kRecord, true},
         {"a|hour|lt: 21", kRecord, false},
         {"a|hour: 21", R"({"a":"2026-11-24 21:39:08"})", true},
         {"a|hour: 21", R"({"a":"late"})", false},
         {"a|week: 53", R"({"a":"2027-01-01T00:00:00Z"})", true}});
}

TEST(Sigma, ComparesFields) {
  Check({{"a|fieldref: b", R"({"a":"x","b":"X"})", true},
         {"a|fieldref: b", R"({"a":"x","b":"y"})", false},
         {"a|fieldref: b", R"({"a":"x"})", false},
         {"a|fieldref|cased: b", R"({"a":"x","b":"X"})", false},
         {"a|fieldref|startswith: b", R"({"a":"xyz","b":"xy"})", true},
         {"a|fieldref|endswith: b", R"({"a":"xyz","b":"xy"})", false},
         {"a|fieldref|contains: b.c", R"({"a":"xyz","b":{"c":"y"}})", true},
         {"a|fieldref|neq: b", R"({"a":"x","b":"y"})", true},
         {"a|fieldref|neq: b", R"({"a":"x","b":"x"})", false}});
}

TEST(Sigma, ExpandsPlaceholders) {
  const Placeholders placeholders = {{"admins", {"alice", "bob"}}};
  Check({{"a|expand: '%admins%'", R"({"a":"Bob"})", true},
         {"a|expand: '%admins%'", R"({"a":"eve"})", false},
         {"a|contains|expand: 'user/%admins%.'", R"({"a":"x:user/alice.y"})", true},
         {"a: '%admins%'", R"({"a":"%admins%"})", true}},
        placeholders);
  EXPECT_THAT(RefusedFor("a|expand: '%admins%'"), HasSubstr("%admins% has no value"));
  EXPECT_THAT(RefusedFor("a|expand: '%admins%'"), HasSubstr("rules.yml:5:"));
}

TEST(Sigma, RefusesModifiersByName) {
  EXPECT_THAT(RefusedFor("a|sounds_like: x"), HasSubstr("unknown modifier sounds_like"));
  EXPECT_THAT(RefusedFor("a|i: x"), HasSubstr("unknown modifier i"));
  EXPECT_THAT(RefusedFor("a|re|cidr: x"), HasSubstr("no sense together"));
  EXPECT_THAT(RefusedFor("a|re: '('"), HasSubstr("regular expression"));
  EXPECT_THAT(RefusedFor("a|re: '(?=x)'"), HasSubstr("regular expression"));
  EXPECT_THAT(RefusedFor("a|re: '((((x{1,1000}){1,1000}){1,1000}){1,1000})'"),
              HasSubstr("kMaxRuleRegexBytes"));
  EXPECT_GT(limits::kMaxRuleRegexBytes, 0);
}

TEST(Sigma, BoundsThePatternsOfARule) {
  Placeholders many;
  for (size_t i = 0; i < 200; ++i) many["n"].push_back(std::to_string(i));
  ASSERT_LT(limits::kMaxRulePatterns, many["n"].size() * many["n"].size());
  const TestEngine engine(RuleText("product: ekshume",
                                   "selection:\n    a|expand: '%n% %n%'\ncondition: "
                                   "selection"),
                          many);
  EXPECT_THAT(engine.refused(), HasSubstr("kMaxRulePatterns"));
}

}  // namespace
}  // namespace ekshume::detect::sigma
