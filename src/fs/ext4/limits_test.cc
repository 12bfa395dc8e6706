// SPDX-License-Identifier: Apache-2.0
// What evidence may cost: structures that claim more than a limit end with a report of its name.
#include "base/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fs/ext4/block_map.h"
#include "fs/ext4/directory.h"
#include "fs/ext4/fast_commit.h"
#include "fs/ext4/format.h"
#include "fs/ext4/journal.h"
#include "fs/ext4/orphan.h"
#include "fs/ext4/symlink.h"
#include "fs/ext4/testing_sample.h"
#include "fs/ext4/xattr.h"
#include "fs/path.h"

namespace ekshume::fs::ext4 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::OpenExt4;
using testing::SampleBytes;
using testing::TestImage;

// A sample, read as it lies.
class LimitsTest : public ::testing::Test {
 protected:
  void Load(const std::string& sample) {
    plain_ = std::make_unique<TestImage>(SampleBytes(sample));
    image_ = std::make_unique<TestImage>(SampleBytes(sample));
    DiagnosticSink ignored;
    filesystem_ = OpenExt4(*plain_, ignored, true).value();
    volume_ = Volume::Open(*image_, sink_, false).value();
  }
  InodeNumber Find(std::string_view path) const {
    return InodeNumber{
        static_cast<uint32_t>(ResolvePath(*filesystem_, path, FollowLast::kNo).value())};
  }
  template <typename T>
  void ChangeInode(InodeNumber number, size_t field, const T& value) {
    image_->ChangeStruct(volume_->InodeOffset(number).value() + field, value);
  }
  // Whether a diagnostic of that code and with that text was reported.
  bool Reported(DiagnosticCode code, std::string_view text) const {
    return std::ranges::any_of(sink_.Sorted(), [&](const Diagnostic& each) {
      return each.code == code && each.detail.contains(text);
    });
  }

  DiagnosticSink sink_;
  std::unique_ptr<TestImage> plain_;
  std::unique_ptr<TestImage> image_;
  std::unique_ptr<Filesystem> filesystem_;
  std::unique_ptr<Volume> volume_;
};

TEST_F(LimitsTest, OrphansAreBounded) {
  Load("ext3");
  DiagnosticSink sink;
  const auto filesystem = OpenExt4(*plain_, sink).value();  // its journal makes the list whole
  const auto deleted = filesystem->Deleted();
  ASSERT_EQ(deleted.size(), 3U);
  // The same list, written to the image by hand.
  SuperBlock superblock = volume_->superblock();
  superblock.s_last_orphan = le32::Of(static_cast<uint32_t>(deleted[0].node));
  image_->ChangeStruct(kSuperBlockOffset, superblock);
  for (size_t i = 0; i < deleted.size(); ++i) {
    const uint32_t next = i + 1 < deleted.size() ? static_cast<uint32_t>(deleted[i + 1].node) : 0;
    ChangeInode(InodeNumber{static_cast<uint32_t>(deleted[i].node)}, offsetof(InodeCore, i_dtime),
                le32::Of(next));
    ChangeInode(InodeNumber{static_cast<uint32_t>(deleted[i].node)},
                offsetof(InodeCore, i_links_count), le16::Of(0));
    ChangeInode(InodeNumber{static_cast<uint32_t>(deleted[i].node)}, offsetof(InodeCore, i_mode),
                le16::Of(0100644));
  }
  volume_ = Volume::Open(*image_, sink_, false).value();
  EXPECT_EQ(FindOrphans(*volume_, limits::kMaxOrphans).size(), 3U);
  EXPECT_FALSE(sink_.HasLoss());
  EXPECT_EQ(FindOrphans(*volume_, 2).size(), 2U);
  EXPECT_TRUE(Reported(DiagnosticCode::kFilesystemLimit, "kMaxOrphans"));
}

