// SPDX-License-Identifier: Apache-2.0
// What evidence may cost: structures that claim more than a limit end with a report of its name.
#include "base/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fs/path.h"
#include "fs/xfs/attribute.h"
#include "fs/xfs/da_format.h"
#include "fs/xfs/extent.h"
#include "fs/xfs/log_intents.h"
#include "fs/xfs/log_testing.h"
#include "fs/xfs/log_transactions.h"
#include "fs/xfs/testing_sample.h"
#include "fs/xfs/unlinked.h"

namespace ekshume::fs::xfs {
namespace {

using testing::BytesOf;
using ::testing::HasSubstr;
using testing::OpenXfs;
using testing::SampleBytes;
using testing::TestImage;

bool Reported(const DiagnosticSink& sink, DiagnosticCode code, std::string_view text) {
  return std::ranges::any_of(sink.Sorted(), [&](const Diagnostic& each) {
    return each.code == code && each.detail.contains(text);
  });
}

// The sample of version 5, read as it lies.
class LimitsTest : public ::testing::Test {
 protected:
  LimitsTest()
      : image_(SampleBytes("v5")),
        superblock_(
            ParseSuperblock(ByteView::Of(SampleBytes("v5")).Read<Dsb>(0).value(), false).value()) {}

  DiagnosticSink sink_;
  const TestImage image_;
  const Superblock superblock_;
  const Context context_{image_, superblock_, sink_};
  const InodeReader inodes_{context_};
};

TEST_F(LimitsTest, UnlinkedInodesAreBounded) {
  static_assert(UnlinkedLimits().inodes == limits::kMaxOrphans);
  EXPECT_EQ(ReadUnlinked(context_, inodes_).size(), 3U);
  EXPECT_FALSE(sink_.HasLoss());
  EXPECT_EQ(ReadUnlinked(context_, inodes_, {.inodes = 2}).size(), 2U);
  EXPECT_TRUE(Reported(sink_, DiagnosticCode::kFilesystemLimit, "kMaxOrphans"));
}

TEST_F(LimitsTest, ExtentsOfAFileAreBounded) {
  DiagnosticSink ignored;
  const auto filesystem = OpenXfs(image_, ignored, true).value();
  const auto node = ResolvePath(*filesystem, "/fragmented").value();
  const Inode inode = inodes_.Read(static_cast<uint64_t>(node)).value();
  const auto all = ReadExtents(context_, inode, Fork::kData, limits::kMaxExtentsPerFile).value();
  ASSERT_GT(all.size(), 10U);
  EXPECT_FALSE(sink_.HasLoss());
  const auto some = ReadExtents(context_, inode, Fork::kData, all.size() - 1).value();
  EXPECT_EQ(some.size(), all.size() - 1);
  EXPECT_TRUE(Reported(sink_, DiagnosticCode::kFilesystemLimit, "kMaxExtentsPerFile"));
}

TEST_F(LimitsTest, ExtentTreesAreOnlySoDeep) {
  Inode inode;
  inode.core.di_format = kDinodeFmtBtree;
  std::string fork = BytesOf(BmdrBlock{be16::Of(limits::kMaxTreeDepth + 1), be16::Of(1)});
  fork.resize(100);
  inode.data_fork = ByteView::Of(fork);
  const auto extents = ReadExtents(context_, inode, Fork::kData);
  ASSERT_FALSE(extents.has_value());
  EXPECT_THAT(extents.error().message, HasSubstr("kMaxTreeDepth"));
}

// Allocation groups of one block each, all in order.
class Groups final : public image::Image {
 public:
  static constexpr uint32_t kCount = 5;
  static constexpr uint64_t kGroupBytes = 4096;
  uint64_t size_bytes() const override { return kCount * kGroupBytes; }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    Agi agi{};
    agi.agi_magicnum = be32::Of(kAgiMagic);
    agi.agi_seqno = be32::Of(static_cast<uint32_t>(offset_bytes / kGroupBytes));
    agi.agi_unlinked.fill(be32::Of(kNullAgInode));
    std::ranges::fill(out, std::byte{0});
    CopyBytes(out, AsBytes(agi));
    return {};
  }

