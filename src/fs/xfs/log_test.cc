// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "fs/xfs/checksum.h"
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

// A sample filesystem whose log is written by hand. What was in its log has reached the disk, as
// the sample was taken while it was frozen.
class LogTest : public ::testing::TestWithParam<std::string> {
 protected:
  LogTest()
      : image_(testing::SampleBytes(GetParam())),
        superblock_(ParseSuperblock(ByteView::Of(image_).Read<Dsb>(0).value(), false).value()),
        log_(image_, superblock_) {
    Restart();
  }

  // Clears the log. In version 5 it goes on in a cycle that no metadata on the disk has seen, so
  // that what is logged is newer; in version 4 it was never written to.
  void Restart() {
    log_ = LogWriter(image_, superblock_);
    if (superblock_.has_crc) {
      log_.BeginAt(0, kCycle);
    } else {
      log_.set_version(kXlogVersion1);
    }
  }
  static constexpr uint32_t kCycle = 9;

  uint64_t root_offset() const {
    return superblock_.LocateInode(superblock_.root_inode)->byte_offset;
  }
  Dinode RootCore() const { return ByteView::Of(image_).Read<Dinode>(root_offset()).value(); }

  // The regions of an inode item that gives the root directory another owner.
  std::vector<std::string> RootOwner(uint32_t uid) const {
    const Dinode core = RootCore();
    LogDinode logged{};
    logged.di_magic = le16::Of(kDinodeMagic);
    logged.di_mode = le16::Of(core.di_mode.value());
    logged.di_version = core.di_version;
    logged.di_format = core.di_format;
    logged.di_uid = le32::Of(uid);
    logged.di_nlink = le32::Of(core.di_nlink.value());
    logged.di_big_nextents =
        le64::Of(superblock_.has_crc ? core.di_big_nextents.value() : uint64_t{0xffff} << 48);
    logged.di_size = le64::Of(core.di_size.value());
    logged.di_nblocks = le64::Of(core.di_nblocks.value());
    logged.di_nextents = le32::Of(core.di_nextents.value());
    logged.di_anextents = le16::Of(core.di_anextents.value());
    logged.di_forkoff = core.di_forkoff;
    logged.di_aformat = core.di_aformat;
    logged.di_next_unlinked = le32::Of(kNullAgInode);
    logged.di_flags2 = le64::Of(core.di_flags2.value());
    logged.di_ino = le64::Of(superblock_.root_inode);
    logged.di_uuid = superblock_.meta_uuid;
    InodeLogFormat format{};
    format.ilf_type = le16::Of(kLiInode);
    format.ilf_size = le16::Of(2);
    format.ilf_fields = le32::Of(kIlogCore);
    format.ilf_ino = le64::Of(superblock_.root_inode);
    format.ilf_blkno = le64::Of(root_offset() / kBasicBlockBytes);
    format.ilf_len = le32::Of(16);
    format.ilf_boffset = le32::Of(root_offset() % kBasicBlockBytes);
    return {BytesOf(format),
            BytesOf(logged).substr(0, superblock_.has_crc ? sizeof(LogDinode)
                                                          : offsetof(LogDinode, di_next_unlinked))};
  }

  // Writes the last record of a good log, so that nothing in front of it is the torn head.
  void WriteOwner(uint32_t tid, uint32_t uid) { log_.Write(Transaction(tid, RootOwner(uid))); }

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
  uint32_t ReplayedOwner() const {
    return ByteView::Of(replayed_).Read<Dinode>(root_offset())->di_uid.value();
  }

  std::string image_;
  const Superblock superblock_;
  LogWriter log_;
  DiagnosticSink sink_;
  LogReplay replay_;
  std::string replayed_;
  std::string details_;
};

TEST_P(LogTest, AnEmptyLogIsClean) {
  log_ = LogWriter(image_, superblock_);
  Replay();
  EXPECT_EQ(replay_.state, "clean");
  EXPECT_EQ(replayed_, image_);
  EXPECT_EQ(details_, "");
}

TEST_P(LogTest, AnUnmountRecordAtTheHeadIsClean) {
  WriteOwner(7, 1234);
  log_.Write({testing::Unmount()});
  Replay();
  EXPECT_EQ(replay_.state, "clean");
  EXPECT_EQ(replayed_, image_);
  EXPECT_EQ(details_, "");
}