TEST_F(LimitsTest, RunsOfAFileAreBounded) {
  Load("tiny");
  Inode inode;
  inode.number = InodeNumber{12};
  inode.size_bytes = uint64_t{100} * volume_->geometry().block_bytes;
  const auto fill = [&](RunBuilder& builder) {
    size_t taken = 0;
    for (uint64_t block = 0; block < 100; block += 2) {
      if (!builder.Add(block, 1, Run::Kind::kData, 10)) break;
      ++taken;
    }
    return taken;
  };
  RunBuilder whole(*volume_, inode, limits::kMaxExtentsPerFile);
  EXPECT_EQ(fill(whole), 50U);
  EXPECT_EQ(whole.Finish().size(), 100U);
  EXPECT_FALSE(sink_.HasLoss());
  RunBuilder cut(*volume_, inode, 10);
  EXPECT_LT(fill(cut), 10U);
  const auto runs = cut.Finish();
  EXPECT_LE(runs.size(), 10U);
  EXPECT_EQ(runs.back().kind, Run::Kind::kHole) << "the rest reads as a hole";
  EXPECT_EQ(runs.back().file_offset_bytes + runs.back().length_bytes, inode.size_bytes);
  EXPECT_TRUE(Reported(DiagnosticCode::kFilesystemLimit, "kMaxExtentsPerFile"));
}

TEST_F(LimitsTest, ExtentTreesAreOnlySoDeep) {
  Load("tiny");
  const InodeNumber number = Find("/fragmented");
  auto header = ByteView(volume_->ReadInode(number)->block).Read<ExtentHeader>(0).value();
  header.eh_depth = le16::Of(limits::kMaxTreeDepth + 1);
  ChangeInode(number, offsetof(InodeCore, i_block), header);
  const auto runs = MapInode(*volume_, volume_->ReadInode(number).value());
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].kind, Run::Kind::kHole);
  EXPECT_TRUE(Reported(DiagnosticCode::kExt4BadExtent, "kMaxTreeDepth"));
}

TEST_F(LimitsTest, DirectoriesAreReadOnlySoFar) {
  // Four times the whole device as one directory; limits::kMaxDirectoryBytes is cut to the size of
  // the device, as blocks of one directory are distinct.
  Load("tiny");
  ASSERT_LT(volume_->geometry().total_bytes(), limits::kMaxDirectoryBytes);
  const InodeNumber number = Find("/d");
  const auto blocks = static_cast<uint16_t>(volume_->geometry().block_count);
  auto header = ByteView(volume_->ReadInode(number)->block).Read<ExtentHeader>(0).value();
  header.eh_entries = le16::Of(4);
  header.eh_depth = le16::Of(0);
  ChangeInode(number, offsetof(InodeCore, i_block), header);
  for (uint16_t i = 0; i < 4; ++i) {
    Extent extent{};
    extent.ee_block = le32::Of(uint32_t{i} * blocks);
    extent.ee_len = le16::Of(blocks);
    ChangeInode(number, offsetof(InodeCore, i_block) + sizeof(ExtentHeader) + i * sizeof(Extent),
                extent);
  }
  ChangeInode(number, offsetof(InodeCore, i_size_lo),
              le32::Of(4U * blocks * volume_->geometry().block_bytes));
  size_t names = 0;
  const Inode directory = volume_->ReadInode(number).value();
  const auto read = ReadDirectoryEntries(*volume_, directory, {}, [&](DirectoryEntry&&) {
    ++names;
    return true;
  });
  EXPECT_TRUE(read.has_value());
  EXPECT_GT(names, 40U) << "what lies before the limit is there";
  EXPECT_TRUE(Reported(DiagnosticCode::kFilesystemLimit, "kMaxDirectoryBytes"));
}

TEST_F(LimitsTest, SymlinkTargetsAreBounded) {
  Load("ext3");
  const InodeNumber number = Find("/link-1000");
  const auto read = [&] {
    return ReadSymlinkTarget(*volume_, volume_->ReadInode(number).value(), {});
  };
  EXPECT_EQ(read().value().size(), 1000U);
  ChangeInode(number, offsetof(InodeCore, i_size_lo), le32::Of(limits::kMaxSymlinkTargetBytes));
  EXPECT_TRUE(read().has_value());
  ChangeInode(number, offsetof(InodeCore, i_size_lo), le32::Of(limits::kMaxSymlinkTargetBytes + 1));
  ASSERT_FALSE(read().has_value());
  EXPECT_EQ(read().error().code, ErrorCode::kLimit);
  EXPECT_THAT(read().error().message, HasSubstr("kMaxSymlinkTargetBytes"));
}

// An inode, larger than any real one, that is full of attributes.
std::string RawInode(size_t count, const XattrEntry& entry) {
  std::string raw(kGoodOldInodeBytes + sizeof(InodeExtra), '\0');
  raw += AsBytes(le32::Of(kXattrMagic)).AsText();
  for (size_t i = 0; i < count; ++i) raw += AsBytes(entry).AsText();
  return raw;
}

