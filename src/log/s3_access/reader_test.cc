// SPDX-License-Identifier: Apache-2.0
#include "log/s3_access/reader.h"

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::s3_access {
namespace {

using testing::kNoSharedLogs;
using testing::Number;
using testing::Parsed;
using testing::Row;
using testing::SharedLog;
using testing::Text;

constexpr std::string_view kDenied =
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be bucket "
    "[06/Feb/2019:00:00:38 +0000] 203.0.113.7 arn:aws:sts::123456789012:assumed-role/node/i-0a "
    "3E57427F3EXAMPLE REST.GET.OBJECT a%20b/%25C3%25A4.txt \"GET /bucket/a%20b HTTP/1.1\" 403 "
    "AccessDenied 243 1024 7 - \"-\" \"agent \"x\" 1\" v1 host= SigV4 ECDHE AuthHeader "
    "bucket.s3.amazonaws.com TLSv1.3 - -";

TEST(S3Access, ReadsEveryField) {
  Parsed parsed;
  testing::Parse(S3AccessFormat(), kDenied, parsed);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_EQ(Row(parsed.events[0]),
            "time=2019-02-06T00:00:38.000000000Z\n"
            "identity=3E57427F3EXAMPLE/REST.GET.OBJECT/a%20b/%25C3%25A4.txt\n"
            "time_kind=Event Time\n"
            "user_name=i-0a\n"
            "user_arn=arn:aws:sts::123456789012:assumed-role/node/i-0a\n"
            "source_ip=203.0.113.7\n"
            "user_agent=agent \"x\" 1\n"
            "action=REST.GET.OBJECT\n"
            "object_kind=s3.amazonaws.com\n"
            "object_name=bucket/a b/\xc3\xa4.txt\n"
            "outcome=failure\n"
            "error=AccessDenied\n"
            "record_id=3E57427F3EXAMPLE\n"
            "message=i-0a called REST.GET.OBJECT (bucket/a b/\xc3\xa4.txt) from 203.0.113.7: 403 "
            "AccessDenied\n"
            "tags=requester_account=123456789012 version=v1 signature=SigV4 auth=AuthHeader\n"
            "status_code=403\n"
            "size=243\n"
            "duration_ns=7000000\n");
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
}

TEST(S3Access, ReadsTheDocumentedOnes) {
  const auto file = SharedLog("aws_docs_examples/s3_server_access.log");
  if (!file) GTEST_SKIP() << kNoSharedLogs;
  Parsed parsed;
  for (size_t at = 0; at < file->size();) {
    const std::string_view line = std::string_view(*file).substr(at, file->find('\n', at) - at);
    at += line.size() + 1;
    EXPECT_EQ(S3AccessFormat().Sniff(line), Match::kYes);
    testing::Parse(S3AccessFormat(), line, parsed);
    EXPECT_EQ(parsed.outcome, Outcome::kEvents) << line;
  }
  ASSERT_EQ(parsed.events.size(), 5u);
  EXPECT_EQ(parsed.events[2][Number::kStatusCode], 404);
  EXPECT_EQ(parsed.events[2][Text::kError], "NoSuchBucketPolicy");
  EXPECT_EQ(parsed.events[4][Text::kAction], "REST.PUT.OBJECT");
  EXPECT_EQ(parsed.events[4][Text::kObjectName], "DOC-EXAMPLE-BUCKET1/s3-dg.pdf");
  EXPECT_EQ(parsed.events[4][Number::kSize], 4406583);
  EXPECT_EQ(parsed.events[4][Text::kUserAgent], "S3Console/0.4");
}

TEST(S3Access, ReadsAnonymousAndOldLines) {
  const std::string line =
      std::string(64, 'a') +
      " b [06/Feb/2019:00:00:38 +0000] - - ID REST.HEAD.OBJECT k - - - - - - - \"-\" \"-\" -";
  Parsed parsed;
  testing::Parse(S3AccessFormat(), line, parsed);
  ASSERT_EQ(parsed.events.size(), 1u) << line;
  EXPECT_EQ(parsed.events[0][Text::kUserName], "anonymous");
  EXPECT_EQ(parsed.events[0][Text::kTags], "anonymous");
  EXPECT_EQ(parsed.events[0][Text::kOutcome], "unknown");
  EXPECT_EQ(parsed.events[0][Text::kUserAgent], "");
}

TEST(S3Access, TellsOtherLinesAndBrokenOnesApart) {
  Parsed parsed;
  testing::Parse(S3AccessFormat(), "10.0.0.1 - - [06/Feb/2019:00:00:38 +0000] \"GET / HTTP/1.1\"",
                 parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kNotMine);
  testing::Parse(S3AccessFormat(), kDenied.substr(0, 250), parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kDamaged);
}

TEST(S3Access, SurvivesEveryDamage) { testing::ParseEveryDamage(S3AccessFormat(), kDenied); }

}  // namespace
}  // namespace ekshume::log::s3_access
