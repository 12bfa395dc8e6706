// SPDX-License-Identifier: Apache-2.0
#include "log/resolver/reader.h"

#include <regex>

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::resolver {
namespace {

using testing::kNoSharedLogs;
using testing::Parsed;
using testing::Row;
using testing::SharedLog;

constexpr std::string_view kQuery =
    R"({"version":"1.100000","account_id":"123456789012","region":"eu-central-1","vpc_id":"vpc-1",)"
    R"("query_timestamp":"2026-11-24T21:39:08Z","query_name":"pool.example.","query_type":"A",)"
    R"("query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"203.0.113.9","Type":"A","Class":"IN"},)"
    R"({"Rdata":"203.0.113.10","Type":"A","Class":"IN"}],"srcaddr":"10.0.0.5","srcport":"56067",)"
    R"("transport":"UDP","srcids":{"instance":"i-0a"}})";

TEST(Resolver, ReadsAQueryWithAnswers) {
  Parsed parsed;
  testing::Parse(ResolverFormat(), kQuery, parsed);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_EQ(Row(parsed.events[0]),
            "time=2026-11-24T21:39:08.000000000Z\n"
            "time_kind=Event Time\n"
            "account_id=123456789012\n"
            "region=eu-central-1\n"
            "source_ip=10.0.0.5\n"
            "action=query\n"
            "object_kind=A\n"
            "object_name=pool.example\n"
            "outcome=success\n"
            "message=10.0.0.5 (i-0a) asked for pool.example (A): 203.0.113.9, 203.0.113.10\n"
            "tags=instance=i-0a vpc=vpc-1 transport=UDP answer=203.0.113.9 answer=203.0.113.10\n"
            "source_port=56067\n");
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
}

TEST(Resolver, ReadsTheDocumentedOne) {
  const auto file = SharedLog("aws_docs_examples/route53_resolver.json");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  EXPECT_EQ(ResolverFormat().Sniff(*file), Match::kYes);
  Parsed parsed;
  testing::Parse(ResolverFormat(), *file, parsed);
  ASSERT_EQ(parsed.events.size(), 1u);
  const std::string row =
      std::regex_replace(Row(parsed.events[0]), std::regex("4\\.5(\\.[0-9]+){2}"), "192.0.2.4");
  EXPECT_EQ(row,
            "time=2021-02-04T17:51:55.000000000Z\n"
            "time_kind=Event Time\n"
            "account_id=111122223333\n"
            "region=us-east-1\n"
            "source_ip=192.0.2.4\n"
            "action=query\n"
            "object_kind=PTR\n"
            "object_name=15.3.4.32.in-addr.arpa\n"
            "outcome=failure\n"
            "error=BLOCK\n"
            "message=192.0.2.4 (i-0d15cd0d3example) asked for 15.3.4.32.in-addr.arpa (PTR): "
            "BLOCK\n"
            "tags=instance=i-0d15cd0d3example vpc=vpc-7example transport=UDP firewall=BLOCK "
            "domain_list=rslvr-fdl-01234567890abcdef answer=203.0.113.9\n"
            "source_port=56067\n");
}

TEST(Resolver, KeepsAFewOfManyAnswers) {
  std::string record =
      R"({"query_name":"x.","query_type":"TXT","srcaddr":"10.0.0.5","rcode":"NOERROR","answers":[)";
  for (int i = 0; i < 100; ++i) record += (i == 0 ? "" : ",") + std::string(R"({"Rdata":"a b"})");
  Parsed parsed;
  testing::Parse(ResolverFormat(), record + "]}", parsed);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_TRUE(parsed.events[0][event::Text::kMessage].ends_with("a b, a b, ..."));
  EXPECT_EQ(parsed.events[0][event::Text::kTags].size(), 8 * std::string("answer=a_b ").size() - 1);
}

TEST(Resolver, TellsOtherJsonAndBrokenRecordsApart) {
  Parsed parsed;
  testing::Parse(ResolverFormat(), R"({"query_name":1,"x":2})", parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kNotMine);
  testing::Parse(ResolverFormat(), kQuery.substr(0, 200), parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kDamaged);
  EXPECT_EQ(ResolverFormat().Sniff(R"({"eventName":"x"})"), Match::kNo);
}

TEST(Resolver, SurvivesEveryDamage) { testing::ParseEveryDamage(ResolverFormat(), kQuery); }

}  // namespace
}  // namespace ekshume::log::resolver
