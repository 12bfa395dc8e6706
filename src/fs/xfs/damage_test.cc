// SPDX-License-Identifier: Apache-2.0
// Damaged and hostile images: whatever a byte is changed to and wherever the image ends, reading
// ends soon, within bounds, and says what was lost.
#include <gtest/gtest.h>

#include <set>

#include "fs/path.h"
#include "fs/xfs/da_format.h"
#include "fs/xfs/superblock.h"
#include "fs/xfs/testing_sample.h"

namespace ekshume::fs::xfs {
namespace {

using testing::Describe;
using testing::OpenXfs;
using testing::ReadEverything;
using testing::SampleBytes;
using testing::TestImage;

// The names that an image shows, or 0 with a reason when it cannot be opened.
size_t TryToRead(const image::Image& image, DiagnosticSink& sink) {
  const auto filesystem = OpenXfs(image, sink, true);
  if (!filesystem) {
    EXPECT_FALSE(filesystem.error().message.empty());
    return 0;
  }
  return ReadEverything(**filesystem);
}

// Blocks that listing and reading never need.
constexpr uint32_t kNotRead[] = {kAgfMagic,     kAgflMagic,    kAbtbMagic,   kAbtbCrcMagic,
                                 kAbtcMagic,    kAbtcCrcMagic, kIbtMagic,    kIbtCrcMagic,
                                 kFibtCrcMagic, kRmapCrcMagic, kRefcCrcMagic};

class DamageTest : public ::testing::TestWithParam<std::string> {
 protected:
  const std::string& bytes() const { return SampleBytes(GetParam()); }
  Superblock superblock() const {
    return ParseSuperblock(ByteView::Of(bytes()).Read<Dsb>(0).value(), false).value();
  }
  // The names that the undamaged image shows.
  size_t all_names() const {
    DiagnosticSink sink;
    return TryToRead(TestImage(bytes()), sink);
  }
  NodeId Find(const std::string& path) const {
    const TestImage image(bytes());
    DiagnosticSink sink;
    return ResolvePath(*OpenXfs(image, sink, true).value(), path, FollowLast::kNo).value();
  }
  uint64_t SlotOf(NodeId node) const {
    return superblock().LocateInode(static_cast<uint64_t>(node)).value().byte_offset;
  }
  Dinode CoreOf(NodeId node) const {
    return ByteView::Of(bytes()).Read<Dinode>(SlotOf(node)).value();
  }

  // Sectors of metadata that a reader meets: those that hold anything, without the log, trees of
  // free space and free inodes, free inode slots and the repetitive middle of large directories.
  std::vector<uint64_t> MetadataSectors() const {
    const Superblock sb = superblock();
    const uint64_t log_begin = sb.FsBlockToByte(sb.log_start).value();
    const uint64_t log_end = log_begin + (uint64_t{sb.log_blocks} << sb.block_log);
    std::vector<uint64_t> sectors;
    for (uint64_t at = 0; at < bytes().size(); at += 512) {
      const std::string_view sector = std::string_view(bytes()).substr(at, 512);
      if (at >= log_begin && at < log_end) continue;
      if (sector.find_first_not_of('\0') == sector.npos) continue;
      if (sector.starts_with(std::string_view("IN\0\0", 4))) continue;
      const uint32_t magic = ByteView::Of(sector).Read<be32>(0).value().value();
      if (std::ranges::find(kNotRead, magic) != std::end(kNotRead)) continue;
      if (sector.find("name-") != sector.npos && sector.substr(0, 2) != "XD" && at % 4096 != 0) {
        continue;
      }
      sectors.push_back(at);
    }
    return sectors;
  }

