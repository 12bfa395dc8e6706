// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/superblock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fs/xfs/testing_sample.h"

namespace ekshume::fs::xfs {
namespace {

using testing::Describe;
using ::testing::HasSubstr;
using testing::LoadSample;
using testing::OpenXfs;
using testing::SampleBytes;
using testing::TestImage;

Dsb SampleSuperblock(const std::string& name) {
  return ByteView::Of(SampleBytes(name)).Read<Dsb>(0).value();
}

// A field of the superblock set to a value, and the name that the refusal must carry.
struct BadField {
  const char* name;
  void (*spoil)(Dsb&);
};

TEST(XfsSuperblockTest, RefusesImpossibleFields) {
  const BadField bad_fields[] = {
      {"magic", [](Dsb& dsb) { dsb.sb_magicnum = be32::Of(0x58465343); }},
      {"sb_blocksize", [](Dsb& dsb) { dsb.sb_blocksize = be32::Of(0); }},
      {"sb_blocksize", [](Dsb& dsb) { dsb.sb_blocksize = be32::Of(1000); }},
      {"sb_blocksize", [](Dsb& dsb) { dsb.sb_blocksize = be32::Of(131072); }},
      {"sb_blocklog", [](Dsb& dsb) { dsb.sb_blocklog = 255; }},
      {"sb_sectsize", [](Dsb& dsb) { dsb.sb_sectsize = be16::Of(0); }},
      {"sb_sectsize", [](Dsb& dsb) { dsb.sb_sectsize = be16::Of(4096); }},
      {"sb_inodesize", [](Dsb& dsb) { dsb.sb_inodesize = be16::Of(128); }},
      {"sb_inodesize", [](Dsb& dsb) { dsb.sb_inodesize = be16::Of(2048); }},
      {"sb_inopblog", [](Dsb& dsb) { dsb.sb_inopblog = 9; }},
      {"sb_dirblklog", [](Dsb& dsb) { dsb.sb_dirblklog = 255; }},
      {"sb_dirblklog", [](Dsb& dsb) { dsb.sb_dirblklog = 7; }},
      {"sb_agblocks", [](Dsb& dsb) { dsb.sb_agblocks = be32::Of(0); }},
      {"sb_agblocks", [](Dsb& dsb) { dsb.sb_agblocks = be32::Of(UINT32_MAX); }},
      {"sb_agblklog", [](Dsb& dsb) { dsb.sb_agblklog = 64; }},
      {"sb_dblocks", [](Dsb& dsb) { dsb.sb_agcount = be32::Of(0); }},
      {"sb_dblocks", [](Dsb& dsb) { dsb.sb_dblocks = be64::Of(UINT64_MAX); }},
      {"sb_dblocks", [](Dsb& dsb) { dsb.sb_dblocks = be64::Of(1); }},
  };
  for (const BadField& bad : bad_fields) {
    Dsb dsb = SampleSuperblock("v5");
    ASSERT_TRUE(ParseSuperblock(dsb, false).has_value());
    bad.spoil(dsb);
    const auto parsed = ParseSuperblock(dsb, false);
    ASSERT_FALSE(parsed.has_value()) << bad.name;
    EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(parsed.error().message, HasSubstr(bad.name));
  }
}

TEST(XfsSuperblockTest, RefusesUnknownFeaturesByName) {
  const std::pair<uint32_t, const char*> unknown[] = {
      {0x200, "0x200 (zoned)"}, {0x600, "0x600 (zoned) (zone gaps)"}, {0x80000000, "0x80000000"}};
  for (const auto& [bits, name] : unknown) {
    Dsb dsb = SampleSuperblock("v5");
    dsb.sb_features_incompat = be32::Of(dsb.sb_features_incompat.value() | bits);
    const auto parsed = ParseSuperblock(dsb, false);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(parsed.error().message, HasSubstr(std::string("incompat feature ") + name));
    EXPECT_TRUE(ParseSuperblock(dsb, true).has_value());
  }
}

TEST(XfsSuperblockTest, RefusesOldAndUnknownVersions) {
  Dsb dsb = SampleSuperblock("v4");
  const uint16_t good = dsb.sb_versionnum.value();
  for (const uint16_t bad : {good & ~kSbVersionDirV2Bit, good | kSbVersionSharedBit,
                             (good & ~kSbVersionNumBits) | 3, (good & ~kSbVersionNumBits) | 6}) {
    dsb.sb_versionnum = be16::Of(bad);
    const auto parsed = ParseSuperblock(dsb, false);
    ASSERT_FALSE(parsed.has_value()) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::kUnsupported);
  }
  dsb = SampleSuperblock("v4");
  dsb.sb_features2 = be32::Of(dsb.sb_features2.value() | 0x4000);
  EXPECT_THAT(ParseSuperblock(dsb, false).error().message, HasSubstr("features2 bits 0x4000"));
}

TEST(XfsSuperblockTest, ReportsReadOnlyFeaturesAndRepair) {
  TestImage image(SampleBytes("v5"));
  Dsb dsb = SampleSuperblock("v5");
  dsb.sb_features_ro_compat = be32::Of(dsb.sb_features_ro_compat.value() | 0x8000);
  dsb.sb_features_incompat =
      be32::Of(dsb.sb_features_incompat.value() | kSbFeatIncompatNeedsRepair);
  dsb.sb_crc = le32::Of(0);  // not checked when zero
  image.ChangeStruct(0, dsb);
  DiagnosticSink sink;
  ASSERT_TRUE(OpenXfs(image, sink, true).has_value());
  EXPECT_EQ(sink.Count(DiagnosticCode::kXfsUnknownFeature), 1U);
  EXPECT_EQ(sink.Count(DiagnosticCode::kXfsNeedsRepair), 1U);
}

// Group and inode arithmetic, with numbers from xfs_db's "convert" on a filesystem of this shape.
TEST(XfsSuperblockTest, FindsBlocksAndInodes) {
  Superblock sb;
  sb.block_log = 12;
  sb.block_bytes = 4096;
  sb.inode_log = 9;
  sb.inode_bytes = 512;
  sb.inodes_per_block = 8;
  sb.inodes_per_block_log = 3;
  sb.ag_blocks = 19200;
  sb.ag_block_log = 15;
  sb.ag_count = 4;
  sb.data_blocks = 3 * 19200 + 100;
  EXPECT_EQ(sb.AgLength(0), 19200U);
  EXPECT_EQ(sb.AgLength(3), 100U);
  EXPECT_EQ(sb.AgLength(4), 0U);
  EXPECT_EQ(sb.FsBlockToByte(0x8000).value(), uint64_t{19200} * 4096);
  EXPECT_FALSE(sb.FsBlockToByte(19200).has_value()) << "between the groups' numbers";
  EXPECT_TRUE(sb.ContainsBlocks(3 * 0x8000, 100));
  EXPECT_FALSE(sb.ContainsBlocks(3 * 0x8000, 101));
  EXPECT_FALSE(sb.ContainsBlocks(3 * 0x8000 + 50, UINT64_MAX));
  EXPECT_FALSE(sb.ContainsBlocks(UINT64_MAX, 1));
  const auto root = sb.LocateInode(128);
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->byte_offset, 16U * 4096);
  const auto inode = sb.LocateInode((uint64_t{2} << 18) + 131);
  ASSERT_TRUE(inode.has_value());
  EXPECT_EQ(inode->ag, 2U);
  EXPECT_EQ(inode->ag_block, 16U);
  EXPECT_EQ(inode->offset_bytes, 3U * 512);
  EXPECT_EQ(sb.InodeNumber(inode->ag, 131), (uint64_t{2} << 18) + 131);
  EXPECT_FALSE(sb.LocateInode(uint64_t{4} << 18).has_value());
  EXPECT_FALSE(sb.LocateInode(uint64_t{19200} << 3).has_value());
  EXPECT_FALSE(sb.LocateInode(UINT64_MAX).has_value());
}

