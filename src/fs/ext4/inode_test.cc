// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/inode.h"

#include <gtest/gtest.h>

namespace ekshume::fs::ext4 {
namespace {

struct TimeCase {
  std::string name;
  uint32_t seconds;
  uint32_t extra;
  int64_t expected_seconds;
  uint32_t expected_nanoseconds;
};
void PrintTo(const TimeCase& test, std::ostream* out) { *out << test.name; }

class TimeTest : public ::testing::TestWithParam<TimeCase> {};

TEST_P(TimeTest, DecodesAsTheKernel) {
  const Timestamp time = DecodeTime(GetParam().seconds, GetParam().extra);
  EXPECT_EQ(time.seconds, GetParam().expected_seconds);
  EXPECT_EQ(time.nanoseconds, GetParam().expected_nanoseconds);
}

// The table of the kernel's fs/ext4/inode-test.c: which dates the bounds of 32 signed bits and two
// epoch bits are.
INSTANTIATE_TEST_SUITE_P(
    KernelTable, TimeTest,
    ::testing::Values(TimeCase{"a1901_12_13_lower_msb1_epoch0", 0x80000000, 0, -0x80000000LL, 0},
                      TimeCase{"a1969_12_31_upper_msb1_epoch0", 0xFFFFFFFF, 0, -1, 0},
                      TimeCase{"a1970_01_01_lower_msb0_epoch0", 0, 0, 0, 0},
                      TimeCase{"a2038_01_19_upper_msb0_epoch0", 0x7FFFFFFF, 0, 0x7FFFFFFFLL, 0},
                      TimeCase{"a2038_01_19_lower_msb1_epoch1", 0x80000000, 1, 0x80000000LL, 0},
                      TimeCase{"a2106_02_07_upper_msb1_epoch1", 0xFFFFFFFF, 1, 0xFFFFFFFFLL, 0},
                      TimeCase{"a2106_02_07_lower_msb0_epoch1", 0, 1, 0x100000000LL, 0},
                      TimeCase{"a2174_02_25_upper_msb0_epoch1", 0x7FFFFFFF, 1, 0x17FFFFFFFLL, 0},
                      TimeCase{"a2174_02_25_lower_msb1_epoch2", 0x80000000, 2, 0x180000000LL, 0},
                      TimeCase{"a2242_03_16_upper_msb1_epoch2", 0xFFFFFFFF, 2, 0x1FFFFFFFFLL, 0},
                      TimeCase{"a2242_03_16_lower_msb0_epoch2", 0, 2, 0x200000000LL, 0},
                      TimeCase{"a2310_04_04_upper_msb0_epoch2", 0x7FFFFFFF, 2, 0x27FFFFFFFLL, 0},
                      TimeCase{"one_nanosecond", 0x7FFFFFFF, 6, 0x27FFFFFFFLL, 1},
                      TimeCase{"most_nanoseconds", 0x80000000, 3 | 999999999U << 2, 0x280000000LL,
                               999999999},
                      TimeCase{"a2378_04_22_lower_msb1_epoch3", 0x80000000, 3, 0x280000000LL, 0},
                      TimeCase{"a2378_04_22_upper_msb1_epoch3", 0xFFFFFFFF, 3, 0x2FFFFFFFFLL, 0},
                      TimeCase{"a2378_04_22_lower_msb0_epoch3", 0, 3, 0x300000000LL, 0},
                      TimeCase{"a2446_05_10_upper_msb0_epoch3", 0x7FFFFFFF, 3, 0x37FFFFFFFLL, 0},
                      TimeCase{"damaged_nanoseconds", 1, 0xFFFFFFFC, 1, 999999999}),
    [](const auto& parameter) { return parameter.param.name; });

Geometry SmallGeometry() {
  Geometry geometry;
  geometry.block_bytes = 1024;
  geometry.block_count = 4096;
  geometry.inode_bytes = 256;
  return geometry;
}

std::string RawInode(const InodeCore& core, const InodeExtra& extra) {
  std::string raw(AsBytes(core).AsText());
  raw += AsBytes(extra).AsText();
  raw.resize(256);
  return raw;
}

TEST(InodeTest, JoinsTheHalvesOfWideFields) {
  InodeCore core{};
  core.i_mode = le16::Of(0100644);
  core.i_uid = le16::Of(0x1234);
  core.i_uid_high = le16::Of(0x5678);
  core.i_gid_high = le16::Of(1);
  core.i_size_lo = le32::Of(7);
  core.i_size_high = le32::Of(1);
  core.i_blocks_lo = le32::Of(3);
  core.i_blocks_high = le16::Of(1);
  const std::string raw = RawInode(core, {});
  Geometry geometry = SmallGeometry();
  auto inode = ParseInode(geometry, InodeNumber{12}, ByteView::Of(raw)).value();
  EXPECT_EQ(inode.uid, 0x56781234U);
  EXPECT_EQ(inode.gid, 0x10000U);
  EXPECT_EQ(inode.size_bytes, 0x100000007U);
  EXPECT_EQ(inode.sectors, 3U) << "without huge_file the upper half means nothing";
  geometry.ro_compat = kRoCompatHugeFile;
  core.i_flags = le32::Of(kInodeHugeFile);
  inode = ParseInode(geometry, InodeNumber{12}, ByteView::Of(RawInode(core, {}))).value();
  EXPECT_EQ(inode.sectors, 0x100000003U * 2) << "counted in blocks";
}

TEST(InodeTest, TakesTheUpperSizeOfDirectoriesOnlyWithLargeDir) {
  InodeCore core{};
  core.i_mode = le16::Of(0040755);
  core.i_size_high = le32::Of(1);
  const std::string raw = RawInode(core, {});
  Geometry geometry = SmallGeometry();
  EXPECT_EQ(ParseInode(geometry, InodeNumber{2}, ByteView::Of(raw))->size_bytes, 0U);
  geometry.incompat = kIncompatLargeDir;
  EXPECT_EQ(ParseInode(geometry, InodeNumber{2}, ByteView::Of(raw))->size_bytes, 1ULL << 32);
}

TEST(InodeTest, UsesExtraFieldsAsFarAsTheyGo) {
  InodeCore core{};
  core.i_mode = le16::Of(0100644);
  core.i_mtime = le32::Of(10);
  InodeExtra extra{};
  extra.i_mtime_extra = le32::Of(5 << 2);
  extra.i_crtime = le32::Of(20);
  const auto parse = [&](uint16_t extra_isize) {
    extra.i_extra_isize = le16::Of(extra_isize);
    return ParseInode(SmallGeometry(), InodeNumber{12}, ByteView::Of(RawInode(core, extra)));
  };
  EXPECT_EQ(parse(8)->modified, (Timestamp{10, 0}));
  EXPECT_EQ(parse(12)->modified, (Timestamp{10, 5}));
  EXPECT_FALSE(parse(16)->created.has_value());
  EXPECT_EQ(parse(20)->created, (Timestamp{20, 0}));
  EXPECT_EQ(parse(0)->created, (Timestamp{20, 0})) << "0 stands for all of them";
  EXPECT_EQ(parse(132).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(parse(30).error().code, ErrorCode::kCorrupt);
}

TEST(InodeTest, DecodesBothEncodingsOfDevices) {
  InodeCore core{};
  core.i_mode = le16::Of(0020600);
  CopyBytes(core.i_block, AsBytes(le32::Of(0x0803)));
  Stat stat = MakeStat(
      SmallGeometry(),
      ParseInode(SmallGeometry(), InodeNumber{12}, ByteView::Of(RawInode(core, {}))).value());
  EXPECT_EQ(stat.device_major, 8U);
  EXPECT_EQ(stat.device_minor, 3U);
  core.i_block = {};
  CopyBytes(std::span(core.i_block).subspan(4), AsBytes(le32::Of(0xABC1FF5D)));
  stat = MakeStat(
      SmallGeometry(),
      ParseInode(SmallGeometry(), InodeNumber{12}, ByteView::Of(RawInode(core, {}))).value());
  EXPECT_EQ(stat.device_major, 0x1FFU & 0xFFF);
  EXPECT_EQ(stat.device_minor, 0xABC5DU - 0x0U);
}

TEST(InodeTest, RefusesAShortInode) {
  EXPECT_EQ(ParseInode(SmallGeometry(), InodeNumber{2}, ByteView::Of("short")).error().code,
            ErrorCode::kOutOfRange);
}

}  // namespace
}  // namespace ekshume::fs::ext4