  // Flips every byte of every `shards`-th sector, from `shard` on.
  void FlipSectors(size_t shard, size_t shards) {
    const std::vector<uint64_t> sectors = MetadataSectors();
    ASSERT_GT(sectors.size(), 50U);
    const size_t all = all_names();
    for (size_t i = shard; i < sectors.size(); i += shards) {
      for (uint64_t at = sectors[i]; at < sectors[i] + 512; ++at) {
        TestImage image(bytes());
        image.Flip(at, static_cast<char>(at % 3 == 0 ? 0xff : at % 3 == 1 ? 0x01 : 0x80));
        DiagnosticSink sink;
        const size_t names = TryToRead(image, sink);
        ASSERT_LE(names, 2 * all) << "byte " << at;
      }
    }
  }
};

TEST_P(DamageTest, SurvivesEveryByteFlipPart1) { FlipSectors(0, 4); }
TEST_P(DamageTest, SurvivesEveryByteFlipPart2) { FlipSectors(1, 4); }
TEST_P(DamageTest, SurvivesEveryByteFlipPart3) { FlipSectors(2, 4); }
TEST_P(DamageTest, SurvivesEveryByteFlipPart4) { FlipSectors(3, 4); }

TEST_P(DamageTest, SurvivesTruncation) {
  const size_t all = all_names();
  // Every end within the first headers, then every sector's boundary and odd ends between them
  // while content lies there.
  std::vector<uint64_t> ends;
  for (uint64_t end = 0; end < 2048; end += 7) ends.push_back(end);
  for (const uint64_t sector : MetadataSectors()) ends.push_back(sector + sector % 511);
  for (const uint64_t end : ends) {
    TestImage image(bytes());
    image.Cut(end);
    DiagnosticSink sink;
    EXPECT_LE(TryToRead(image, sink), all);
    if (end >= 512) {
      EXPECT_EQ(sink.Count(DiagnosticCode::kImageTruncated), 1U) << end;
    }
  }
  TestImage half(bytes());
  half.Cut(bytes().size() / 2);
  DiagnosticSink sink;
  EXPECT_GT(TryToRead(half, sink), 20U) << "what is there is read";
}

TEST_P(DamageTest, ReportsTreesThatLoop) {
  const NodeId node = Find("/fragmented");
  const Superblock sb = superblock();
  const bool v5 = sb.has_crc;
  ASSERT_EQ(CoreOf(node).di_format, kDinodeFmtBtree);
  // The root's pointer says where its first leaf lies; make the leaf a node that points to itself.
  const uint64_t root = SlotOf(node) + (v5 ? sizeof(Dinode) : kDinodeCoreBytesV2);
  const size_t fork_bytes = CoreOf(node).di_forkoff != 0 ? size_t{CoreOf(node).di_forkoff} * 8
                                                         : sb.inode_bytes - (root - SlotOf(node));
  const size_t most = (fork_bytes - sizeof(BmdrBlock)) / 16;
  const auto pointer =
      ByteView::Of(bytes()).Read<be64>(root + sizeof(BmdrBlock) + most * 8).value();
  const uint64_t leaf = sb.FsBlockToByte(pointer.value()).value();
  TestImage image(bytes());
  image.ChangeStruct(root, BmdrBlock{be16::Of(3), be16::Of(1)});
  auto header = ByteView::Of(bytes()).Read<BtreeHeader>(leaf).value();
  header.bb_level = be16::Of(2);
  header.bb_numrecs = be16::Of(1);
  image.ChangeStruct(leaf, header);
  const size_t header_bytes = v5 ? sizeof(BtreeLongCrcBlock) : sizeof(BtreeLongBlock);
  const size_t most_in_block = (sb.block_bytes - header_bytes) / 16;
  image.ChangeStruct(leaf + header_bytes + most_in_block * 8, pointer);
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink, true);
  ASSERT_TRUE(filesystem.has_value());
  const std::string content = testing::ReadAll(**filesystem, node);
  EXPECT_EQ(content.find_first_not_of('\0'), content.npos) << "the bad part reads as a hole";
  EXPECT_EQ(sink.Count(DiagnosticCode::kXfsBadExtent), 1U);
}

TEST_P(DamageTest, ReportsUnlinkedListsThatLoop) {
  DiagnosticSink sink;
  const TestImage good(bytes());
  const auto deleted = OpenXfs(good, sink, true).value()->Deleted();
  ASSERT_EQ(deleted.size(), 3U);
  const uint64_t number = static_cast<uint64_t>(deleted[0].node);
  Dinode core = CoreOf(deleted[0].node);
  core.di_next_unlinked = be32::Of(static_cast<uint32_t>(number));  // group 0: its own number
  TestImage image(bytes());
  image.Change(SlotOf(deleted[0].node),
               std::string(AsBytes(core).First(kDinodeCoreBytesV2).AsText()));
  DiagnosticSink loop_sink;
  const auto filesystem = OpenXfs(image, loop_sink, true);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_GE((*filesystem)->Deleted().size(), 1U);
  EXPECT_EQ(loop_sink.Count(DiagnosticCode::kXfsBadStructure), 1U);
}

TEST_P(DamageTest, FindsEntriesBehindADamagedOne) {
  // The first name of the directory gets a length that its tag contradicts.
  const std::string needle = "\x06name-2";
  const NodeId directory = Find("/d30");
  size_t listed = 0;
  const auto count = [&](DirectoryEntry&&) {
    ++listed;
    return true;
  };
  DiagnosticSink sink;
  const TestImage good(bytes());
  ASSERT_TRUE(OpenXfs(good, sink, true).value()->ReadDirectory(directory, count).has_value());
  const size_t all = std::exchange(listed, 0);
  TestImage image(bytes());
  for (size_t at = bytes().find(needle); at != std::string::npos;
       at = bytes().find(needle, at + 1)) {
    image.Change(at, std::string(1, '\xf0'));
  }
  DiagnosticSink damaged;
  ASSERT_TRUE(OpenXfs(image, damaged, true).value()->ReadDirectory(directory, count).has_value());
  EXPECT_EQ(listed, all - 1);
  EXPECT_EQ(damaged.Count(DiagnosticCode::kXfsBadStructure), 1U);
}

TEST_P(DamageTest, ReportsNamesThatLeadOutOfTheDirectory) {
  const std::string needle = "name-3";
  TestImage image(bytes());
  size_t changed = 0;
  for (size_t at = bytes().find(needle); at != std::string::npos;
       at = bytes().find(needle, at + 1)) {
    image.Change(at, "../../");
    ++changed;
  }
  ASSERT_GT(changed, 1U);
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink, true);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_EQ(Describe(**filesystem, sink).find(".."), std::string::npos);
  EXPECT_GT(sink.Count(DiagnosticCode::kXfsBadStructure), 1U);
}

