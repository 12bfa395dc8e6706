// SPDX-License-Identifier: Apache-2.0
#include "log/json.h"

#include "base/limits.h"
#include "log/test_support.h"

namespace ekshume::log {
namespace {

// Whether the text is valid JSON, as simdjson sees it.
bool IsValid(const std::string& text) {
  simdjson::dom::parser parser;
  return parser.parse(text).error() == simdjson::SUCCESS;
}

TEST(MendJson, ClosesEveryBeginningOfARecord) {
  const std::string record =
      R"({"a":"x\u00e9\n","b":[1,2.5e3,true,{"c":null,"d":[]}],"e":{"f":-12,"g":"\"q\""},"h":false})";
  ASSERT_TRUE(IsValid(record));
  for (size_t length = 1; length <= record.size(); ++length) {
    const std::optional<std::string> mended = MendJson(record.substr(0, length));
    ASSERT_TRUE(mended) << length;
    EXPECT_TRUE(IsValid(*mended)) << record.substr(0, length) << " became " << *mended;
  }
}

TEST(MendJson, KeepsWhatStoodBeforeTheCut) {
  EXPECT_EQ(MendJson(R"({"verb":"get","user":{"username":"ad[Truncated...])"),
            R"({"verb":"get","user":{"username":"ad"}})");
  EXPECT_EQ(MendJson(R"({"verb":"get","code":20)"), R"({"verb":"get","code":null})");
  EXPECT_EQ(MendJson(R"({"verb":"get",)"), R"({"verb":"get"})");
}

TEST(MendJson, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(MendJson("{\"a\":\"x\xff\"}"), "{\"a\":\"x\xef\xbf\xbd\"}");
}

TEST(MendJson, RefusesWhatIsBrokenInTheMiddle) {
  EXPECT_FALSE(MendJson(R"({"a":1}])"));
  EXPECT_FALSE(MendJson(std::string(limits::kMaxJsonDepth + 1, '[')));
  EXPECT_TRUE(MendJson(std::string(limits::kMaxJsonDepth, '[')));
}

TEST(HasKey, LooksForMembers) {
  EXPECT_TRUE(HasKey(R"({"auditID" : "x"})", "auditID"));
  EXPECT_FALSE(HasKey(R"({"x":"auditID"})", "auditID"));
  EXPECT_FALSE(HasKey(R"({"auditID2":1})", "auditID"));
  EXPECT_FALSE(HasKey(R"({"aaaaaaaa":1,"auditID":2})", "auditID", 10));
}

TEST(ForEachMember, ReadsEveryKindOfValue) {
  const std::string bytes =
      R"({"text":"a\"b","number":42,"quoted":"43","yes":true,"none":null,"object":{"k":[1, 2]}})" +
      std::string(kRecordPadding, ' ');
  const Record record{std::string_view(bytes).substr(0, bytes.size() - kRecordPadding), {}, {}};
  std::string all;
  std::string text;
  const bool whole = ForEachMember(record, [&](std::string_view key, JsonValue value) {
    all += key;
    if (key == "number" || key == "quoted") {
      all += '#' + std::to_string(JsonInteger(value).value_or(-1));
    } else {
      ASSERT_TRUE(JsonText(value, text));
      all += '=' + text;
    }
    all += ' ';
  });
  EXPECT_TRUE(whole);
  EXPECT_EQ(all, R"(text=a"b number#42 quoted#43 yes=true none= object={"k":[1, 2]} )");
}

TEST(ForEachMember, RefusesWhatFollowsTheObject) {
  for (const std::string tail : {"", " ", "\n", "x", "{}", "}"}) {
    const std::string bytes = R"({"a":{"b":1}})" + tail;
    const std::string padded = bytes + std::string(kRecordPadding, ' ');
    const Record record{std::string_view(padded).substr(0, bytes.size()), {}, {}};
    EXPECT_EQ(ForEachMember(record, [](std::string_view, JsonValue) {}),
              tail.size() <= 1 && tail != "x" && tail != "}")
        << tail;
  }
}

}  // namespace
}  // namespace ekshume::log
