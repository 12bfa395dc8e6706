// SPDX-License-Identifier: Apache-2.0
// Damaged and hostile images: whatever a byte is changed to and wherever the image ends, reading
// ends soon, within bounds, and says what was lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "fs/ext4/ext4.h"
#include "fs/ext4/format.h"
#include "fs/ext4/journal_format.h"
#include "fs/ext4/testing_sample.h"
#include "fs/ext4/volume.h"
#include "fs/path.h"

namespace ekshume::fs::ext4 {
namespace {

using testing::OpenExt4;
using testing::ReadEverything;
using testing::SampleBytes;
using testing::TestImage;

constexpr size_t kBlockBytes = 1024;  // of all samples

// The names that an image shows, or 0 with a reason when it cannot be opened.
size_t TryToRead(const image::Image& image, bool raw = false) {
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink, raw);
  if (!filesystem) {
    EXPECT_FALSE(filesystem.error().message.empty());
    return 0;
  }
  return ReadEverything(**filesystem);
}

size_t CountNames(const std::string& sample) {
  const TestImage image(SampleBytes(sample));
  return TryToRead(image);
}

bool IsEmpty(std::string_view bytes) { return bytes.find_first_not_of('\0') == bytes.npos; }

// Flips every byte of the tiny image that is in use, in `shards` parts.
void FlipEveryByte(size_t shard, size_t shards) {
  const std::string& bytes = SampleBytes("tiny");
  const size_t all = CountNames("tiny");
  ASSERT_GT(all, 40U);
  size_t flipped = 0;
  for (size_t sector = shard * 128; sector < bytes.size(); sector += shards * 128) {
    if (IsEmpty(std::string_view(bytes).substr(sector, 128))) continue;
    for (size_t at = sector; at < sector + 128; ++at) {
      TestImage image(bytes);
      image.Flip(at, static_cast<char>(at % 3 == 0 ? 0xFF : at % 3 == 1 ? 0x01 : 0x80));
      ASSERT_LE(TryToRead(image), 2 * all) << "byte " << at;
      ++flipped;
    }
  }
  ASSERT_GT(flipped, 1000U);
}

TEST(DamageTest, SurvivesEveryByteFlipPart1) { FlipEveryByte(0, 4); }
TEST(DamageTest, SurvivesEveryByteFlipPart2) { FlipEveryByte(1, 4); }
TEST(DamageTest, SurvivesEveryByteFlipPart3) { FlipEveryByte(2, 4); }
TEST(DamageTest, SurvivesEveryByteFlipPart4) { FlipEveryByte(3, 4); }

TEST(DamageTest, SurvivesTruncation) {
  for (const std::string sample : {"tiny", "ext4", "ext3", "fast"}) {
    const std::string& bytes = SampleBytes(sample);
    const size_t all = CountNames(sample);
    std::vector<uint64_t> ends;
    for (uint64_t end = 0; end < 4096; end += 31) ends.push_back(end);
    const size_t step = sample == "tiny" ? 1 : 61;
    for (uint64_t block = 4; block * kBlockBytes < bytes.size(); block += step) {
      ends.push_back(block * kBlockBytes + block % 1023);
    }
    for (const uint64_t end : ends) {
      TestImage image(bytes);
      image.Cut(std::min<uint64_t>(end, bytes.size()));
      ASSERT_LE(TryToRead(image), all) << sample << " " << end;
    }
    TestImage most(bytes);
    most.Cut(bytes.size() - kBlockBytes);
    EXPECT_GT(TryToRead(most), all / 2) << "what is there is read";
  }
}

// Flips bytes of the blocks of a journal: every header and tag, and a few bytes of the data.
void FlipJournal(const std::string& sample, size_t step) {
  const std::string& bytes = SampleBytes(sample);
  const size_t all = CountNames(sample);
  size_t flipped = 0;
  for (size_t block = 0; block < bytes.size(); block += kBlockBytes) {
    const auto header = ByteView::Of(bytes).Read<JournalHeader>(block).value();
    const auto tag = ByteView::Of(bytes).Read<FastCommitTagLength>(block).value();
    const bool fast = sample == "fast" && tag.fc_tag.value() >= kFastCommitAddRange &&
                      tag.fc_tag.value() <= kFastCommitHead && tag.fc_len.value() != 0 &&
                      tag.fc_len.value() < kBlockBytes;
    if (header.h_magic.value() != kJournalMagic && !fast) continue;
    const size_t bytes_in_use = fast ? 200 : 100;
    for (size_t at = block; at < block + bytes_in_use; at += step) {
      TestImage image(bytes);
      image.Flip(at, static_cast<char>(at % 2 == 0 ? 0xFF : 0x01));
      ASSERT_LE(TryToRead(image), 2 * all) << sample << " byte " << at;
      ++flipped;
    }
  }
  ASSERT_GT(flipped, 100U);
}

TEST(DamageTest, SurvivesFlipsInTheJournalOfExt3) { FlipJournal("ext3", 5); }
TEST(DamageTest, SurvivesFlipsInTheJournalOfExt4) { FlipJournal("ext4", 5); }
TEST(DamageTest, SurvivesFlipsInFastCommits) { FlipJournal("fast", 7); }

// A sample whose structures can be found and changed.
class Surgeon {
 public:
  explicit Surgeon(const std::string& sample)
      : bytes_(SampleBytes(sample)), plain_(bytes_), image_(bytes_) {
    filesystem_ = OpenExt4(plain_, ignored_, true).value();
    volume_ = Volume::Open(plain_, ignored_, false).value();
  }
  InodeNumber Find(std::string_view path) const {
    return InodeNumber{
        static_cast<uint32_t>(ResolvePath(*filesystem_, path, FollowLast::kNo).value())};
  }
  Inode InodeOf(InodeNumber number) const { return volume_->ReadInode(number).value(); }
  uint64_t OffsetOf(InodeNumber number) const { return volume_->InodeOffset(number).value(); }
  TestImage& image() { return image_; }
  const std::string& bytes() const { return bytes_; }