TEST_F(LimitsTest, AttributesAreBounded) {
  Load("tiny");
  Inode inode = volume_->ReadInode(Find("/x")).value();
  ASSERT_NE(inode.xattr_block, 0U);
  const size_t in_block = ReadInodeXattrs(*volume_, inode, {}).size();
  ASSERT_GT(in_block, 0U);
  inode.extra_bytes = sizeof(InodeExtra);
  XattrEntry entry{};
  entry.e_name_index = kXattrUser;
  std::string raw = RawInode(limits::kMaxXattrsPerNode - in_block, entry);
  EXPECT_EQ(ReadInodeXattrs(*volume_, inode, ByteView::Of(raw)).size(), limits::kMaxXattrsPerNode);
  EXPECT_FALSE(sink_.HasLoss());
  raw = RawInode(limits::kMaxXattrsPerNode, entry);
  EXPECT_EQ(ReadInodeXattrs(*volume_, inode, ByteView::Of(raw)).size(), limits::kMaxXattrsPerNode);
  EXPECT_TRUE(Reported(DiagnosticCode::kExt4BadStructure, "kMaxXattrsPerNode"));
}

TEST_F(LimitsTest, ValuesOfAttributesAreBounded) {
  Load("tiny");
  Inode inode;
  inode.number = InodeNumber{12};
  inode.extra_bytes = sizeof(InodeExtra);
  XattrEntry entry{};
  entry.e_name_index = kXattrUser;
  entry.e_value_size = le32::Of(limits::kMaxXattrValueBytes + 1);
  std::string raw = RawInode(1, entry) + std::string(2 * limits::kMaxXattrValueBytes, 'v');
  EXPECT_TRUE(ReadInodeXattrs(*volume_, inode, ByteView::Of(raw)).empty());
  EXPECT_TRUE(Reported(DiagnosticCode::kExt4BadStructure, "kMaxXattrValueBytes"));
  // Every entry has the largest value, but they are the same bytes.
  entry.e_value_size = le32::Of(limits::kMaxXattrValueBytes);
  const size_t most = limits::kMaxXattrBytesPerNode / limits::kMaxXattrValueBytes;
  raw = RawInode(most + 1, entry) + std::string(sizeof(le32), '\0') +
        std::string(limits::kMaxXattrValueBytes, 'v');
  EXPECT_EQ(ReadInodeXattrs(*volume_, inode, ByteView::Of(raw)).size(), most);
  EXPECT_TRUE(Reported(DiagnosticCode::kExt4BadStructure, "kMaxXattrBytesPerNode"));
}

// A fast-commit area of blocks that are all padding.
class PaddingFile final : public File {
 public:
  static constexpr uint32_t kBlockBytes = 65536;
  uint64_t size_bytes() const override { return 2 * limits::kMaxFastCommitBytes; }
  Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    const FastCommitTagLength head{le16::Of(kFastCommitPad), le16::Of(kBlockBytes - sizeof(head))};
    std::ranges::fill(out, std::byte{0});
    for (size_t at = 0; at + sizeof(head) <= out.size(); at += kBlockBytes) {
      CopyBytes(out.subspan(at), AsBytes(head));
    }
    furthest = std::max(furthest, offset_bytes + out.size());
    return out.size();
  }
  std::span<const Run> runs() const override { return {}; }
  mutable uint64_t furthest = 0;
};

TEST(FastCommitLimitsTest, TheAreaIsReadOnlySoFar) {
  const PaddingFile file;
  JournalBlocks blocks(file, PaddingFile::kBlockBytes);
  JournalShape shape;
  shape.block_bytes = PaddingFile::kBlockBytes;
  shape.fast_commit_first = 0;
  shape.fast_commit_end = limits::kMaxFastCommitBytes / PaddingFile::kBlockBytes;
  EXPECT_EQ(ReadFastCommits(shape, blocks, 1).damage, "");
  ++shape.fast_commit_end;
  const FastCommitLog log = ReadFastCommits(shape, blocks, 1);
  EXPECT_THAT(log.damage, HasSubstr("kMaxFastCommitBytes"));
  EXPECT_EQ(log.bytes.size(), limits::kMaxFastCommitBytes);
}

}  // namespace
}  // namespace ekshume::fs::ext4
