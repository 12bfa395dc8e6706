// SPDX-License-Identifier: Apache-2.0
#include "runtime/json.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "runtime/yaml.h"

namespace ekshume::runtime {
namespace {

TEST(JsonTest, AccessorsNeverThrow) {
  const auto document = ParseJson(
      R"({"text":"a","number":-5,"big":18446744073709551615,"flag":true,"list":["x",1,"y"],
          "object":{"k":"v","n":2},"time":"2026-11-24T21:40:21.5Z","never":"0001-01-01T00:00:00Z"})");
  ASSERT_TRUE(document);
  EXPECT_EQ(Text(Member(*document, "text")), "a");
  EXPECT_EQ(Text(Member(*document, "number")), "");
  EXPECT_EQ(Integer(Member(*document, "number")), -5);
  EXPECT_FALSE(Integer(Member(*document, "big")));
  EXPECT_FALSE(Integer(Member(*document, "text")));
  EXPECT_TRUE(IsTrue(Member(*document, "flag")));
  EXPECT_FALSE(IsTrue(Member(*document, "text")));
  EXPECT_EQ(Texts(Member(*document, "list")), (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(Texts(Member(*document, "text")).empty());
  EXPECT_EQ(TextMembers(Member(*document, "object")), (Labels{{"k", "v"}}));
  EXPECT_EQ(Text(Member(*document, "object", "k")), "v");
  EXPECT_TRUE(Member(*document, "text", "k", "deeper").is_null());
  EXPECT_EQ(Time(Member(*document, "time"))->nanoseconds, 500000000U);
  EXPECT_FALSE(Time(Member(*document, "never")));
}

TEST(JsonTest, RefusesWhatIsTooDeepOrTooLarge) {
  const std::string deep(limits::kMaxDocumentDepth + 1, '[');
  EXPECT_EQ(ParseJson(deep).error().code, ErrorCode::kLimit);
  EXPECT_EQ(ParseJson(std::string(limits::kMaxDocumentBytes + 1, ' ')).error().code,
            ErrorCode::kLimit);
  EXPECT_EQ(ParseJson("{\"a\":").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ParseJson("").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ParseJson("\"\xff\"").error().code, ErrorCode::kCorrupt);
  // Brackets in strings do not nest.
  EXPECT_TRUE(ParseJson("[\"" + deep + "\\\"" + deep + "\"]"));
}

TEST(YamlTest, ReadsScalarsAsText) {
  const auto document = ParseYaml("a: 1\nb: [x, {c: true}]\nd:\n");
  ASSERT_TRUE(document);
  EXPECT_EQ(Text(Member(*document, "a")), "1");
  EXPECT_EQ(Text(Member(Member(*document, "b").at(1), "c")), "true");
  EXPECT_TRUE(Member(*document, "d").is_null());
}

TEST(YamlTest, RefusesBombs) {
  std::string aliases = "a0: &a0 [x]\n";
  for (int i = 1; i < 30; ++i) {
    aliases += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" +
               std::to_string(i - 1) + ", *a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_EQ(ParseYaml(aliases).error().code, ErrorCode::kLimit);
  EXPECT_EQ(ParseYaml(aliases).error().message, "kMaxYamlNodes");
  EXPECT_EQ(ParseYaml(std::string(5000, '[')).error().code, ErrorCode::kLimit);
  std::string dashes;
  for (int i = 0; i < 5000; ++i) dashes += "- ";
  EXPECT_FALSE(ParseYaml(dashes));
  EXPECT_EQ(ParseYaml("a: [").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ParseYaml(std::string(limits::kMaxYamlBytes + 1, 'x')).error().code, ErrorCode::kLimit);
}

TEST(YamlTest, NodesAreBounded) {
  // One node more than the limit is the sequence itself.
  std::string text;
  for (size_t i = 0; i < limits::kMaxYamlNodes; ++i) text += "- a\n";
  ASSERT_LT(text.size(), limits::kMaxYamlBytes);
  const auto refused = ParseYaml(text);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_EQ(refused.error().message, "kMaxYamlNodes");
}

}  // namespace
}  // namespace ekshume::runtime
