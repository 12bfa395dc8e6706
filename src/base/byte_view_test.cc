// SPDX-License-Identifier: Apache-2.0
#include "base/byte_view.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "base/checked.h"
#include "base/endian.h"

namespace ekshume {
namespace {

struct OnDisk {
  le16 a;
  be32 b;
};
static_assert(sizeof(OnDisk) == 6 && alignof(OnDisk) == 1);

TEST(ByteViewTest, ReadsStructsAtAnyOffset) {
  const ByteView view = ByteView::Of("x\x01\x02\x03\x04\x05\x06y");
  const auto read = view.Read<OnDisk>(1);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->a.value(), 0x0201);
  EXPECT_EQ(read->b.value(), 0x03040506U);
}

TEST(ByteViewTest, RefusesEveryReadThatDoesNotFit) {
  const ByteView view = ByteView::Of("12345678");
  EXPECT_TRUE(view.Read<OnDisk>(2).has_value());
  for (const size_t offset : {size_t{3}, size_t{8}, size_t{9}, SIZE_MAX, SIZE_MAX - 5}) {
    const auto read = view.Read<OnDisk>(offset);
    ASSERT_FALSE(read.has_value()) << offset;
    EXPECT_EQ(read.error().code, ErrorCode::kOutOfRange);
  }
  EXPECT_FALSE(ByteView().Read<le16>(0).has_value());
}

TEST(ByteViewTest, CutsSubViews) {
  const ByteView view = ByteView::Of("abcdef");
  EXPECT_EQ(view.Sub(2, 3)->AsText(), "cde");
  EXPECT_EQ(view.Sub(6, 0)->size(), 0U);
  EXPECT_FALSE(view.Sub(7, 0).has_value());
  EXPECT_FALSE(view.Sub(1, SIZE_MAX).has_value());
  EXPECT_FALSE(view.Sub(SIZE_MAX, 2).has_value());
  EXPECT_EQ(view.From(4).AsText(), "ef");
  EXPECT_TRUE(view.From(6).empty());
  EXPECT_TRUE(view.From(SIZE_MAX).empty());
  EXPECT_EQ(view.First(2).AsText(), "ab");
  EXPECT_EQ(view.First(99).AsText(), "abcdef");
}

TEST(ByteViewTest, SaysWhatWasReadWhere) {
  const auto read = ByteView::Of("ab").Read<be64>(0x10);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().message, "read of 8 bytes at 0x10 is outside a structure of 2 bytes");
}

TEST(ByteViewTest, CopiesIntoWritableMemory) {
  std::string text = "......";
  CopyBytes(AsWritableBytes(text), ByteView::Of("abc"));
  EXPECT_EQ(text, "abc...");
  CopyBytes({}, ByteView());
}

TEST(ByteViewDeathTest, CopyingMoreThanFitsIsABug) {
  std::array<std::byte, 2> small{};
  EXPECT_DEATH(CopyBytes(small, ByteView::Of("abc")), "bug");
}

TEST(EndianTest, ReadsAndMakesBothOrders) {
  EXPECT_EQ((le64{{1, 2, 3, 4, 5, 6, 7, 8}}.value()), 0x0807060504030201U);
  EXPECT_EQ((be64{{1, 2, 3, 4, 5, 6, 7, 8}}.value()), 0x0102030405060708U);
  EXPECT_EQ((be16{{0xAB, 0xCD}}.value()), 0xABCD);
  EXPECT_EQ((le32{{0xFF, 0, 0, 0x80}}.value()), 0x800000FFU);
  EXPECT_EQ(be32::Of(0x11223344).bytes, (std::array<unsigned char, 4>{0x11, 0x22, 0x33, 0x44}));
  EXPECT_EQ(le16::Of(0x1122).bytes, (std::array<unsigned char, 2>{0x22, 0x11}));
  EXPECT_EQ(be64::Of(UINT64_MAX - 1).value(), UINT64_MAX - 1);
}

TEST(CheckedTest, YieldsNothingInsteadOfAnOverflow) {
  EXPECT_EQ(CheckedAdd<uint64_t>(UINT64_MAX, 0), UINT64_MAX);
  EXPECT_EQ(CheckedAdd<uint64_t>(UINT64_MAX, 1), std::nullopt);
  EXPECT_EQ(CheckedAdd<int64_t>(INT64_MIN, -1), std::nullopt);
  EXPECT_EQ((CheckedMultiply<uint64_t>(uint64_t{1} << 32, uint64_t{1} << 31)), uint64_t{1} << 63);
  EXPECT_EQ((CheckedMultiply<uint64_t>(uint64_t{1} << 32, uint64_t{1} << 32)), std::nullopt);
  EXPECT_EQ(CheckedMultiply<uint32_t>(0x10000, 0x10000), std::nullopt);
  EXPECT_EQ(CheckedMultiply<int32_t>(INT32_MIN, -1), std::nullopt);
}

TEST(CheckedTest, RangeFitsAtItsEdges) {
  EXPECT_TRUE(RangeFits(0U, 0U, 0U));
  EXPECT_TRUE(RangeFits(uint64_t{0}, UINT64_MAX, UINT64_MAX));
  EXPECT_TRUE(RangeFits(UINT64_MAX, uint64_t{0}, UINT64_MAX));
  EXPECT_FALSE(RangeFits(UINT64_MAX, uint64_t{1}, UINT64_MAX));
  EXPECT_FALSE(RangeFits(uint64_t{1}, UINT64_MAX, UINT64_MAX));
  EXPECT_FALSE(RangeFits(11U, 0U, 10U));
}

}  // namespace
}  // namespace ekshume
