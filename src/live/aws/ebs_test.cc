// SPDX-License-Identifier: Apache-2.0
#include "live/aws/ebs.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/hash.h"
#include "live/aws/s3.h"
#include "live/http/testing_transport.h"

namespace ekshume::live::aws {
namespace {

using testing::HasSubstr;

class EbsTest : public testing::Test {
 protected:
  EbsTest() : source_(Credentials{"A", "s", "", {}, "test"}) {
    ClientSettings settings;
    settings.region = "eu-central-1";
    settings.max_attempts = 2;
    settings.wait = [](std::chrono::milliseconds) {};
    settings.diagnostics = &diagnostics_;
    client_ = std::make_unique<Client>(transport_, source_, settings);
  }
  http::TestTransport transport_;
  FixedCredentials source_;
  DiagnosticSink diagnostics_;
  std::unique_ptr<Client> client_;
};

TEST_F(EbsTest, ListsPageByPage) {
  transport_.Add(
      200,
      R"({"VolumeSize":1,"BlockSize":524288,"NextToken":"n","Blocks":[{"BlockIndex":0,"BlockToken":"a"},{"BlockIndex":7,"BlockToken":"b"}]})");
  transport_.Add(
      200,
      R"({"VolumeSize":1,"BlockSize":524288,"Blocks":[{"BlockIndex":2047,"BlockToken":"c"}]})");
  const auto table = ListSnapshotBlocks(*client_, "snap-1");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->size(), 3U);
  EXPECT_EQ(table->volume_bytes(), uint64_t{1} << 30);
  EXPECT_EQ(table->token(*table->Find(2047)), "c");
  EXPECT_EQ(table->Find(1), std::nullopt);
  EXPECT_EQ(table->FirstFrom(1), 7U);
  EXPECT_EQ(table->FirstFrom(2048), std::nullopt);
  EXPECT_THAT(transport_.requests[1].url, HasSubstr("pageToken=n"));
}

TEST_F(EbsTest, RefusesListsThatMakeNoSense) {
  for (
      const char* body :
      {R"({"VolumeSize":1,"BlockSize":524288,"Blocks":[{"BlockIndex":2048,"BlockToken":"a"}]})",
       R"({"VolumeSize":1,"BlockSize":524288,"Blocks":[{"BlockIndex":-1,"BlockToken":"a"}]})",
       R"({"VolumeSize":1,"BlockSize":524288,"Blocks":[{"BlockIndex":5,"BlockToken":""}]})",
       R"({"VolumeSize":1,"BlockSize":524288,"Blocks":[{"BlockIndex":5,"BlockToken":"a"},{"BlockIndex":5,"BlockToken":"a"}]})",
       R"({"VolumeSize":1,"BlockSize":500000,"Blocks":[]})",
       R"({"VolumeSize":0,"BlockSize":524288})", R"({"VolumeSize":-9,"BlockSize":524288})", "[]",
       "{", "<xml/>"}) {
    transport_.Add(200, body);
    const auto table = ListSnapshotBlocks(*client_, "snap-1");
    ASSERT_FALSE(table) << body;
    EXPECT_EQ(table.error().code, ErrorCode::kCorrupt) << body;
  }
  transport_.Add(200, R"({"VolumeSize":99999999,"BlockSize":524288})");
  EXPECT_EQ(ListSnapshotBlocks(*client_, "snap-1").error().code, ErrorCode::kLimit);
}

TEST_F(EbsTest, VerifiesBlocks) {
  const std::string block(4096, 'x');
  const http::Headers headers = {
      {"x-amz-checksum", EncodeBase64(ByteView(Sha256::Of(ByteView::Of(block))))},
      {"x-amz-checksum-algorithm", "SHA256"}};
  transport_.Add(200, std::string(4096, 'y'), headers);
  transport_.Add(200, block, headers);
  EXPECT_EQ(*GetSnapshotBlock(*client_, "snap-1", 3, "t", 4096), block) << "asked again";
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kAcquireRetried), 1U);
  for (int i = 0; i < 4; ++i) transport_.Add(200, block, {});
  const auto without = GetSnapshotBlock(*client_, "snap-1", 3, "t", 4096);
  ASSERT_FALSE(without) << "a block without a checksum is not taken";
  EXPECT_EQ(without.error().code, ErrorCode::kCorrupt);
  for (int i = 0; i < 4; ++i) transport_.Add(200, block, headers);
  EXPECT_FALSE(GetSnapshotBlock(*client_, "snap-1", 3, "t", 8192)) << "of another length";
}

TEST_F(EbsTest, ListsWhatChanged) {
  transport_.Add(
      200,
      R"({"VolumeSize":1,"BlockSize":524288,"ChangedBlocks":[{"BlockIndex":9,"SecondBlockToken":"b"},{"BlockIndex":2,"FirstBlockToken":"a"}]})");
  const auto changed = ListChangedBlocks(*client_, "snap-1", "snap-2");
  ASSERT_TRUE(changed);
  ASSERT_EQ(changed->blocks.size(), 2U);
  EXPECT_EQ(changed->blocks[0].index, 2U);
  EXPECT_EQ(changed->blocks[0].second_token, "");
  EXPECT_THAT(transport_.requests[0].url,
              HasSubstr("/snapshots/snap-2/changedblocks?firstSnapshotId=snap-1"));
}

TEST(S3Url, IsTakenApart) {
  const auto place = ParseS3Url("s3://bucket-1/a/b c");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->bucket, "bucket-1");
  EXPECT_EQ(place->key, "a/b c");
  EXPECT_EQ(ParseS3Url("s3://bucket-1")->key, "");
  for (const char* url : {"", "s3://", "s3://x", "http://bucket/", "s3://a b c/", "s3://a@b/"}) {
    EXPECT_FALSE(ParseS3Url(url)) << url;
  }
}

TEST_F(EbsTest, BucketsHaveHostsOfTheirOwnAtAws) {
  EXPECT_EQ(TargetOf(*client_, "evidence")->host, "evidence.s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(TargetOf(*client_, "evidence.corp")->path_prefix, "/evidence.corp");
}

}  // namespace
}  // namespace ekshume::live::aws
