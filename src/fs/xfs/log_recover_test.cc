// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_recover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "fs/xfs/checksum.h"
#include "fs/xfs/da_format.h"
#include "fs/xfs/log_metadata.h"
#include "fs/xfs/log_testing.h"
#include "fs/xfs/testing_sample.h"

namespace ekshume::fs::xfs {
namespace {

using testing::BytesOf;
using testing::Commit;
using ::testing::HasSubstr;
using testing::Header;
using testing::LogWriter;
using testing::Operation;
using testing::Region;
using testing::Start;
using testing::Transaction;

constexpr uint32_t kCycle = 9;
constexpr Lsn kNewer = Lsn{kCycle + 1} << 32;

// Items of every kind, on a sample filesystem of version 5 whose log is written by hand.
class LogItemTest : public ::testing::Test {
 protected:
  LogItemTest()
      : image_(testing::SampleBytes("v5")),
        superblock_(ParseSuperblock(ByteView::Of(image_).Read<Dsb>(0).value(), false).value()),
        log_(image_, superblock_) {
    log_.BeginAt(0, kCycle);
  }

  void Replay() {
    const testing::TestImage device(image_);
    image::PatchedImage patched(device);
    const auto replay = ReplayLog(device, superblock_, patched, sink_);
    ASSERT_TRUE(replay.has_value()) << replay.error().message;
    replay_ = *replay;
    replayed_.resize(image_.size());
    ASSERT_TRUE(patched.ReadAt(0, AsWritableBytes(replayed_)).has_value());
    for (const Diagnostic& diagnostic : sink_.Sorted()) {
      details_ += fmt::format("{}: {}\n", DiagnosticCodeName(diagnostic.code), diagnostic.detail);
    }
  }
  template <typename T>
  T Replayed(uint64_t offset) const {
    return ByteView::Of(replayed_).Read<T>(offset).value();
  }
  template <typename T>
  T OnDisk(uint64_t offset) const {
    return ByteView::Of(image_).Read<T>(offset).value();
  }
  template <typename T>
  void Store(uint64_t offset, const T& value) {
    image_.replace(offset, sizeof(T), BytesOf(value));
  }

  // A buffer item that logs the 128-byte chunks `chunks` of the buffer at `offset`.
  static std::vector<std::string> Buffer(uint64_t offset, uint32_t bytes, uint16_t flags,
                                         const std::vector<uint32_t>& chunks,
                                         const std::vector<std::string>& regions) {
    BufLogFormat format{};
    format.blf_type = le16::Of(kLiBuf);
    format.blf_size = le16::Of(static_cast<uint16_t>(1 + regions.size()));
    format.blf_flags = le16::Of(flags);
    format.blf_len = le16::Of(static_cast<uint16_t>(bytes / kBasicBlockBytes));
    format.blf_blkno = le64::Of(offset / kBasicBlockBytes);
    std::vector<uint32_t> map((bytes / kBlfChunkBytes + 31) / 32);
    for (const uint32_t chunk : chunks) map[chunk / 32] |= uint32_t{1} << chunk % 32;
    format.blf_map_size = le32::Of(static_cast<uint32_t>(map.size()));
    std::string description = BytesOf(format);
    for (const uint32_t word : map) description += BytesOf(le32::Of(word));
    std::vector<std::string> all = {description};
    all.insert(all.end(), regions.begin(), regions.end());
    return all;
  }
  static constexpr uint16_t Flags(Blft type, uint16_t flags = 0) {
    return static_cast<uint16_t>(static_cast<unsigned>(type) << kBlftShift | flags);
  }
  static std::string Chunk(char fill) { return std::string(kBlfChunkBytes, fill); }

  uint64_t agi_offset() const { return superblock_.AgHeaderToByte(1, 2); }
  // A block that no test sample uses: the last one of the filesystem.
  uint64_t free_offset() const { return superblock_.AgBlockToByte(1, superblock_.AgLength(1) - 8); }

