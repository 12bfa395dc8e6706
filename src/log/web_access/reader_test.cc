// SPDX-License-Identifier: Apache-2.0
#include "log/web_access/reader.h"

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::web_access {
namespace {

using testing::kNoSharedLogs;
using testing::Number;
using testing::Parsed;
using testing::Row;
using testing::SharedLog;
using testing::Text;

constexpr std::string_view kCombined =
    "203.0.113.7 - alice [06/Feb/2019:00:00:38 +0100] \"GET /a?b=\\\"c HTTP/1.1\" 200 512 "
    "\"https://x.test/\" \"curl \\\"8\\\"\" 77 0.001 [shop-cart-80] [] 10.0.0.9:8080";
constexpr std::string_view kApplication =
    "https 2020-01-11T16:55:20.356586Z app/web/jf29 203.0.113.7:44325 10.0.0.9:32869 0.013 0.164 "
    "0.000 502 - 391 107999 \"POST https://x.test:443/login HTTP/1.1\" \"agent\" ECDHE TLSv1.2 arn";

event::Event Read(std::string_view line) {
  Parsed parsed;
  EXPECT_EQ(WebAccessFormat().Sniff(line), Match::kYes) << line;
  testing::Parse(WebAccessFormat(), line, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << line;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.size() == 1 ? parsed.events[0] : event::Event();
}

TEST(WebAccess, ReadsTheCombinedLogFormat) {
  EXPECT_EQ(Row(Read(kCombined)),
            "time=2019-02-05T23:00:38.000000000Z\n"
            "time_kind=Event Time\n"
            "user_name=alice\n"
            "source_ip=203.0.113.7\n"
            "user_agent=curl \\\"8\\\"\n"
            "action=GET\n"
            "object_kind=url\n"
            "object_name=/a?b=\\\"c\n"
            "outcome=success\n"
            "message=203.0.113.7 (alice) asked GET /a?b=\\\"c: 200\n"
            "tags=referer=https://x.test/\n"
            "status_code=200\n"
            "size=512\n");
}

TEST(WebAccess, ReadsTheCommonLogFormatAndOddRequests) {
  const event::Event common = Read("::1 - - [06/Feb/2019:00:00:38 +0000] \"GET / HTTP/1.0\" 404 -");
  EXPECT_EQ(common[Text::kOutcome], "failure");
  EXPECT_FALSE(common[Number::kSize]);
  const event::Event odd =
      Read(R"(203.0.113.7 - - [06/Feb/2019:00:00:38 +0000] "\x16\x03" x" 400 150 "-" "-")");
  EXPECT_EQ(odd[Text::kAction], R"(\x16\x03")");
  EXPECT_EQ(odd[Number::kStatusCode], 400);
  EXPECT_EQ(odd[Text::kUserAgent], "");
}

TEST(WebAccess, ReadsLoadBalancers) {
  EXPECT_EQ(Row(Read(kApplication)),
            "time=2020-01-11T16:55:20.356586000Z\n"
            "time_kind=Event Time\n"
            "source_ip=203.0.113.7\n"
            "destination_ip=10.0.0.9\n"
            "user_agent=agent\n"
            "action=POST\n"
            "object_kind=url\n"
            "object_name=https://x.test:443/login\n"
            "outcome=failure\n"
            "message=203.0.113.7 asked POST https://x.test:443/login: 502\n"
            "tags=balancer=app/web/jf29 received=391\n"
            "source_port=44325\n"
            "destination_port=32869\n"
            "status_code=502\n"
            "size=107999\n");
}

TEST(WebAccess, ReadsTheRealLoadBalancers) {
  const auto file = SharedLog("plaso/test_data/aws_elb_access.log");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  size_t count = 0;
  size_t connections = 0;
  for (size_t at = 0; at < file->size();) {
    const std::string_view line = std::string_view(*file).substr(at, file->find('\n', at) - at);
    at += line.size() + 1;
    if (line.empty()) continue;
    const event::Event event = Read(line);
    ++count;
    if (event[Text::kAction] == "connect") ++connections;
    EXPECT_TRUE(event.time) << line;
    EXPECT_TRUE(event[Number::kDestinationPort]) << line;
    EXPECT_GE(event[Number::kSize].value_or(0), 0) << line;
    EXPECT_NE(event[Text::kSourceIp], "") << line;
  }
  EXPECT_EQ(count, 16u);
  EXPECT_EQ(connections, 4u);  // two of TCP listeners, two of a Network Load Balancer
}

TEST(WebAccess, TellsOtherLinesAndBrokenOnesApart) {
  const std::pair<std::string_view, Outcome> cases[] = {
      {kCombined.substr(0, 70), Outcome::kDamaged},
      {kApplication.substr(0, 100), Outcome::kDamaged},
      {"2026-11-24T21:39:08Z INFO main: started", Outcome::kNotMine},
      {"2026-11-24T21:39:08Z INFO 10.0.0.1:80 connected", Outcome::kNotMine},
      {"x [06/Feb/2019:00:00:38 +0000] GET /", Outcome::kNotMine},
      {"tls handshake", Outcome::kNotMine},
      {"{}", Outcome::kNotMine},
      {"", Outcome::kNotMine}};
  for (const auto& [line, outcome] : cases) {
    Parsed parsed;
    testing::Parse(WebAccessFormat(), line, parsed);
    EXPECT_EQ(parsed.outcome, outcome) << line;
  }
}

TEST(WebAccess, SurvivesEveryDamage) {
  for (const std::string_view line :
       {kCombined, kApplication,
        std::string_view("tls 2.0 2022-04-01T08:51:42 net/n/c6e7 g3d4 203.0.113.7:51341 "
                         "10.0.0.9:443 5 2 98 246 - arn - ECDHE tlsv12 - n")}) {
    testing::ParseEveryDamage(WebAccessFormat(), line);
  }
}

}  // namespace
}  // namespace ekshume::log::web_access
