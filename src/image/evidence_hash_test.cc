// SPDX-License-Identifier: Apache-2.0
#include "image/evidence_hash.h"

#include <gtest/gtest.h>

#include "image/test_support.h"

namespace ekshume::image {
namespace {

using testing::TemporaryFolder;

std::string Hex(std::string_view content) { return ToHex(Sha256::Of(ByteView::Of(content))); }

TEST(EvidenceHashTest, OneFileIsItsOwnHash) {
  const TemporaryFolder folder;
  const std::string content = testing::MakeContent(5000001, 1);
  Progress progress;
  const auto hash = EvidenceHasher::Start({folder.Write("disk", content)}, &progress)->Wait();
  ASSERT_TRUE(hash.has_value()) << hash.error().message;
  EXPECT_EQ(ToHex(hash->sha256), Hex(content));
  ASSERT_EQ(hash->files.size(), 1U);
  EXPECT_EQ(hash->files[0].sha256, hash->sha256);
  EXPECT_FALSE(hash->files[0].changed);
  EXPECT_EQ(hash->size_bytes, content.size());
  EXPECT_EQ(progress.bytes(), content.size());
}

TEST(EvidenceHashTest, SeveralFilesAreOneStreamAndEachItsOwn) {
  const TemporaryFolder folder;
  const std::string content = testing::MakeContent(3000000, 2);
  const std::string first = folder.Write("a", content.substr(0, 1000001));
  const std::string second = folder.Write("b", content.substr(1000001));
  const auto hash = EvidenceHasher::Start({first, second})->Wait();
  ASSERT_TRUE(hash.has_value());
  EXPECT_EQ(ToHex(hash->sha256), Hex(content));
  EXPECT_EQ(ToHex(hash->files[0].sha256), Hex(content.substr(0, 1000001)));
  EXPECT_EQ(ToHex(hash->files[1].sha256), Hex(content.substr(1000001)));
}

TEST(EvidenceHashTest, HolesAreZeros) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("sparse", "begin");
  std::filesystem::resize_file(path, (32 << 20) + 5);
  std::string content = testing::ReadFile(path);
  ASSERT_EQ(content.size(), (32U << 20) + 5);
  const auto hash = EvidenceHasher::Start({path})->Wait();
  ASSERT_TRUE(hash.has_value());
  EXPECT_EQ(ToHex(hash->sha256), Hex(content));
}

TEST(EvidenceHashTest, FailuresNameTheFile) {
  const TemporaryFolder folder;
  const auto hash = EvidenceHasher::Start({folder.Write("a", "x"), folder.File("none")})->Wait();
  ASSERT_FALSE(hash.has_value());
  EXPECT_EQ(hash.error().code, ErrorCode::kNotFound);
  EXPECT_NE(hash.error().message.find("none"), std::string::npos);
}

TEST(EvidenceHashTest, CanBeCancelledOrDropped) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("sparse", "x");
  std::filesystem::resize_file(path, uint64_t{1} << 40);  // would take minutes
  {
    const auto dropped = EvidenceHasher::Start({path});
  }
  const auto hasher = EvidenceHasher::Start({path});
  hasher->Cancel();
  EXPECT_EQ(hasher->Wait().error().code, ErrorCode::kCancelled);
  Progress progress;
  progress.Cancel();
  EXPECT_EQ(EvidenceHasher::Start({path}, &progress)->Wait().error().code, ErrorCode::kCancelled);
}

TEST(EvidenceHashTest, ContentIsHashedWithoutReadingHoles) {
  const std::string content = testing::MakeContent(4000003, 5);
  const auto image = testing::MakeTextImage(content);
  const auto hash = HashContent(*image);
  ASSERT_TRUE(hash.has_value());
  EXPECT_EQ(ToHex(*hash), Hex(content));
  const auto truncated = MakeSlice(*image, 100, 5000000, "part");
  EXPECT_FALSE(HashContent(*truncated).has_value());
}

}  // namespace
}  // namespace ekshume::image