 private:
  const std::string& bytes_;
  TestImage plain_;
  TestImage image_;
  DiagnosticSink ignored_;
  std::unique_ptr<Filesystem> filesystem_;
  std::unique_ptr<Volume> volume_;
};

TEST(DamageTest, ReportsExtentTreesThatLoop) {
  Surgeon surgeon("tiny");
  const InodeNumber number = surgeon.Find("/fragmented");
  const Inode inode = surgeon.InodeOf(number);
  const auto header = ByteView(inode.block).Read<ExtentHeader>(0).value();
  ASSERT_EQ(header.eh_depth.value(), 1U) << "the sample has a tree of two levels";
  const auto index = ByteView(inode.block).Read<ExtentIndex>(sizeof(ExtentHeader)).value();
  const uint64_t leaf = index.ei_leaf_lo.value() * kBlockBytes;
  // The root claims one level more, and the leaf becomes a node that points to itself.
  ExtentHeader deeper = header;
  deeper.eh_depth = le16::Of(2);
  surgeon.image().ChangeStruct(surgeon.OffsetOf(number) + offsetof(InodeCore, i_block), deeper);
  auto node = ByteView::Of(surgeon.bytes()).Read<ExtentHeader>(leaf).value();
  node.eh_depth = le16::Of(1);
  node.eh_entries = le16::Of(1);
  surgeon.image().ChangeStruct(leaf, node);
  surgeon.image().ChangeStruct(leaf + sizeof(ExtentHeader), index);
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(surgeon.image(), sink).value();
  const std::string content = testing::ReadAll(*filesystem, NodeId{ToInteger(number)});
  EXPECT_TRUE(IsEmpty(content)) << "the bad part reads as a hole";
  EXPECT_EQ(content.size(), inode.size_bytes);
  EXPECT_EQ(sink.Count(DiagnosticCode::kExt4BadExtent), 1U);
}

TEST(DamageTest, ReportsIndirectBlocksThatLoop) {
  Surgeon surgeon("ext2");
  const InodeNumber number = surgeon.Find("/far");
  const Inode inode = surgeon.InodeOf(number);
  const auto triple = ByteView(inode.block).Read<le32>(14 * sizeof(le32)).value();
  ASSERT_NE(triple.value(), 0U) << "the sample reaches triple indirection";
  surgeon.image().ChangeStruct(triple.value() * kBlockBytes, triple);
  surgeon.image().ChangeStruct(surgeon.OffsetOf(number) + offsetof(InodeCore, i_size_high),
                               le32::Of(0x7FFFFFFF));
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(surgeon.image(), sink).value();
  const auto file = filesystem->OpenFile(NodeId{ToInteger(number)});
  ASSERT_TRUE(file.has_value());
  EXPECT_LT((*file)->runs().size(), 100U);
  EXPECT_GE(sink.Count(DiagnosticCode::kExt4BadExtent), 1U);
}

TEST(DamageTest, ReportsOrphanListsThatLoop) {
  Surgeon surgeon("ext3");
  DiagnosticSink good;
  const TestImage plain(surgeon.bytes());
  const auto deleted = OpenExt4(plain, good).value()->Deleted();
  ASSERT_EQ(deleted.size(), 3U);
  // Raw, and a list of one that points to itself.
  SuperBlock superblock = ByteView::Of(surgeon.bytes()).Read<SuperBlock>(1024).value();
  const InodeNumber number{static_cast<uint32_t>(deleted[0].node)};
  superblock.s_last_orphan = le32::Of(ToInteger(number));
  surgeon.image().ChangeStruct(kSuperBlockOffset, superblock);
  surgeon.image().ChangeStruct(surgeon.OffsetOf(number) + offsetof(InodeCore, i_dtime),
                               le32::Of(ToInteger(number)));
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(surgeon.image(), sink, true).value();
  EXPECT_LE(filesystem->Deleted().size(), 1U);
  EXPECT_EQ(sink.Count(DiagnosticCode::kExt4BadStructure), 1U);
}

TEST(DamageTest, LeavesOutNamesThatLeadOutOfTheDirectory) {
  const std::string needle = "name-3-";
  TestImage image(SampleBytes("tiny"));
  const std::string& bytes = SampleBytes("tiny");
  size_t changed = 0;
  for (size_t at = bytes.find(needle); at != bytes.npos; at = bytes.find(needle, at + 1)) {
    image.Change(at, "../../x");
    ++changed;
  }
  ASSERT_GT(changed, 0U);
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink).value();
  EXPECT_EQ(testing::Describe(*filesystem, sink).find(".."), std::string::npos);
  EXPECT_GE(sink.Count(DiagnosticCode::kExt4BadStructure), 1U);
}

