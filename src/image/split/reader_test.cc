// SPDX-License-Identifier: Apache-2.0
#include "image/split/reader.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "image/split/segments.h"
#include "image/test_support.h"

namespace ekshume::image::split {
namespace {

using testing::ReadText;
using testing::TemporaryFolder;
using enum DiagnosticCode;

// `content` in segments of `segment_bytes`, named by the numbers from `first`.
void WriteSegments(const TemporaryFolder& folder, const std::string& content, size_t segment_bytes,
                   const std::string& example, uint64_t first) {
  const auto name = ParseSegmentName(example);
  ASSERT_TRUE(name.has_value());
  for (size_t i = 0; i * segment_bytes < content.size(); ++i) {
    folder.Write(SegmentPath(*name, first + i), content.substr(i * segment_bytes, segment_bytes));
  }
}

class SplitTest : public ::testing::Test {
 protected:
  Result<OpenedImage> OpenSet(const std::string& name) {
    return image::Open(folder_.File(name), {.diagnostics = &diagnostics_});
  }

  TemporaryFolder folder_;
  DiagnosticSink diagnostics_;
  const std::string content_ = testing::MakeContent(100001, 4);
};

TEST_F(SplitTest, AnyMemberOpensTheWholeSet) {
  WriteSegments(folder_, content_, 10000, "disk.img.001", 1);
  for (const std::string name : {"disk.img.001", "disk.img.006", "disk.img.011"}) {
    const auto opened = OpenSet(name);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    EXPECT_EQ(opened->format, "split");
    ASSERT_EQ(opened->files.size(), 11U);
    EXPECT_EQ(opened->files[0], folder_.File("disk.img.001"));
    EXPECT_EQ(opened->files[10], folder_.File("disk.img.011"));
    EXPECT_EQ(opened->stored_bytes, content_.size());
    testing::ExpectRandomReadsMatch(*opened->image, content_, 1);
  }
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(SplitTest, NumbersFromZeroWideNumbersAndLetters) {
  WriteSegments(folder_, content_, 20000, "a.000", 0);
  WriteSegments(folder_, content_, 20000, "b.0001", 1);
  WriteSegments(folder_, content_, 2000, "c.aa", 0);
  for (const std::string name : {"a.003", "b.0002", "c.ab"}) {
    const auto opened = OpenSet(name);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    EXPECT_EQ(opened->format, "split");
    EXPECT_EQ(ReadText(*opened->image, 0, content_.size()), content_) << name;
  }
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(SplitTest, ACounterMayGrowPastItsWidth) {
  WriteSegments(folder_, content_.substr(0, 3030), 3, "disk.001", 1);
  const auto opened = OpenSet("disk.001");
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->files.size(), 1010U);
  EXPECT_EQ(opened->files.back(), folder_.File("disk.1010"));
  // More than limits::kMaxOpenSegments: the rest is opened when it is read.
  ASSERT_GT(opened->files.size(), limits::kMaxOpenSegments);
  EXPECT_EQ(ReadText(*opened->image, 0, 3030), content_.substr(0, 3030));
}

TEST_F(SplitTest, AMissingSegmentCostsOnlyItself) {
  WriteSegments(folder_, content_, 10000, "disk.001", 1);
  std::filesystem::remove(folder_.File("disk.004"));
  const auto opened = OpenSet("disk.002");
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(opened->image->size_bytes(), content_.size());
  EXPECT_EQ(opened->files.size(), 10U);
  EXPECT_EQ(ReadText(*opened->image, 20000, 10000), content_.substr(20000, 10000));
  EXPECT_EQ(ReadText(*opened->image, 40000, 60001), content_.substr(40000));
  const auto missing = ReadBytes(*opened->image, 29999, 2);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(opened->image->NextData(35000), 35000U);
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, kImageSegmentMissing);
  EXPECT_EQ(reported[0].offset_bytes, 30000U);
}

TEST_F(SplitTest, AMissingFirstSegmentIsNoticedToo) {
  WriteSegments(folder_, content_, 10000, "disk.001", 1);
  std::filesystem::remove(folder_.File("disk.001"));
  const auto opened = OpenSet("disk.002");
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(diagnostics_.Count(kImageSegmentMissing), 1U);
  EXPECT_EQ(ReadText(*opened->image, 10000, 10), content_.substr(10000, 10));
}

TEST_F(SplitTest, AShortSegmentKeepsTheOthersInPlace) {
  WriteSegments(folder_, content_, 10000, "disk.001", 1);
  std::filesystem::resize_file(folder_.File("disk.003"), 4000);
  const auto opened = OpenSet("disk.001");
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(diagnostics_.Count(kImageTruncated), 1U);
  EXPECT_EQ(ReadText(*opened->image, 20000, 4000), content_.substr(20000, 4000));
  EXPECT_FALSE(ReadBytes(*opened->image, 24000, 1).has_value());
  EXPECT_EQ(ReadText(*opened->image, 30000, 70001), content_.substr(30000));
}

TEST_F(SplitTest, FilesThatOnlyLookAlikeAreNoSet) {
  folder_.Write("disk.img", "one");
  folder_.Write("disk.raw", "two");
  folder_.Write("alone.001", "three");
  folder_.Write("log.2024", "four");
  folder_.Write("log.001", "five");
  for (const std::string name : {"disk.img", "alone.001", "log.2024"}) {
    const auto opened = OpenSet(name);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->format, "raw") << name;
  }
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(SplitTest, CompressedSegmentsAreRefusedWithAdvice) {
  folder_.Write("disk.gz.001", "\x1f\x8b\x08 and so on");
  folder_.Write("disk.gz.002", "more");
  const auto opened = OpenSet("disk.gz.001");
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(opened.error().message.find("join the parts first"), std::string::npos);
}

TEST_F(SplitTest, TheNumberOfSegmentsIsBounded) {
  for (size_t i = 1; i <= limits::kMaxSplitSegments + 1; ++i) {
    folder_.Write(SegmentPath({.base = "disk.", .width = 5}, i), "x");
  }
  const auto opened = Open(folder_.File("disk.00001"), {.diagnostics = &diagnostics_});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kLimit);
  EXPECT_NE(opened.error().message.find("kMaxSplitSegments"), std::string::npos);
}

TEST(SegmentNameTest, ParsesAndMakesNames) {
  EXPECT_EQ(ParseSegmentName("a/disk.img.042")->number, 42U);
  EXPECT_EQ(ParseSegmentName("a/disk.img.042")->base, "a/disk.img.");
  EXPECT_EQ(ParseSegmentName("x.ab")->number, 1U);
  for (const std::string_view name :
       {"disk", "disk.", "disk.01", "disk.0000001", "disk.a", "disk.abcd", "disk.a1", "disk.AB"}) {
    EXPECT_FALSE(ParseSegmentName(name).has_value()) << name;
  }
  EXPECT_EQ(SegmentPath({.base = "x.", .width = 2, .letters = true}, 27), "x.bb");
  EXPECT_EQ(SegmentPath({.base = "x.", .width = 3}, 1000), "x.1000");
}

}  // namespace
}  // namespace ekshume::image::split
