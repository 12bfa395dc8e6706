// SPDX-License-Identifier: Apache-2.0
#include "image/image.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/limits.h"
#include "image/decoded_cache.h"
#include "image/patched_image.h"
#include "image/test_support.h"

namespace ekshume::image {
namespace {

using testing::MakeContent;
using testing::MakeTextImage;
using testing::ReadText;

// Claims 2^60 bytes; only the first are there. Counts what it is asked for.
class HugeImage final : public Image {
 public:
  uint64_t size_bytes() const override { return uint64_t{1} << 60; }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    asked_bytes += out.size();
    if (offset_bytes + out.size() > kThere) return Fail(ErrorCode::kCorrupt, "not there");
    std::ranges::fill(out, std::byte{7});
    return {};
  }

  static constexpr uint64_t kThere = 100000;
  mutable std::atomic<uint64_t> asked_bytes = 0;

 private:
  const std::string name_ = "huge";
};

TEST(ImageTest, ReadsStayInside) {
  const auto image = MakeTextImage("0123456789", "disk");
  EXPECT_EQ(ReadText(*image, 3, 4), "3456");
  EXPECT_EQ(ReadText(*image, 10, 0), "");
  for (const auto& [offset, length] :
       {std::pair<uint64_t, size_t>{7, 4}, {11, 0}, {UINT64_MAX, 1}, {1, SIZE_MAX}}) {
    const auto read = ReadBytes(*image, offset, length);
    ASSERT_FALSE(read.has_value()) << offset;
    EXPECT_EQ(read.error().code, ErrorCode::kOutOfRange);
    EXPECT_NE(read.error().message.find("disk"), std::string::npos);
  }
}

TEST(ImageTest, SlicesAreWindows) {
  const auto base = MakeTextImage("0123456789");
  const auto slice = MakeSlice(*base, 2, 5, "part");
  EXPECT_EQ(slice->size_bytes(), 5U);
  EXPECT_EQ(ReadText(*slice, 1, 4), "3456");
  EXPECT_EQ(ReadBytes(*slice, 1, 5).error().code, ErrorCode::kOutOfRange);
}

TEST(ImageTest, ASliceMayReachPastATruncatedBase) {
  const auto base = MakeTextImage("0123456789");
  const auto slice = MakeSlice(*base, 8, 100, "part");
  EXPECT_EQ(slice->size_bytes(), 100U);
  EXPECT_EQ(ReadText(*slice, 0, 2), "89");
  EXPECT_FALSE(ReadBytes(*slice, 0, 3).has_value());
  // What is missing is not known to be zero.
  for (const uint64_t offset : {0U, 2U, 50U, 99U}) EXPECT_EQ(slice->NextData(offset), offset);
  const auto beyond = MakeSlice(*base, UINT64_MAX - 1, 100, "part");
  EXPECT_FALSE(ReadBytes(*beyond, 5, 1).has_value());
  EXPECT_EQ(beyond->NextData(50), 50U);
}

TEST(ImageTest, TheCacheGivesTheSameBytesToManyThreads) {
  const std::string content = MakeContent(3 << 20, 1);
  const auto base = MakeTextImage(content);
  const auto cached = MakeCached(*base);
  constexpr uint32_t kThreads = 2;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (uint32_t seed = 0; seed < kThreads; ++seed) {
    threads.emplace_back([&, seed] { testing::ExpectRandomReadsMatch(*cached, content, seed); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ReadText(*cached, content.size() - 10, 10), content.substr(content.size() - 10));
  EXPECT_FALSE(ReadBytes(*cached, content.size() - 1, 2).has_value());
}

TEST(ImageTest, TheCacheReadsWhatIsThereOfADamagedBlock) {
  const HugeImage base;
  const auto cached = MakeCached(base);
  // The block that holds the end of what is there cannot be read whole.
  EXPECT_EQ(ReadText(*cached, HugeImage::kThere - 3, 3), "\x07\x07\x07");
  EXPECT_EQ(ReadBytes(*cached, HugeImage::kThere - 3, 4).error().code, ErrorCode::kCorrupt);
}

TEST(ImageTest, TheCacheIsBounded) {
  // Endless zeros, twice as many of them read as the cache may hold.
  class ZeroImage final : public Image {
   public:
    uint64_t size_bytes() const override { return 2 * uint64_t{limits::kCacheBytes}; }
    const std::string& name() const override { return name_; }
    Result<void> ReadAt(uint64_t /*offset_bytes*/, std::span<std::byte> out) const override {
      asked_bytes += out.size();
      std::ranges::fill(out, std::byte{0});
      return {};
    }
    mutable uint64_t asked_bytes = 0;

   private:
    const std::string name_ = "zeros";
  };
  const ZeroImage base;
  const auto cached = MakeCached(base);
  const uint64_t blocks = base.size_bytes() / limits::kCacheBlockBytes;
  for (uint64_t block = 0; block < blocks; ++block) {
    ReadText(*cached, block * limits::kCacheBlockBytes, 1);
  }
  ASSERT_EQ(base.asked_bytes, base.size_bytes()) << "each block once";
  // The newest first: what is still there is not asked for again.
  base.asked_bytes = 0;
  for (uint64_t block = blocks; block-- > 0;) {
    ReadText(*cached, block * limits::kCacheBlockBytes, 1);
  }
  const uint64_t kept_bytes = base.size_bytes() - base.asked_bytes;
  EXPECT_GT(kept_bytes, 0U);
  EXPECT_LE(kept_bytes, limits::kCacheBytes);
}

TEST(ImageTest, TheCacheOfFetchedBlocksIsBounded) {
  constexpr size_t kBlockBytes = size_t{512} << 10;  // of an EBS snapshot
  constexpr uint64_t kBlocks = 2 * limits::kFetchedCacheBytes / kBlockBytes;
  uint64_t fetched = 0;
  DecodedCache cache(limits::kFetchedCacheBytes, [&](uint64_t) {
    ++fetched;
    return Result<std::vector<std::byte>>(std::vector<std::byte>(kBlockBytes));
  });
  for (uint64_t block = 0; block < kBlocks; ++block) ASSERT_TRUE(cache.Get(block));
  ASSERT_EQ(fetched, kBlocks);
  // The newest first: what is still there is not fetched again.
  for (uint64_t block = kBlocks; block-- > 0;) ASSERT_TRUE(cache.Get(block));
  EXPECT_EQ(fetched - kBlocks, kBlocks / 2);
}

TEST(ImageTest, AHugeApparentSizeCostsNothing) {
  const HugeImage base;
  const auto cached = MakeCached(base);
  const auto slice = MakeSlice(*cached, uint64_t{1} << 50, uint64_t{1} << 59, "part");
  EXPECT_FALSE(ReadBytes(*slice, 12345, 16).has_value());
  EXPECT_LE(base.asked_bytes, 2 * limits::kCacheBlockBytes);
  EXPECT_FALSE(ReadBytes(*slice, 0, SIZE_MAX).has_value());
}

TEST(PatchedImageTest, ReplacesBytesWithoutTouchingTheBase) {
  std::string content = MakeContent(8192, 3);
  const auto base = MakeTextImage(content);
  PatchedImage patched(*base);
  ASSERT_TRUE(patched.Patch(1000, ByteView::Of(std::string(100, 'a'))).has_value());
  ASSERT_TRUE(patched.Patch(1050, ByteView::Of(std::string(2000, 'b'))).has_value());
  std::string expected = content;
  expected.replace(1000, 100, std::string(100, 'a'));
  expected.replace(1050, 2000, std::string(2000, 'b'));
  EXPECT_EQ(ReadText(patched, 0, 8192), expected);
  EXPECT_EQ(ReadText(patched, 1099, 3), "bbb");
  EXPECT_EQ(ReadText(patched, 1049, 1), "a");
  EXPECT_EQ(ReadText(*base, 0, 8192), content);
  EXPECT_EQ(patched.patched_sector_count(), 5U);
}

TEST(PatchedImageTest, RefusesPatchesPastTheEnd) {
  const auto base = MakeTextImage(std::string(1000, 'x'));
  PatchedImage patched(*base);
  EXPECT_EQ(patched.Patch(999, ByteView::Of("ab")).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(patched.Patch(UINT64_MAX, ByteView::Of("ab")).error().code, ErrorCode::kOutOfRange);
  // The last sector is short.
  ASSERT_TRUE(patched.Patch(999, ByteView::Of("y")).has_value());
  EXPECT_EQ(ReadText(patched, 998, 2), "xy");
}

TEST(PatchedImageTest, MemoryIsBounded) {
  const HugeImage base;
  PatchedImage patched(base);
  const std::string piece(size_t{1} << 20, 'z');
  uint64_t offset = 0;
  Result<void> result;
  while ((result = patched.Patch(offset, ByteView::Of(piece))).has_value()) offset += piece.size();
  EXPECT_EQ(result.error().code, ErrorCode::kLimit);
  EXPECT_EQ(offset, limits::kMaxReplayBytes);
}

}  // namespace
}  // namespace ekshume::image