TEST(XfsSuperblockTest, TakesASecondaryOneWhenThePrimaryIsLost) {
  for (const char* name : {"v4", "v5"}) {
    TestImage image(SampleBytes(name));
    image.Change(0, std::string(512, '\0'));
    EXPECT_TRUE(kXfsFormat.sniff(image));
    DiagnosticSink sink;
    const auto filesystem = OpenXfs(image, sink);
    ASSERT_TRUE(filesystem.has_value()) << filesystem.error().message;
    EXPECT_EQ(sink.Count(DiagnosticCode::kXfsSecondarySuperblock), 1U);
    EXPECT_EQ(Describe(**filesystem, sink), LoadSample(std::string(name) + ".tsv.zst"));
  }
}

TEST(XfsSuperblockTest, TakesASecondaryOneWhenTheChecksumIsWrong) {
  TestImage image(SampleBytes("v5"));
  image.Flip(offsetof(Dsb, sb_fname), 1);
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink, true);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_EQ((*filesystem)->info().label, "sample5");
  EXPECT_EQ(sink.Count(DiagnosticCode::kXfsSecondarySuperblock), 1U);
}

TEST(XfsSuperblockTest, ClaimsOfSizeCostNothing) {
  Dsb dsb = SampleSuperblock("v5");
  dsb.sb_agblocks = be32::Of(uint32_t{1} << 30);
  dsb.sb_agblklog = 30;
  dsb.sb_agcount = be32::Of(uint32_t{1} << 20);
  dsb.sb_dblocks = be64::Of(uint64_t{1} << 50);  // 2^60 bytes
  dsb.sb_crc = le32::Of(0);
  std::string bytes(AsBytes(dsb).AsText());
  bytes.resize(1024);
  const TestImage image(bytes);
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink);
  ASSERT_TRUE(filesystem.has_value()) << filesystem.error().message;
  EXPECT_EQ((*filesystem)->info().total_bytes, uint64_t{1} << 60);
  EXPECT_EQ(sink.Count(DiagnosticCode::kImageTruncated), 1U);
  EXPECT_TRUE((*filesystem)->Deleted().empty());
  EXPECT_FALSE((*filesystem)->GetStat((*filesystem)->root()).has_value());
}