TEST_P(DamageTest, ChecksumsAreReportedAndReadingGoesOn) {
  const NodeId node = Find("/x-remote");
  TestImage image(bytes());
  if (superblock().has_crc) image.Flip(SlotOf(node) + offsetof(Dinode, di_changecount), 1);
  image.Flip(superblock().AgHeaderToByte(0, 2) + offsetof(Agi, agi_freecount), 1);
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink, true);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_EQ((*filesystem)->Deleted().size(), 3U);
  EXPECT_EQ((*filesystem)->ReadXattrs(node).value().size(), 1U);
  // Version 4 has no checksums.
  EXPECT_EQ(sink.Count(DiagnosticCode::kXfsBadChecksum) >= 2, superblock().has_crc);
  EXPECT_FALSE(sink.HasLoss());
}

TEST_P(DamageTest, RefusesRealtimeData) {
  const NodeId node = Find("/mixed");
  TestImage image(bytes());
  image.ChangeStruct(SlotOf(node) + offsetof(Dinode, di_flags), be16::Of(kDiflagRealtime));
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink, true);
  ASSERT_TRUE(filesystem.has_value());
  EXPECT_EQ((*filesystem)->OpenFile(node).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(sink.Count(DiagnosticCode::kXfsRealtimeFile), 1U);
}

INSTANTIATE_TEST_SUITE_P(Samples, DamageTest, ::testing::Values("v4", "v5"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace ekshume::fs::xfs
