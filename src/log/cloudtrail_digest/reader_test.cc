// SPDX-License-Identifier: Apache-2.0
#include "log/cloudtrail_digest/reader.h"

#include "log/cloudtrail_digest/digest.h"
#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::cloudtrail_digest {
namespace {

using testing::kNoSharedLogs;
using testing::Parsed;
using testing::Row;
using testing::SharedLog;

constexpr std::string_view kFirst =
    R"({"awsAccountId":"123456789012","digestStartTime":"2026-11-24T20:00:00Z",)"
    R"("digestEndTime":"2026-11-24T21:00:00Z","digestS3Bucket":"b","digestS3Object":)"
    R"("p/AWSLogs/123456789012/CloudTrail-Digest/eu-central-1/2026/11/24/d_20261124T210000Z.json.gz",)"
    R"("previousDigestS3Object":null,"logFiles":[{"s3Object":"l1.json.gz","hashValue":"aa"},)"
    R"({"s3Object":"l2.json.gz","hashValue":"bb"}]})";

TEST(Digest, ReadsADigestWithoutPredecessor) {
  Parsed parsed;
  testing::Parse(DigestFormat(), kFirst, parsed);
  ASSERT_EQ(parsed.outcome, Outcome::kEvents);
  ASSERT_EQ(parsed.events.size(), 1u);
  EXPECT_EQ(Row(parsed.events[0]),
            "time=2026-11-24T21:00:00.000000000Z\n"
            "identity=b/p/AWSLogs/123456789012/CloudTrail-Digest/eu-central-1/2026/11/24/"
            "d_20261124T210000Z.json.gz\n"
            "time_kind=End Time\n"
            "account_id=123456789012\n"
            "region=eu-central-1\n"
            "action=DeliverDigest\n"
            "object_kind=digest\n"
            "object_name=b/p/AWSLogs/123456789012/CloudTrail-Digest/eu-central-1/2026/11/24/"
            "d_20261124T210000Z.json.gz\n"
            "record_id=d_20261124T210000Z.json.gz\n"
            "message=CloudTrail delivered 2 log files from 2026-11-24T20:00:00Z to "
            "2026-11-24T21:00:00Z; logging began, or began again, with this digest\n"
            "tags=start=2026-11-24T20:00:00Z files=2 first_digest\n"
            "duration_ns=3600000000000\n");
}

TEST(Digest, ReadsTheDocumentedOnes) {
  for (const int number : {1, 2}) {
    const auto file =
        SharedLog("aws_docs_examples/cloudtrail_digest_" + std::to_string(number) + ".json");
    if (!file) GTEST_SKIP() << kNoSharedLogs;
    EXPECT_EQ(DigestFormat().Sniff(*file), Match::kYes);
    Parsed parsed;
    testing::Parse(DigestFormat(), *file, parsed);
    ASSERT_EQ(parsed.events.size(), 1u);
    const event::Event& event = parsed.events[0];
    EXPECT_EQ(event[event::Text::kRegion], "us-east-2");
    EXPECT_EQ(event[event::Text::kAccountId], "111122223333");
    EXPECT_EQ(event[event::Number::kDurationNs], int64_t{3600} * 1000000000);
    EXPECT_TRUE(event[event::Text::kTags].contains(number == 1 ? "files=1" : "files=0"));
  }
}

TEST(Digest, TellsOtherJsonAndBrokenRecordsApart) {
  Parsed parsed;
  testing::Parse(DigestFormat(), R"({"eventName":"x"})", parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kNotMine);
  EXPECT_EQ(DigestFormat().Sniff(R"({"eventName":"x"})"), Match::kNo);
  testing::Parse(DigestFormat(), kFirst.substr(0, 300), parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kDamaged);
}

TEST(Digest, SurvivesEveryDamage) { testing::ParseEveryDamage(DigestFormat(), kFirst); }

}  // namespace
}  // namespace ekshume::log::cloudtrail_digest