// With METADIR the old link count of metadata inodes tells their kind, and a second tree of
// directories hangs at sb_metadirino; what the user sees stays the same.
TEST(XfsSuperblockTest, MetadirChangesNothingOfTheTree) {
  TestImage image(SampleBytes("v5"));
  Dsb dsb = SampleSuperblock("v5");
  dsb.sb_features_incompat = be32::Of(dsb.sb_features_incompat.value() | kSbFeatIncompatMetadir);
  dsb.sb_metadirino = be64::Of(dsb.sb_rbmino.value());
  dsb.sb_crc = le32::Of(0);
  image.ChangeStruct(0, dsb);
  const Superblock sb = ParseSuperblock(dsb, false).value();
  const uint64_t slot = sb.LocateInode(sb.metadata_root_inode).value().byte_offset;
  image.ChangeStruct(slot + offsetof(Dinode, di_onlink), be16::Of(7));
  image.ChangeStruct(slot + offsetof(Dinode, di_flags2), be64::Of(kDiflag2Metadata));
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_THAT((*filesystem)->info().features, ::testing::Contains("metadir"));
  EXPECT_EQ((*filesystem)->GetStat(NodeId{sb.metadata_root_inode}).value().links, 1U);
  EXPECT_EQ(Describe(**filesystem, sink), LoadSample("v5.tsv.zst"));
}

TEST(XfsSuperblockTest, OtherContentIsNoXfs) {
  const std::string zeros(65536, '\0');
  EXPECT_FALSE(kXfsFormat.sniff(TestImage(zeros)));
  const std::string little("XFSB");
  const TestImage image(little);
  DiagnosticSink sink;
  EXPECT_FALSE(OpenXfs(image, sink).has_value());
}

}  // namespace
}  // namespace ekshume::fs::xfs