  std::string image_;
  const Superblock superblock_;
  LogWriter log_;
  DiagnosticSink sink_;
  LogReplay replay_;
  std::string replayed_;
  std::string details_;
};

TEST_F(LogItemTest, CopiesLoggedChunksOfABuffer) {
  const auto item = Buffer(free_offset(), 1024, Flags(Blft::kUnknown), {1, 2, 5},
                           {Chunk('a') + Chunk('b'), Chunk('c')});
  log_.Write(Transaction(7, item));
  Replay();
  EXPECT_EQ(replay_.state, "replayed") << details_;
  std::string expected = image_.substr(free_offset(), 1024);
  expected.replace(128, 256, Chunk('a') + Chunk('b')).replace(640, 128, Chunk('c'));
  EXPECT_EQ(replayed_.substr(free_offset(), 1024), expected);
}

TEST_F(LogItemTest, ARunOfChunksMayBeSeveralRegions) {
  const auto item = Buffer(free_offset(), 1024, Flags(Blft::kUnknown), {1, 2, 3},
                           {Chunk('a'), Chunk('b') + Chunk('c')});
  log_.Write(Transaction(7, item));
  Replay();
  EXPECT_EQ(replayed_.substr(free_offset() + 128, 384), Chunk('a') + Chunk('b') + Chunk('c'));
}

TEST_F(LogItemTest, LeavesOutRegionsThatDoNotFit) {
  for (const auto& item :
       {Buffer(free_offset(), 512, 0, {3, 4}, {Chunk('a') + Chunk('b')}),
        Buffer(free_offset(), 512, 0, {1}, {"short"}), Buffer(free_offset(), 512, 0, {1}, {}),
        Buffer(image_.size(), 512, 0, {0}, {Chunk('a')}),
        Buffer(uint64_t{1} << 63, 512, 0, {0}, {Chunk('a')})}) {
    log_.Write(Transaction(7, item));
  }
  Replay();
  EXPECT_EQ(replay_.state, "damaged");
  EXPECT_EQ(replay_.buffer_count, 0U);
  EXPECT_EQ(replayed_, image_);
  EXPECT_EQ(sink_.Count(DiagnosticCode::kXfsLogDamaged), 5U) << details_;
}

TEST_F(LogItemTest, DoesNotReplayBuffersThatWereCancelledLater) {
  const auto buffer = [&](char fill) {
    return Buffer(free_offset(), 512, Flags(Blft::kUnknown), {0}, {Chunk(fill)});
  };
  const auto cancel = Buffer(free_offset(), 512, kBlfCancel, {}, {});
  log_.Write(Transaction(7, buffer('a')));
  log_.Write(Transaction(8, cancel));
  Replay();
  EXPECT_EQ(replay_.cancelled_count, 1U);
  EXPECT_EQ(replayed_, image_);
  log_.Write(Transaction(9, buffer('b')));
  Replay();
  EXPECT_EQ(replayed_.substr(free_offset(), 128), Chunk('b')) << "used again after it was freed";
  log_.Write(Transaction(10, cancel));
  Replay();
  EXPECT_EQ(replay_.cancelled_count, 2U);
  EXPECT_EQ(replayed_, image_);
}

TEST_F(LogItemTest, StampsBuffersWithTheirLsnAndChecksum) {
  const Lsn lsn = log_.lsn();
  std::string chunk = image_.substr(agi_offset(), kBlfChunkBytes);
  chunk.replace(offsetof(Agi, agi_newino), 4, "\1\2\3\4");
  log_.Write(Transaction(7, Buffer(agi_offset(), 512, Flags(Blft::kAgi), {0}, {chunk})));
  Replay();
  const auto agi = Replayed<Agi>(agi_offset());
  EXPECT_EQ(agi.agi_newino.value(), 0x01020304U);
  EXPECT_EQ(agi.agi_lsn.value(), lsn);
  EXPECT_TRUE(ChecksumMatches(ByteView::Of(replayed_).From(agi_offset()).First(512),
                              offsetof(Agi, agi_crc)));
}

TEST_F(LogItemTest, LeavesBuffersThatAreNewerOnDisk) {
  Agi agi = OnDisk<Agi>(agi_offset());
  agi.agi_lsn = be64::Of(kNewer);
  Store(agi_offset(), agi);
  log_.Write(Transaction(7, Buffer(agi_offset(), 512, Flags(Blft::kAgi), {0}, {Chunk('x')})));
  Replay();
  EXPECT_EQ(replay_.newer_on_disk_count, 1U);
  EXPECT_EQ(replayed_, image_);
  // Of another filesystem: what lies there says nothing about this log.
  agi.agi_uuid[0] ^= std::byte{1};
  Store(agi_offset(), agi);
  Replay();
  EXPECT_EQ(replayed_.substr(agi_offset(), 128), Chunk('x'));
}

TEST_F(LogItemTest, CheckpointsOfOneLsnAreAllReplayed) {
  std::string chunk = image_.substr(agi_offset(), kBlfChunkBytes);
  std::vector<Operation> operations;
  for (uint32_t tid = 7; tid < 10; ++tid) {
    chunk[offsetof(Agi, agi_newino)] = static_cast<char>(tid);
    const auto transaction =
        Transaction(tid, Buffer(agi_offset(), 512, Flags(Blft::kAgi), {0}, {chunk}));
    operations.insert(operations.end(), transaction.begin(), transaction.end());
  }
  log_.Write(operations);
  Replay();
  EXPECT_EQ(replay_.buffer_count, 3U);
  EXPECT_EQ(Replayed<Agi>(agi_offset()).agi_newino.value() >> 24, 9U);
}

TEST_F(LogItemTest, InodeBuffersOnlyCarryUnlinkedLists) {
  const uint64_t slot = superblock_.LocateInode(superblock_.root_inode)->byte_offset;
  std::string chunk(kBlfChunkBytes, 'x');
  chunk.replace(offsetof(Dinode, di_next_unlinked), 4, "\0\0\1\7", 4);
  log_.Write(Transaction(7, Buffer(slot, 1024, Flags(Blft::kDino, kBlfInodeBuf), {0}, {chunk})));
  Replay();
  EXPECT_EQ(replay_.state, "replayed") << details_;
  Dinode expected = OnDisk<Dinode>(slot);
  const auto inode = Replayed<Dinode>(slot);
  expected.di_next_unlinked = be32::Of(0x107);
  expected.di_crc = inode.di_crc;
  EXPECT_EQ(BytesOf(inode), BytesOf(expected));
  EXPECT_TRUE(ChecksumMatches(ByteView::Of(replayed_).From(slot).First(superblock_.inode_bytes),
                              offsetof(Dinode, di_crc)));
}

TEST_F(LogItemTest, MakesNewInodeChunks) {
  const uint32_t blocks = 64 / superblock_.inodes_per_block;
  const uint32_t ag_block = superblock_.AgLength(1) - blocks;
  IcreateLog create{le16::Of(kLiIcreate), le16::Of(1),     be32::Of(1),
                    be32::Of(ag_block),   be32::Of(64),    be32::Of(superblock_.inode_bytes),
                    be32::Of(blocks),     be32::Of(0x1234)};
  log_.Write(Transaction(7, {BytesOf(create)}));
  create.icl_agbno = be32::Of(superblock_.AgLength(1));
  log_.Write(Transaction(8, {BytesOf(create)}));
  Replay();
  EXPECT_EQ(replay_.state, "damaged");
  EXPECT_THAT(details_, HasSubstr("it makes 64 inodes of 512 bytes in 32 blocks"));
  const uint64_t first = superblock_.InodeNumber(1, ag_block * superblock_.inodes_per_block);
  for (uint64_t ino = first; ino < first + 64; ++ino) {
    const uint64_t slot = superblock_.LocateInode(ino)->byte_offset;
    const auto inode = Replayed<Dinode>(slot);
    ASSERT_EQ(inode.di_magic.value(), kDinodeMagic);
    ASSERT_EQ(inode.di_ino.value(), ino);
    ASSERT_EQ(inode.di_gen.value(), 0x1234U);
    ASSERT_EQ(inode.di_mode.value(), 0U);
    ASSERT_TRUE(ChecksumMatches(ByteView::Of(replayed_).From(slot).First(superblock_.inode_bytes),
                                offsetof(Dinode, di_crc)));
  }
}

// An inode whose extent tree is to get another owner, with a root of so many levels. Each node's
// pointers all lead to the one node of the level below it.
TEST_F(LogItemTest, ChangesTheOwnerOfOnlySoManyBlocks) {
  const uint64_t slot = superblock_.LocateInode(superblock_.root_inode)->byte_offset;
  const size_t room = (superblock_.block_bytes - sizeof(BtreeLongCrcBlock)) / 16;
  const size_t root_room = (superblock_.inode_bytes - sizeof(Dinode) - sizeof(BmdrBlock)) / 16;
  const uint32_t first = superblock_.AgLength(1) - 8;
  const auto pointer_to = [&](uint16_t level) {
    return be64::Of(uint64_t{1} << superblock_.ag_block_log | (first + level));
  };
  constexpr uint16_t kLevels = 4;
  size_t visits = root_room;
  for (uint16_t level = 0; level < kLevels; ++level) {
    const uint64_t at = superblock_.AgBlockToByte(1, first + level);
    BtreeLongCrcBlock block{};
    block.bb_long.bb_header = {be32::Of(kBmapCrcMagic), be16::Of(level),
                               be16::Of(static_cast<uint16_t>(room))};
    Store(at, block);
    if (level == 0) continue;
    visits *= room;
    for (size_t i = 0; i < room; ++i) {
      Store(at + sizeof(block) + (room + i) * 8, pointer_to(static_cast<uint16_t>(level - 1)));
    }
  }
  ASSERT_GT(visits, limits::kMaxLogOwnerChanges);
  Dinode core = OnDisk<Dinode>(slot);
  core.di_format = kDinodeFmtBtree;
  core.di_forkoff = 0;
  core.di_lsn = be64::Of(kNewer);  // so that the logged core need not be whole
  Store(slot, core);
  for (size_t i = 0; i < root_room; ++i) {
    Store(slot + sizeof(Dinode) + sizeof(BmdrBlock) + (root_room + i) * 8, pointer_to(kLevels - 1));
  }
  InodeLogFormat format{};
  format.ilf_type = le16::Of(kLiInode);
  format.ilf_size = le16::Of(2);
  format.ilf_fields = le32::Of(kIlogDowner);
  format.ilf_ino = le64::Of(superblock_.root_inode);
  format.ilf_blkno = le64::Of(slot / kBasicBlockBytes);
  format.ilf_len = le32::Of(16);
  format.ilf_boffset = le32::Of(slot % kBasicBlockBytes);
  LogDinode logged{};
  logged.di_magic = le16::Of(kDinodeMagic);
  logged.di_version = 3;
  log_.Write(Transaction(7, {BytesOf(format), BytesOf(logged)}));
  for (const auto& [levels, limit] :
       {std::pair<uint16_t, std::string>{kLevels, "kMaxLogOwnerChanges"},
        {limits::kMaxTreeDepth + 1, "kMaxTreeDepth"}}) {
    Store(slot + sizeof(Dinode),
          BmdrBlock{be16::Of(levels), be16::Of(static_cast<uint16_t>(root_room))});
    details_.clear();
    Replay();
    EXPECT_EQ(replay_.state, "damaged");
    EXPECT_GE(sink_.Count(DiagnosticCode::kXfsLogDamaged), 1U);
    EXPECT_THAT(details_, HasSubstr(limit));
  }
}

TEST_F(LogItemTest, SkipsQuotas) {
  log_.Write(Transaction(7, {BytesOf(LogItemHeader{le16::Of(kLiDquot), le16::Of(2)}), "dquot"}));
  log_.Write(
      Transaction(8, Buffer(free_offset(), 512, Flags(Blft::kUdquot, 4), {0}, {Chunk('q')})));
  Replay();
  EXPECT_EQ(replay_.state, "replayed") << details_;
  EXPECT_EQ(replay_.dquot_count, 2U);
  EXPECT_EQ(replayed_, image_);
}

TEST(LogMetadataTest, FindsEveryKindOfBlock) {
  const auto block = [](size_t offset, auto magic) {
    std::string bytes(512, '\0');
    return bytes.replace(offset, sizeof(magic), BytesOf(magic));
  };
  const std::vector<std::tuple<std::string, size_t, size_t>> kinds = {
      {block(0, be32::Of(kIbtCrcMagic)), 24, 52},   {block(0, be32::Of(kBmapCrcMagic)), 32, 64},
      {block(0, be32::Of(kAgfMagic)), 208, 216},    {block(0, be32::Of(kAgiMagic)), 320, 312},
      {block(0, be32::Of(kAgflMagic)), 24, 32},     {block(0, be32::Of(kDir3DataMagic)), 16, 4},
      {block(0, be32::Of(kSymlinkMagic)), 48, 12},  {block(0, be32::Of(kSbMagic)), 240, 224},
      {block(8, be16::Of(kDir3Leaf1Magic)), 24, 12}};
  for (const auto& [bytes, lsn_offset, crc_offset] : kinds) {
    std::string stamped = bytes;
    StampMetadata(AsWritableBytes(stamped), 0x123, 4096);
    EXPECT_EQ(ByteView::Of(stamped).Read<be64>(lsn_offset)->value(), 0x123U) << lsn_offset;
    EXPECT_TRUE(ChecksumMatches(ByteView::Of(stamped), crc_offset)) << crc_offset;
    EXPECT_EQ(MetadataLsn(ByteView::Of(stamped), Uuid{}), Lsn{0x123});
    // Nothing that is shorter than the smallest header is a block.
    for (size_t size = 0; size < sizeof(Agfl); ++size) {
      EXPECT_EQ(LayoutOf(ByteView::Of(stamped).First(size)), std::nullopt);
    }
  }
  EXPECT_EQ(LayoutOf(ByteView::Of(std::string(512, 'x'))), std::nullopt);
}

}  // namespace
}  // namespace ekshume::fs::xfs
