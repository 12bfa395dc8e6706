// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/geometry.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "fs/ext4/features.h"

namespace ekshume::fs::ext4 {
namespace {

SuperBlock SmallSuperBlock() {
  SuperBlock superblock{};
  superblock.s_magic = le16::Of(kSuperBlockMagic);
  superblock.s_rev_level = le32::Of(1);
  superblock.s_blocks_count_lo = le32::Of(20000);
  superblock.s_first_data_block = le32::Of(1);
  superblock.s_blocks_per_group = le32::Of(8192);
  superblock.s_inodes_per_group = le32::Of(100);
  superblock.s_inodes_count = le32::Of(300);
  superblock.s_inode_size = le16::Of(128);
  return superblock;
}

TEST(GeometryTest, CountsGroups) {
  const auto geometry = MakeGeometry(SmallSuperBlock());
  ASSERT_TRUE(geometry.has_value()) << geometry.error().message;
  EXPECT_EQ(geometry->group_count, 3U);
  EXPECT_EQ(geometry->block_bytes, 1024U);
  EXPECT_EQ(geometry->descriptor_bytes, 32U);
  EXPECT_EQ(geometry->DescriptorOffset(2, 0), 2 * 1024 + 64);
  EXPECT_EQ(geometry->DescriptorOffset(2, 1), (8193 + 1) * 1024 + 64);
  EXPECT_EQ(geometry->DescriptorOffset(0, 3), std::nullopt) << "there is no group 3";
}

TEST(GeometryTest, KnowsWhichGroupsHoldASuperBlock) {
  Geometry geometry;
  EXPECT_TRUE(geometry.GroupHasSuperBlock(2)) << "all do without sparse_super";
  geometry.ro_compat = kRoCompatSparseSuper;
  for (const uint32_t group : {0, 1, 3, 5, 7, 9, 25, 27, 49, 343}) {
    EXPECT_TRUE(geometry.GroupHasSuperBlock(group)) << group;
  }
  for (const uint32_t group : {2, 4, 6, 11, 15, 21, 35}) {
    EXPECT_FALSE(geometry.GroupHasSuperBlock(group)) << group;
  }
  geometry.compat = kCompatSparseSuper2;
  geometry.backup_groups = {1, 17};
  EXPECT_TRUE(geometry.GroupHasSuperBlock(17));
  EXPECT_FALSE(geometry.GroupHasSuperBlock(3));
}

TEST(GeometryTest, PutsDescriptorsInTheirGroupsWithMetaBg) {
  SuperBlock superblock = SmallSuperBlock();
  superblock.s_feature_incompat = le32::Of(kIncompatMetaBg);
  superblock.s_feature_ro_compat = le32::Of(kRoCompatSparseSuper);
  superblock.s_blocks_per_group = le32::Of(256);
  superblock.s_inodes_per_group = le32::Of(8);
  const auto geometry = MakeGeometry(superblock);
  ASSERT_TRUE(geometry.has_value()) << geometry.error().message;
  // 32 descriptors of 32 bytes to a block of 1 KiB: group 40 is described in group 32.
  EXPECT_EQ(geometry->DescriptorOffset(40, 0), (32 * 256 + 1) * 1024 + 8 * 32);
  EXPECT_EQ(geometry->DescriptorOffset(40, 1), (33 * 256 + 1) * 1024 + 8 * 32);
  EXPECT_EQ(geometry->DescriptorOffset(3, 0), 2 * 1024 + 3 * 32);
}

TEST(GeometryTest, NamesTheFieldThatMakesNoSense) {
  const auto message = [](const auto& change) {
    SuperBlock superblock = SmallSuperBlock();
    change(superblock);
    const auto geometry = MakeGeometry(superblock);
    return geometry ? std::string("accepted") : geometry.error().message;
  };
  const auto has = [](const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(message([](auto& s) { s.s_magic = le16::Of(1); }), "0x0001"));
  EXPECT_TRUE(has(message([](auto& s) { s.s_log_block_size = le32::Of(7); }), "s_log_block_size"));
  EXPECT_TRUE(has(message([](auto& s) { s.s_inode_size = le16::Of(129); }), "s_inode_size"));
  EXPECT_TRUE(has(message([](auto& s) { s.s_inode_size = le16::Of(2048); }), "s_inode_size"));
  EXPECT_TRUE(has(message([](auto& s) { s.s_blocks_per_group = {}; }), "s_blocks_per_group"));
  EXPECT_TRUE(has(message([](auto& s) { s.s_inodes_per_group = {}; }), "s_inodes_per_group"));
  EXPECT_TRUE(has(message([](auto& s) { s.s_inodes_count = le32::Of(301); }), "s_inodes_count"));
  EXPECT_TRUE(has(message([](auto& s) { s.s_first_data_block = le32::Of(2); }), "s_first_data"));
  EXPECT_TRUE(has(message([](auto& s) {
                    s.s_feature_incompat = le32::Of(kIncompat64Bit);
                    s.s_desc_size = le16::Of(48);
                  }),
                  "s_desc_size"));
  EXPECT_TRUE(has(message([](auto& s) {
                    s.s_feature_incompat = le32::Of(kIncompat64Bit);
                    s.s_desc_size = le16::Of(64);
                    s.s_blocks_count_hi = le32::Of(0xFFFFFFFF);
                  }),
                  "block count"));
  EXPECT_TRUE(has(message([](auto& s) { s.s_blocks_per_group = le32::Of(1); }), "accepted") ||
              limits::kMaxExt4Groups < 20000);
  EXPECT_TRUE(has(message([](auto& s) {
                    s.s_blocks_count_lo = le32::Of(0xFFFFFFFF);
                    s.s_blocks_per_group = le32::Of(1);
                  }),
                  "kMaxExt4Groups"));
}

TEST(FeaturesTest, NamesThemAsTune2fsDoes) {
  SuperBlock superblock{};
  superblock.s_feature_compat = le32::Of(kCompatHasJournal | 0x20 | 0x80000000);
  superblock.s_feature_incompat = le32::Of(kIncompatFiletype | kIncompatDirdata | 0x40000000);
  superblock.s_feature_ro_compat = le32::Of(kRoCompatSparseSuper | 0x8000 | 0x20000);
  const FeatureReport report = DescribeFeatures(superblock);
  const std::vector<std::string> names = {"FEATURE_C31", "FEATURE_I30",  "FEATURE_R17",
                                          "dir_index",   "dirdata",      "filetype",
                                          "has_journal", "sparse_super", "verity"};
  EXPECT_EQ(report.names, names);
  EXPECT_EQ(report.refused,
            (std::vector<std::string>{"dirdata (0x1000)", "FEATURE_I30 (0x40000000)"}));
  EXPECT_EQ(report.unknown, std::vector<std::string>{"FEATURE_R17 (0x20000)"});
}

TEST(FeaturesTest, TellsTheThreeApart) {
  SuperBlock superblock{};
  superblock.s_feature_incompat = le32::Of(kIncompatFiletype);
  EXPECT_EQ(DescribeFeatures(superblock).type, "ext2");
  superblock.s_feature_compat = le32::Of(kCompatHasJournal);
  EXPECT_EQ(DescribeFeatures(superblock).type, "ext3");
  superblock.s_feature_ro_compat = le32::Of(kRoCompatHugeFile);
  EXPECT_EQ(DescribeFeatures(superblock).type, "ext4");
}

}  // namespace
}  // namespace ekshume::fs::ext4
