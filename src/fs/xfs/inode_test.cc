// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/inode.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "fs/xfs/attribute.h"
#include "fs/xfs/checksum.h"

namespace ekshume::fs::xfs {
namespace {

// An inode whose mtime has these on-disk bits.
Stat StatWithTime(uint64_t raw, bool bigtime) {
  Superblock sb;
  Inode inode;
  inode.has_v3 = true;
  inode.core.di_version = 3;
  inode.core.di_mtime = be64::Of(raw);
  inode.core.di_flags2 = be64::Of(bigtime ? kDiflag2Bigtime : 0);
  return StatOf(sb, inode);
}

TEST(XfsInodeTest, DecodesLegacyTimes) {
  EXPECT_EQ(StatWithTime(0, false).modified, (Timestamp{0, 0}));
  EXPECT_EQ(StatWithTime(0x7fffffff3b9ac9ff, false).modified, (Timestamp{2147483647, 999999999}));
  EXPECT_EQ(StatWithTime(0xffffffff00000001, false).modified, (Timestamp{-1, 1}));
  EXPECT_EQ(StatWithTime(0x8000000000000000, false).modified, (Timestamp{-2147483648, 0}));
  EXPECT_LT(StatWithTime(0xffffffff, false).modified.nanoseconds, 1000000000U);
}

// Values of the kernel's documentation: the counter begins at -2^31 seconds and ends in July 2486.
TEST(XfsInodeTest, DecodesBigtime) {
  constexpr uint64_t kSecond = 1000000000;
  EXPECT_EQ(StatWithTime(0, true).modified, (Timestamp{-2147483648, 0}));
  EXPECT_EQ(StatWithTime((uint64_t{1} << 31) * kSecond, true).modified, (Timestamp{0, 0}));
  EXPECT_EQ(StatWithTime((uint64_t{1} << 31) * kSecond - 1, true).modified,
            (Timestamp{-1, 999999999}));
  EXPECT_EQ(StatWithTime((uint64_t{1} << 32) * kSecond + 5, true).modified,
            (Timestamp{2147483648, 5}));
  EXPECT_EQ(StatWithTime(UINT64_MAX, true).modified, (Timestamp{16299260425, 709551615}));
}

TEST(XfsInodeTest, DecodesDevicesAndOldLinkCounts) {
  Superblock sb;
  Inode inode;
  inode.mode = 0060000;
  inode.core.di_version = 1;
  inode.core.di_onlink = be16::Of(7);
  inode.core.di_nlink = be32::Of(99);
  inode.core.di_nblocks = be64::Of(UINT64_MAX);
  sb.block_log = 12;
  const auto device = be32::Of((511U << 18) | 262143U);
  inode.data_fork = AsBytes(device);
  const Stat stat = StatOf(sb, inode);
  EXPECT_EQ(stat.type, NodeType::kBlockDevice);
  EXPECT_EQ(stat.device_major, 511U);
  EXPECT_EQ(stat.device_minor, 262143U);
  EXPECT_EQ(stat.links, 7U);
  EXPECT_EQ(stat.allocated_bytes, UINT64_MAX >> 12 << 12);
  EXPECT_FALSE(stat.created.has_value());
}

TEST(XfsAclTest, ConvertsToTheEncodingOfUserSpace) {
  const std::string disk(
      "\0\0\0\3"
      "\0\0\0\1\0\0\0\0\0\6\0\0"
      "\0\0\0\2\0\0\3\xe8\0\7\0\0"
      "\0\0\0\x20\0\0\0\0\0\4\0\0",
      4 + 3 * 12);
  const std::string user(
      "\2\0\0\0"
      "\1\0\6\0\xff\xff\xff\xff"
      "\2\0\7\0\xe8\3\0\0"
      "\x20\0\4\0\xff\xff\xff\xff",
      4 + 3 * 8);
  EXPECT_EQ(ConvertAcl(ByteView::Of(disk)).value(), user);
  for (size_t size = 0; size < disk.size(); ++size) {
    EXPECT_FALSE(ConvertAcl(ByteView::Of(std::string_view(disk).substr(0, size))).has_value());
  }
}

TEST(XfsChecksumTest, CountsTheFieldAsZero) {
  std::string object(64, 'x');
  const auto sum = le32::Of(ComputeChecksum(ByteView::Of(object), 8));
  object.replace(8, 4, AsBytes(sum).AsText());
  EXPECT_TRUE(ChecksumMatches(ByteView::Of(object), 8));
  object[63] = 'y';
  EXPECT_FALSE(ChecksumMatches(ByteView::Of(object), 8));
  EXPECT_FALSE(ChecksumMatches(ByteView::Of(object), 62)) << "does not fit";
}

}  // namespace
}  // namespace ekshume::fs::xfs