TEST(DamageTest, ChecksumsAreReportedAndReadingGoesOn) {
  Surgeon surgeon("tiny");
  const InodeNumber file = surgeon.Find("/inline");
  const InodeNumber directory = surgeon.Find("/d");
  // A time of an inode, unused space of a directory block, of an extent node, of attributes.
  surgeon.image().Flip(surgeon.OffsetOf(file) + offsetof(InodeCore, i_atime), 1);
  const auto block_of = [&](InodeNumber number) {
    const Inode inode = surgeon.InodeOf(number);
    return ByteView(inode.block).Read<Extent>(sizeof(ExtentHeader))->ee_start_lo.value() *
           kBlockBytes;
  };
  surgeon.image().Flip(block_of(directory) + kBlockBytes - 1, 1);
  surgeon.image().Flip(surgeon.InodeOf(surgeon.Find("/x")).xattr_block * kBlockBytes + 24, 1);
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(surgeon.image(), sink).value();
  EXPECT_EQ(ReadEverything(*filesystem), CountNames("tiny"));
  EXPECT_GE(sink.Count(DiagnosticCode::kExt4BadChecksum), 3U);
  EXPECT_FALSE(sink.HasLoss());
}

TEST(DamageTest, ASmallFileThatClaimsMuchCostsNothing) {
  SuperBlock superblock = ByteView::Of(SampleBytes("ext4")).Read<SuperBlock>(1024).value();
  superblock.s_blocks_count_hi = le32::Of(0x00001000);  // 2^44 blocks
  superblock.s_feature_ro_compat = {};
  superblock.s_log_block_size = le32::Of(0);
  std::string bytes(4096, '\0');
  bytes.replace(1024, sizeof(superblock), AsBytes(superblock).AsText());
  const TestImage image(bytes);
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(image, sink);
  ASSERT_FALSE(filesystem.has_value());
  EXPECT_THAT(filesystem.error().message, ::testing::HasSubstr("kMaxExt4Groups"));
  superblock.s_blocks_count_hi = le32::Of(1);  // 2^32 blocks: few enough groups, but no room
  bytes.replace(1024, sizeof(superblock), AsBytes(superblock).AsText());
  EXPECT_THAT(OpenExt4(TestImage(bytes), sink).error().message, ::testing::HasSubstr("do not fit"));
}

}  // namespace
}  // namespace ekshume::fs::ext4