TEST_P(LogTest, ReplaysACommittedInode) {
  const Lsn lsn = log_.lsn();
  WriteOwner(7, 1234);
  Replay();
  EXPECT_EQ(replay_.state, "replayed");
  EXPECT_EQ(replay_.transaction_count, 1U);
  EXPECT_EQ(replay_.inode_count, 1U);
  EXPECT_EQ(ReplayedOwner(), 1234U);
  EXPECT_EQ(sink_.Count(DiagnosticCode::kXfsLogReplayed), 1U) << details_;
  if (superblock_.has_crc) {
    const ByteView slot = ByteView::Of(replayed_).From(root_offset());
    EXPECT_TRUE(ChecksumMatches(slot.First(superblock_.inode_bytes), offsetof(Dinode, di_crc)));
    EXPECT_EQ(slot.Read<Dinode>(0)->di_lsn.value(), lsn);
  }
}

TEST_P(LogTest, ReplaysInOrder) {
  WriteOwner(7, 1);
  WriteOwner(8, 2);
  WriteOwner(9, 3);
  Replay();
  EXPECT_EQ(replay_.record_count, 3U);
  EXPECT_EQ(ReplayedOwner(), 3U);
}

TEST_P(LogTest, LeavesOutWhatIsNotCommitted) {
  WriteOwner(7, 1);
  auto operations = Transaction(8, RootOwner(2));
  operations.pop_back();
  log_.Write(operations);
  Replay();
  EXPECT_EQ(replay_.state, "replayed");
  EXPECT_EQ(replay_.uncommitted_transaction_count, 1U);
  EXPECT_EQ(ReplayedOwner(), 1U);
}

TEST_P(LogTest, LeavesOutTheRestOfATransactionThatBeganBeforeTheTail) {
  log_.Write({Region(7, "rest of something"), Commit(7)});
  WriteOwner(8, 2);
  Replay();
  EXPECT_EQ(replay_.state, "replayed");
  EXPECT_EQ(replay_.transaction_count, 1U);
  EXPECT_EQ(ReplayedOwner(), 2U);
}

TEST_P(LogTest, PutsInterleavedTransactionsTogether) {
  const auto one = RootOwner(1);
  const auto two = RootOwner(2);
  log_.Write({Start(7), Start(8), Header(8), Region(8, two[0]), Header(7)});
  log_.Write({Region(7, one[0]), Region(8, two[1]), Region(7, one[1]), Commit(8)});
  log_.Write({Commit(7)});
  Replay();
  EXPECT_EQ(replay_.transaction_count, 2U);
  EXPECT_EQ(ReplayedOwner(), 1U) << "transactions are replayed in the order of their commits";
}

TEST_P(LogTest, PutsRegionsTogetherThatWereSplitOverRecords) {
  const auto regions = RootOwner(1234);
  const Operation header = Header(7);
  log_.Write({Start(7), {7, kXlogContinueTrans, header.bytes.substr(0, 6)}});
  log_.Write({{7, kXlogWasContTrans | kXlogEndTrans, header.bytes.substr(6)},
              Region(7, regions[0]),
              {7, kXlogContinueTrans, regions[1].substr(0, 10)}});
  log_.Write({{7, kXlogWasContTrans | kXlogContinueTrans, regions[1].substr(10, 50)}});
  log_.Write({{7, kXlogWasContTrans | kXlogEndTrans, regions[1].substr(60)}, Commit(7)});
  Replay();
  EXPECT_EQ(replay_.state, "replayed") << details_;
  EXPECT_EQ(ReplayedOwner(), 1234U);
}

TEST_P(LogTest, GoesAroundTheEnd) {
  log_.BeginAt(log_.block_count() - 5, kCycle);
  for (uint32_t uid = 1; uid <= 10; ++uid) WriteOwner(uid, uid);
  ASSERT_LT(log_.block(), 100U);
  Replay();
  EXPECT_EQ(replay_.state, "replayed") << details_;
  EXPECT_EQ(replay_.record_count, 10U);
  EXPECT_EQ(ReplayedOwner(), 10U);
  EXPECT_EQ(LsnCycle(replay_.head_lsn), kCycle + 1);
  EXPECT_EQ(LsnBlock(replay_.head_lsn), log_.block());
}