 private:
  const std::string name_ = "groups";
};

TEST(GroupLimitsTest, OnlySoManyAreLookedAt) {
  const Groups image;
  Superblock superblock;
  superblock.block_log = 12;
  superblock.block_bytes = Groups::kGroupBytes;
  superblock.sector_bytes = 512;
  superblock.ag_blocks = 1;
  superblock.ag_count = Groups::kCount;
  superblock.data_blocks = Groups::kCount;
  DiagnosticSink sink;
  const Context context{image, superblock, sink};
  static_assert(UnlinkedLimits().groups == limits::kMaxAllocationGroups);
  EXPECT_TRUE(ReadUnlinked(context, InodeReader(context)).empty());
  EXPECT_TRUE(sink.Sorted().empty());
  EXPECT_TRUE(ReadUnlinked(context, InodeReader(context), {.groups = 3}).empty());
  const auto reported = sink.Sorted();
  ASSERT_EQ(reported.size(), 1U) << "every group that was looked at is sound";
  EXPECT_EQ(reported[0].code, DiagnosticCode::kFilesystemLimit);
  EXPECT_EQ(reported[0].detail, "kMaxAllocationGroups");
  EXPECT_EQ(reported[0].offset_bytes,
            3 * Groups::kGroupBytes + uint64_t{2} * superblock.sector_bytes);
}

// An attribute fork of version 4 in blocks of 64 KiB.
class AttributeLimitsTest : public ::testing::Test {
 protected:
  static constexpr size_t kBlockBytes = 65536;
  static constexpr size_t kBlocks = 32;

  AttributeLimitsTest() : blocks_(kBlockBytes * kBlocks, '\0') {
    superblock_.version = 4;
    superblock_.block_log = 16;
    superblock_.block_bytes = kBlockBytes;
    superblock_.ag_blocks = kBlocks;
    superblock_.ag_block_log = 5;
    superblock_.ag_count = 1;
    superblock_.data_blocks = kBlocks;
  }

  template <typename T>
  void Put(size_t block, size_t offset, const T& value) {
    blocks_.replace(block * kBlockBytes + offset, sizeof(T), BytesOf(value));
  }
  // A leaf of `count` entries that all are the same attribute.
  template <typename T>
  void PutLeaf(size_t block, size_t count, uint8_t flags, const T& name) {
    constexpr uint16_t kNameOffset = 60000;
    AttrLeafHdr header{};
    header.info.magic = be16::Of(kAttrLeafMagic);
    header.count = be16::Of(static_cast<uint16_t>(count));
    Put(block, 0, header);
    for (size_t i = 0; i < count; ++i) {
      Put(block, sizeof(header) + i * sizeof(AttrLeafEntry),
          AttrLeafEntry{{}, be16::Of(kNameOffset), flags, 0});
    }
    Put(block, kNameOffset, name);
    Put(block, kNameOffset + sizeof(T), 'n');
  }
  void PutNode(size_t block, size_t level, size_t child) {
    DaNodeHdr header{};
    header.info.magic = be16::Of(kDaNodeMagic);
    header.counts = {be16::Of(1), be16::Of(static_cast<uint16_t>(level))};
    Put(block, 0, header);
    Put(block, sizeof(header), DaNodeEntry{{}, be32::Of(static_cast<uint32_t>(child))});
  }
  // A tree of `levels` nodes, one below the other, with a leaf of one attribute at its end.
  void PutChain(size_t levels) {
    for (size_t i = 0; i < levels; ++i) PutNode(i, levels - i, i + 1);
    PutLeaf(levels, 1, kAttrLocal, kLocal);
  }

  std::vector<Xattr> Read() {
    sink_ = std::make_unique<DiagnosticSink>();
    const TestImage image(blocks_);
    const Context context{image, superblock_, *sink_};
    const std::string fork = BytesOf(BmbtRec{be64::Of(0), be64::Of(kBlocks)});
    Inode inode;
    inode.core.di_aformat = kDinodeFmtExtents;
    inode.attr_extents = 1;
    inode.attr_fork = ByteView::Of(fork);
    return ReadAttributes(context, inode).value();
  }

