// SPDX-License-Identifier: Apache-2.0
#include "log/vpc_flow/reader.h"

#include <gmock/gmock.h>

#include <regex>

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::vpc_flow {
namespace {

using testing::kNoSharedLogs;
using testing::Number;
using testing::Parsed;
using testing::Row;
using testing::SharedLog;
using testing::Text;

constexpr std::string_view kDefault =
    "2 123456789012 eni-1235b8ca123456789 10.0.0.5 203.0.113.7 40000 443 6 20 4249 1418530010 "
    "1418530070 REJECT OK";

// Reads the lines of a file as the carriers do.
void ReadFile(const std::string& text, Parsed& parsed) {
  Stream stream;
  bool first = true;
  size_t at = 0;
  while (at < text.size()) {
    const std::string_view line = std::string_view(text).substr(at, text.find('\n', at) - at);
    at += line.size() + 1;
    EXPECT_EQ(VpcFlowFormat().Sniff(line), Match::kYes) << line;
    if (first && VpcFlowFormat().IsHeader(line)) {
      stream.header = line;
    } else {
      testing::Parse(VpcFlowFormat(), line, parsed, stream);
      EXPECT_EQ(parsed.outcome, Outcome::kEvents) << line;
    }
    first = false;
  }
}

TEST(VpcFlow, ReadsTheDefaultFormatWithoutHeader) {
  Parsed parsed;
  testing::Parse(VpcFlowFormat(), kDefault, parsed);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_EQ(Row(parsed.events[0]),
            "time=2014-12-14T04:06:50.000000000Z\n"
            "time_kind=Start Time\n"
            "account_id=123456789012\n"
            "source_ip=10.0.0.5\n"
            "destination_ip=203.0.113.7\n"
            "action=REJECT\n"
            "object_kind=network_interface\n"
            "object_name=eni-1235b8ca123456789\n"
            "outcome=failure\n"
            "message=10.0.0.5:40000 to 203.0.113.7:443 (tcp) rejected, 20 packets, 4249 bytes\n"
            "tags=protocol=tcp packets=20\n"
            "source_port=40000\n"
            "destination_port=443\n"
            "size=4249\n"
            "duration_ns=60000000000\n");
}

TEST(VpcFlow, ReadsTheDocumentedDefault) {
  const auto file = SharedLog("aws_docs_examples/vpcflow_v2_default.log");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  Parsed parsed;
  ReadFile(*file, parsed);
  ASSERT_EQ(parsed.events.size(), 7u);
  EXPECT_EQ(parsed.events[2][Text::kAction], "NODATA");
  EXPECT_EQ(parsed.events[2][Text::kOutcome], "unknown");
  EXPECT_EQ(parsed.events[2][Text::kSourceIp], "");
  EXPECT_EQ(parsed.events[2][Text::kMessage], "No traffic at eni-1235b8ca123456789");
  EXPECT_EQ(parsed.events[3][Text::kMessage], "Records were skipped at eni-11111111aaaaaaaaa");
  EXPECT_EQ(parsed.events[4][Text::kMessage],
            "203.0.113.12 to 172.31.16.139 (icmp) accepted, 4 packets, 336 bytes");
  EXPECT_EQ(parsed.events[6][Text::kMessage],
            "[2001:db8:1234:a100:8d6e:3477:df66:f105]:34892 to "
            "[2001:db8:1234:a102:3304:8879:34cf:4071]:22 (tcp) accepted, 54 packets, 8855 bytes");
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
}

TEST(VpcFlow, ShowsThePacketsAddressesBehindANatGateway) {
  const auto file = SharedLog("aws_docs_examples/vpcflow_v3_natgw.log");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  Parsed parsed;
  ReadFile(*file, parsed);
  ASSERT_EQ(parsed.events.size(), 4u);
  const event::Event& event = parsed.events[2];
  EXPECT_EQ(event[Text::kSourceIp], "10.20.33.164");
  EXPECT_EQ(event[Text::kDestinationIp], "10.40.2.236");
  EXPECT_THAT(event[Text::kTags], ::testing::HasSubstr("srcaddr=10.40.1.175"));
  EXPECT_FALSE(event.time);  // these columns hold none
}

TEST(VpcFlow, ReadsColumnsInAnyOrder) {
  const auto flags = SharedLog("aws_docs_examples/vpcflow_v3_tcpflags.log");
  const auto five = SharedLog("aws_docs_examples/vpcflow_v5.log");
  if (!flags || !five) GTEST_SKIP() << kNoSharedLogs;
  Parsed parsed;
  ReadFile(*flags, parsed);
  EXPECT_EQ(parsed.events.size(), 8u);
  EXPECT_EQ(parsed.events[0][Number::kSize], 568);
  parsed.events.clear();
  ReadFile(*five, parsed);
  ASSERT_EQ(parsed.events.size(), 2u);
  const std::string row =
      std::regex_replace(Row(parsed.events[1]), std::regex("52(\\.[0-9]+){3}"), "203.0.113.9");
  EXPECT_EQ(row,
            "time=2021-03-26T03:28:12.000000000Z\n"
            "time_kind=Start Time\n"
            "account_id=123456789012\n"
            "region=ap-southeast-2\n"
            "source_ip=10.0.0.71\n"
            "destination_ip=203.0.113.9\n"
            "action=ACCEPT\n"
            "object_kind=network_interface\n"
            "object_name=eni-1235b8ca123456789\n"
            "outcome=success\n"
            "message=10.0.0.71:34210 to 203.0.113.9:80 (tcp) accepted, 7 packets, 471 bytes\n"
            "tags=protocol=tcp packets=7 tcp_flags=3 direction=egress "
            "instance=i-0c50d5961bcb2d47b vpc=vpc-abcdefab012345678 "
            "subnet=subnet-aaaaaaaa012345678 traffic_path=8 to_service=S3\n"
            "source_port=34210\n"
            "destination_port=80\n"
            "size=471\n"
            "duration_ns=57000000000\n");
}

TEST(VpcFlow, PassesOverUnknownColumns) {
  Stream stream;
  stream.header = "version srcaddr brand-new dstaddr action";
  Parsed parsed;
  testing::Parse(VpcFlowFormat(), "11 10.0.0.1 x 10.0.0.2 ACCEPT", parsed, stream);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_EQ(parsed.events[0][Text::kDestinationIp], "10.0.0.2");
}

TEST(VpcFlow, TellsOtherLinesAndBrokenOnesApart) {
  const std::pair<const char*, Outcome> cases[] = {
      {"2 123456789012 eni-1 10.0.0.5 203.0.113.7 40000 443 6 20 4249 1418530010 1418530070 ACCEPT",
       Outcome::kDamaged},
      {"2 123456789012 eni-1 10.0.0.5 203.0.113.7 x 443 6 20 4249 1418530010 1418530070 ACCEPT OK",
       Outcome::kNotMine},
      {"version account-id interface-id srcaddr dstaddr", Outcome::kSkipped},
      {"Nov 24 21:39:08 node sshd[1]: Accepted publickey for root", Outcome::kNotMine},
      {R"({"srcaddr":"10.0.0.1"})", Outcome::kNotMine},
      {"", Outcome::kNotMine}};
  for (const auto& [line, outcome] : cases) {
    Parsed parsed;
    testing::Parse(VpcFlowFormat(), line, parsed);
    EXPECT_EQ(parsed.outcome, outcome) << line;
  }
  EXPECT_EQ(VpcFlowFormat().Sniff("the interface OK of 1.2.3.4 was seen"), Match::kNo);
  EXPECT_EQ(VpcFlowFormat().Sniff("from 1.2.3.4 to 5.6.7.8"), Match::kMaybe);
}

TEST(VpcFlow, SurvivesEveryDamage) { testing::ParseEveryDamage(VpcFlowFormat(), kDefault); }

}  // namespace
}  // namespace ekshume::log::vpc_flow