// Every block where a record can begin: header or data may lie on either side of the end.
TEST_P(LogTest, RecordsMayStraddleTheEndAnywhere) {
  for (uint32_t before = 1; before <= 12; ++before) {
    Restart();
    if (superblock_.has_crc) log_.set_buffer_bytes(128 << 10);
    log_.BeginAt(log_.block_count() - before, kCycle);
    WriteOwner(7, 77);
    WriteOwner(8, 88);
    Replay();
    EXPECT_EQ(replay_.state, "replayed") << before << details_;
    EXPECT_EQ(replay_.record_count, 2U) << before;
    EXPECT_EQ(ReplayedOwner(), 88U) << before;
  }
}

TEST_P(LogTest, DropsATornRecordAtTheHead) {
  WriteOwner(7, 1);
  const uint32_t torn = log_.block();
  WriteOwner(8, 2);
  image_[log_.OffsetOf(torn + 1) + 100] ^= 1;
  Replay();
  EXPECT_EQ(replay_.state, "replayed") << details_;
  EXPECT_EQ(ReplayedOwner(), 1U);
  EXPECT_EQ(LsnBlock(replay_.head_lsn), torn);
  EXPECT_THAT(details_, HasSubstr("incomplete records (xfs: bad checksum"));
}

TEST_P(LogTest, EndsBeforeBlocksThatWereNeverWritten) {
  log_.BeginAt(40, kCycle);
  WriteOwner(7, 1);
  const uint32_t hole = log_.block();
  WriteOwner(8, 2);
  WriteOwner(9, 3);
  // The second record's first block still has what was there a cycle ago.
  image_.replace(log_.OffsetOf(hole), 4, BytesOf(be32::Of(kCycle - 1)));
  Replay();
  EXPECT_EQ(replay_.state, "replayed") << details_;
  EXPECT_EQ(ReplayedOwner(), 1U);
  EXPECT_EQ(LsnBlock(replay_.head_lsn), hole);
}

TEST_P(LogTest, StopsAtDamageAmidTheLog) {
  WriteOwner(1, 1);
  const uint32_t bad = log_.block();
  for (uint32_t uid = 2; uid <= 20; ++uid) WriteOwner(uid, uid);
  image_[log_.OffsetOf(bad + 1) + 100] ^= 1;
  Replay();
  // The tail moves over damage that a write in flight can have made, as far as that reaches.
  ASSERT_GT(log_.block_count(), kXlogTotalRecordBlocks + 100);
  EXPECT_EQ(replay_.state, "damaged");
  EXPECT_EQ(ReplayedOwner(), 1U);
  EXPECT_EQ(sink_.Count(DiagnosticCode::kXfsLogDamaged), 1U) << details_;
  EXPECT_THAT(details_, HasSubstr("bad checksum of the record"));
}

TEST_P(LogTest, NeedsAllOfTheLogBehindTheTailOnly) {
  WriteOwner(1, 1);
  log_.set_tail(log_.lsn());
  WriteOwner(2, 2);
  image_[log_.OffsetOf(1) + 100] ^= 1;
  Replay();
  EXPECT_EQ(replay_.state, "replayed") << details_;
  EXPECT_EQ(replay_.record_count, 1U);
  EXPECT_EQ(ReplayedOwner(), 2U);
}

TEST_P(LogTest, RefusesAnotherByteOrder) {
  log_.set_format(kXlogFmtLinuxBe);
  WriteOwner(1, 1);
  Replay();
  EXPECT_EQ(replay_.state, "dirty");
  EXPECT_EQ(replayed_, image_);
  EXPECT_THAT(details_, HasSubstr("xfs_log_not_replayed: xfs: the log was written by a machine of "
                                  "another byte order (format 2"));
}

TEST_P(LogTest, RefusesTheLogOfAnotherFilesystem) {
  Superblock other = superblock_;
  other.uuid[0] ^= std::byte{1};
  WriteOwner(1, 1);
  const testing::TestImage device(image_);
  image::PatchedImage patched(device);
  const auto replay = ReplayLog(device, other, patched, sink_);
  ASSERT_TRUE(replay.has_value());
  EXPECT_EQ(replay->state, "dirty");
  EXPECT_EQ(patched.patched_sector_count(), 0U);
  EXPECT_EQ(sink_.Count(DiagnosticCode::kXfsLogNotReplayed), 1U);
}