  static constexpr AttrLeafNameLocal kLocal{{}, 1};
  std::string blocks_;
  Superblock superblock_;
  std::unique_ptr<DiagnosticSink> sink_;
};

TEST_F(AttributeLimitsTest, AttributesAreBounded) {
  PutLeaf(0, limits::kMaxXattrsPerNode, kAttrLocal, kLocal);
  EXPECT_EQ(Read().size(), limits::kMaxXattrsPerNode);
  EXPECT_FALSE(sink_->HasLoss());
  PutLeaf(0, limits::kMaxXattrsPerNode + 1, kAttrLocal, kLocal);
  EXPECT_EQ(Read().size(), limits::kMaxXattrsPerNode);
  EXPECT_TRUE(Reported(*sink_, DiagnosticCode::kFilesystemLimit, "kMaxXattrsPerNode"));
}

TEST_F(AttributeLimitsTest, ValuesAreBounded) {
  const auto name = [](size_t length) {
    return AttrLeafNameRemote{be32::Of(1), be32::Of(static_cast<uint32_t>(length)), 1};
  };
  PutLeaf(0, 1, 0, name(limits::kMaxXattrValueBytes));
  ASSERT_EQ(Read().size(), 1U);
  EXPECT_EQ(Read()[0].value.size(), limits::kMaxXattrValueBytes);
  PutLeaf(0, 1, 0, name(limits::kMaxXattrValueBytes + 1));
  EXPECT_TRUE(Read().empty());
  EXPECT_TRUE(Reported(*sink_, DiagnosticCode::kXfsBadStructure, "kMaxXattrValueBytes"));
}

TEST_F(AttributeLimitsTest, HashTreesAreOnlySoDeep) {
  PutChain(limits::kMaxTreeDepth);
  EXPECT_EQ(Read().size(), 1U);
  EXPECT_FALSE(sink_->HasLoss());
  PutChain(limits::kMaxTreeDepth + 1);
  EXPECT_TRUE(Read().empty());
  EXPECT_TRUE(Reported(*sink_, DiagnosticCode::kFilesystemLimit, "kMaxTreeDepth"));
}

// Nothing but a hole.
class HoleImage final : public image::Image {
 public:
  explicit HoleImage(uint64_t size_bytes) : size_bytes_(size_bytes) {}
  uint64_t size_bytes() const override { return size_bytes_; }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t /*offset_bytes*/, std::span<std::byte> out) const override {
    std::ranges::fill(out, std::byte{0});
    return {};
  }
  uint64_t NextData(uint64_t /*offset_bytes*/) const override { return size_bytes_; }

 private:
  const uint64_t size_bytes_;
  const std::string name_ = "hole";
};

TEST(SuperblockLimitsTest, ALostOneIsLookedForOnlySoFar) {
  DiagnosticSink sink;
  const auto whole = ReadSuperblock(HoleImage(limits::kMaxSuperblockScanBytes), false, sink);
  ASSERT_FALSE(whole.has_value());
  EXPECT_THAT(whole.error().message, ::testing::Not(HasSubstr("kMaxSuperblockScanBytes")));
  const auto part = ReadSuperblock(HoleImage(limits::kMaxSuperblockScanBytes + 1), false, sink);
  ASSERT_FALSE(part.has_value());
  EXPECT_THAT(part.error().message, HasSubstr("kMaxSuperblockScanBytes"));
}

TEST_F(LimitsTest, IntentsAreBounded) {
  // One transaction that begins one operation more than may be.
  std::string data;
  uint32_t count = 0;
  const auto add = [&](const testing::Operation& operation) {
    data += BytesOf(XlogOpHeader{be32::Of(operation.tid),
                                 be32::Of(static_cast<uint32_t>(operation.bytes.size())),
                                 operation.client,
                                 operation.flags,
                                 {}});
    data += operation.bytes;
    ++count;
  };
  add(testing::Start(7));
  add(testing::Header(7));
  for (uint64_t id = 0; id <= limits::kMaxLogIntents; ++id) {
    add(testing::Region(7,
                        BytesOf(IntentLogHeader{le16::Of(kLiEfi), le16::Of(1), {}, le64::Of(id)})));
  }
  add(testing::Commit(7));
  LogIntents intents;
  Result<void> added;
  TransactionAssembler assembler([&](const LogTransaction& transaction) -> Result<void> {
    EXPECT_EQ(transaction.items().size(), limits::kMaxLogIntents + 1);
    for (const LogTransaction::Item& item : transaction.items()) {
      added = intents.Add(transaction, item);
      if (!added) break;
    }
    return added;
  });
  LogRecord record;
  record.operation_count = count;
  EXPECT_EQ(assembler.AddRecord(record, ByteView::Of(data)).error().code, ErrorCode::kLimit);
  ASSERT_FALSE(added.has_value());
  EXPECT_THAT(added.error().message, HasSubstr("kMaxLogIntents"));
  EXPECT_EQ(intents.unfinished_count(), limits::kMaxLogIntents);
}

}  // namespace
}  // namespace ekshume::fs::xfs