TEST_P(LogTest, SaysThatAnExternalLogIsMissing) {
  Superblock external = superblock_;
  external.log_start = 0;
  const testing::TestImage device(image_);
  image::PatchedImage patched(device);
  const auto replay = ReplayLog(device, external, patched, sink_);
  ASSERT_TRUE(replay.has_value());
  EXPECT_EQ(replay->state, "none");
  EXPECT_EQ(sink_.Count(DiagnosticCode::kXfsLogExternal), 1U);
}

TEST_P(LogTest, SaysWhenTheImageEndsBeforeTheLog) {
  WriteOwner(1, 1);
  testing::TestImage device(image_);
  device.Cut(log_.OffsetOf(0) + 100);
  image::PatchedImage patched(device);
  const auto replay = ReplayLog(device, superblock_, patched, sink_);
  ASSERT_TRUE(replay.has_value());
  EXPECT_EQ(replay->state, "dirty");
  EXPECT_EQ(sink_.Count(DiagnosticCode::kXfsLogNotReplayed), 1U);
}

TEST_P(LogTest, LeavesOutUnknownItemsAndGoesOn) {
  const Lsn lsn = log_.lsn();
  log_.Write(Transaction(7, {BytesOf(LogItemHeader{le16::Of(0x4711), le16::Of(1)})}));
  WriteOwner(8, 2);
  Replay();
  EXPECT_EQ(replay_.state, "damaged");
  EXPECT_EQ(ReplayedOwner(), 2U);
  EXPECT_THAT(details_, HasSubstr(fmt::format("an item of type 0x4711 in the transaction at LSN "
                                              "{:#x}:{:#x}",
                                              LsnCycle(lsn), LsnBlock(lsn))));
}

TEST_P(LogTest, StopsAtOperationsThatMakeNoSense) {
  for (const Operation& bad : {Operation{8, 0, "not a transaction header"}, Operation{8, 0x80, ""},
                               Operation{8, 0, "x", 0x11}, Operation{8, kXlogStartTrans, ""}}) {
    Restart();
    WriteOwner(7, 1);
    log_.Write({Start(8), bad});
    WriteOwner(9, 3);
    Replay();
    EXPECT_EQ(replay_.state, "damaged") << int{bad.flags};
    EXPECT_EQ(ReplayedOwner(), 1U) << int{bad.flags};
  }
}

TEST_P(LogTest, StopsAtAnItemWithoutRegions) {
  WriteOwner(7, 1);
  log_.Write(Transaction(8, {BytesOf(LogItemHeader{le16::Of(kLiInode), le16::Of(0)})}));
  WriteOwner(9, 3);
  Replay();
  EXPECT_EQ(replay_.state, "damaged");
  EXPECT_EQ(ReplayedOwner(), 1U);
  EXPECT_THAT(details_, HasSubstr("announces 0 regions, expected 1 to 257"));
}

TEST_P(LogTest, LimitsTransactionsUnderWay) {
  constexpr uint32_t kStarts = 1000;
  std::vector<Operation> starts;
  starts.reserve(kStarts);
  for (uint32_t tid = 0; tid < kStarts; ++tid) starts.push_back(Start(tid));
  for (uint32_t i = 0; i <= limits::kMaxPendingLogTransactions / kStarts; ++i) {
    log_.Write(starts);
    for (Operation& start : starts) start.tid += kStarts;
  }
  const testing::TestImage device(image_);
  image::PatchedImage patched(device);
  const auto replay = ReplayLog(device, superblock_, patched, sink_);
  ASSERT_FALSE(replay.has_value());
  EXPECT_EQ(replay.error().code, ErrorCode::kLimit);
  EXPECT_THAT(replay.error().message, HasSubstr("kMaxPendingLogTransactions"));
}

INSTANTIATE_TEST_SUITE_P(Samples, LogTest, ::testing::Values("v5", "v4"),
                         [](const auto& sample) { return sample.param; });

}  // namespace
}  // namespace ekshume::fs::xfs
