// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/journal.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fs/ext4/checksum.h"
#include "fs/ext4/content.h"
#include "fs/ext4/fast_commit.h"
#include "fs/ext4/format.h"

namespace ekshume::fs::ext4 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr size_t kBlockBytes = 1024;
constexpr uint32_t kJournalBlocks = 32;
constexpr uint64_t kHomeBlocks = 100000;
constexpr uint32_t kFirstSequence = 7;

// Writes a journal block by block, as jbd2 would, with every form of checksum.
class JournalWriter {
 public:
  explicit JournalWriter(uint32_t incompat, uint32_t compat = 0, uint32_t start = 1)
      : bytes_(kJournalBlocks * kBlockBytes, '\0'), position_(start) {
    shape_.block_bytes = kBlockBytes;
    shape_.first_block = 1;
    shape_.end_block = kJournalBlocks;
    shape_.start_block = start;
    shape_.start_sequence = kFirstSequence;
    shape_.compat = compat;
    shape_.incompat = incompat;
    shape_.checksum_seed = 0x12345678;
  }

  JournalShape shape_;
  uint32_t sequence_ = kFirstSequence;

  void Put(uint64_t offset, ByteView bytes) {
    CopyBytes(AsWritableBytes(bytes_).subspan(offset), bytes);
  }

  // A descriptor and its blocks, each filled with one letter.
  void Descriptor(const std::vector<std::pair<uint64_t, char>>& blocks, bool escape = false) {
    const uint32_t descriptor = Take();
    std::string content = Header(kJournalDescriptor);
    for (const auto& [home, letter] : blocks) {
      const uint32_t block = Take();
      std::string data(kBlockBytes, letter);
      if (escape) data.replace(0, 4, 4, '\0');
      Put(block * kBlockBytes, ByteView::Of(data));
      const uint32_t sum =
          Crc32c(Crc32cOfBe32(shape_.checksum_seed, sequence_), ByteView::Of(data));
      const bool last = &blocks.back().first == &home;
      const bool first = &blocks.front().first == &home;
      const uint32_t flags =
          (first ? 0U : kTagSameUuid) | (last ? kTagLast : 0U) | (escape ? kTagEscape : 0U);
      content += Tag(home, flags, sum);
      if (first) content.append(kJournalUuidBytes, 'U');
    }
    content.resize(kBlockBytes);
    Seal(content);
    Put(descriptor * kBlockBytes, ByteView::Of(content));
    sum_v1_ = Crc32MsbFirst(sum_v1_, Block(descriptor));
    uint32_t block = descriptor;
    for (size_t i = 0; i < blocks.size(); ++i) {
      block = Next(block);
      sum_v1_ = Crc32MsbFirst(sum_v1_, Block(block));
    }
  }

  void Revoke(const std::vector<uint64_t>& blocks) {
    std::string content = Header(kJournalRevoke);
    const size_t width = shape_.Has(kJournalIncompat64Bit) ? 8 : 4;
    content += AsBytes(be32::Of(static_cast<uint32_t>(16 + blocks.size() * width))).AsText();
    for (const uint64_t block : blocks) {
      content += width == 8 ? AsBytes(be64::Of(block)).AsText()
                            : AsBytes(be32::Of(static_cast<uint32_t>(block))).AsText();
    }
    content.resize(kBlockBytes);
    Seal(content);
    Put(Take() * kBlockBytes, ByteView::Of(content));
  }

  // Returns the block of the commit.
  uint32_t Commit(uint64_t seconds = 1000) {
    JournalCommitBlock commit{};
    commit.h_header = {be32::Of(kJournalMagic), be32::Of(kJournalCommit), be32::Of(sequence_)};
    commit.h_commit_sec = be64::Of(seconds);
    if (shape_.has_checksum_v1()) {
      commit.h_chksum_type = kCommitCrc32;
      commit.h_chksum_size = 4;
      commit.h_chksum[0] = be32::Of(sum_v1_);
      sum_v1_ = ~0U;
    }
    std::string content(AsBytes(commit).AsText());
    content.resize(kBlockBytes);
    if (shape_.has_checksum_v2_or_v3()) {
      commit.h_chksum[0] = be32::Of(Crc32c(shape_.checksum_seed, ByteView::Of(content)));
      content.replace(0, sizeof(commit), AsBytes(commit).AsText());
    }
    const uint32_t block = Take();
    Put(block * kBlockBytes, ByteView::Of(content));
    ++sequence_;
    return block;
  }

  void Flip(uint32_t block, size_t offset) {
    char& byte = bytes_[block * kBlockBytes + offset];
    byte = static_cast<char>(byte ^ 1);
  }

  // What a replay gives: "home=letter" of each block, in order.
  std::vector<std::string> Replay() {
    image_ = image::MakeMemory({AsWritableBytes(bytes_).begin(), AsWritableBytes(bytes_).end()},
                               "journal");
    file_ = MakeRunFile(*image_, bytes_.size(), {{0, bytes_.size(), fs::Run::Kind::kData, 0}});
    JournalBlocks blocks(*file_, kBlockBytes);
    outcome_ = ReplayJournal(shape_, blocks, kHomeBlocks);
    std::vector<std::string> found;
    found.reserve(outcome_.blocks.size());
    for (const JournalledBlock& block : outcome_.blocks) {
      found.push_back(fmt::format("{}={}{}", block.home_block,
                                  bytes_[block.source_offset_bytes + 5],
                                  block.escaped ? " escaped" : ""));
    }
    return found;
  }
  ReplayOutcome outcome_;

 private:
  uint32_t Next(uint32_t block) const {
    return block + 1 == shape_.end_block ? shape_.first_block : block + 1;
  }
  uint32_t Take() { return std::exchange(position_, Next(position_)); }
  ByteView Block(uint32_t block) const {
    return ByteView::Of(bytes_).From(block * kBlockBytes).First(kBlockBytes);
  }
  std::string Header(uint32_t type) const {
    return std::string(
        AsBytes(JournalHeader{be32::Of(kJournalMagic), be32::Of(type), be32::Of(sequence_)})
            .AsText());
  }
  std::string Tag(uint64_t home, uint32_t flags, uint32_t sum) const {
    const auto low = be32::Of(static_cast<uint32_t>(home));
    const auto high = be32::Of(static_cast<uint32_t>(home >> 32));
    if (shape_.Has(kJournalIncompatCsumV3)) {
      return std::string(AsBytes(JournalTag3{low, be32::Of(flags), high, be32::Of(sum)}).AsText());
    }
    std::string tag(AsBytes(JournalTag{low, be16::Of(static_cast<uint16_t>(sum)),
                                       be16::Of(static_cast<uint16_t>(flags))})
                        .AsText());
    if (shape_.Has(kJournalIncompat64Bit)) tag += AsBytes(high).AsText();
    if (shape_.Has(kJournalIncompatCsumV2)) tag.append(2, '\0');
    return tag;
  }
  void Seal(std::string& content) const {
    if (!shape_.has_checksum_v2_or_v3()) return;
    const uint32_t sum = Crc32c(shape_.checksum_seed, ByteView::Of(content));
    content.replace(kBlockBytes - 4, 4, AsBytes(be32::Of(sum)).AsText());
  }

  std::string bytes_;
  uint32_t position_;
  uint32_t sum_v1_ = ~0U;
  std::unique_ptr<image::Image> image_;
  std::unique_ptr<File> file_;
};

struct Form {
  std::string name;
  uint32_t incompat;
  uint32_t compat;
};
class JournalFormTest : public ::testing::TestWithParam<Form> {
 protected:
  JournalWriter Writer(uint32_t start = 1) const {
    return JournalWriter(GetParam().incompat, GetParam().compat, start);
  }
  bool HasSums() const { return GetParam().compat != 0 || (GetParam().incompat & 0x18) != 0; }
};

TEST_P(JournalFormTest, TakesWhatIsCommitted) {
  JournalWriter writer = Writer();
  writer.Descriptor({{10, 'a'}, {11, 'b'}, {12, 'c'}});
  writer.Commit();
  writer.Descriptor({{11, 'B'}});
  writer.Commit();
  writer.Descriptor({{13, 'x'}});  // the crash came before its commit
  EXPECT_THAT(writer.Replay(), ElementsAre("10=a", "11=b", "12=c", "11=B"));
  EXPECT_EQ(writer.outcome_.transaction_count, 2U);
  EXPECT_EQ(writer.outcome_.end_sequence, kFirstSequence + 2);
  EXPECT_EQ(writer.outcome_.damage, "");
}

TEST_P(JournalFormTest, RevocationsCountBackwardsOnly) {
  JournalWriter writer = Writer();
  writer.Descriptor({{10, 'a'}, {11, 'b'}});
  writer.Commit();
  writer.Descriptor({{12, 'c'}});
  writer.Revoke({10, 12});
  writer.Commit();
  writer.Descriptor({{10, 'd'}});
  writer.Commit();
  EXPECT_THAT(writer.Replay(), ElementsAre("11=b", "10=d"));
}

TEST_P(JournalFormTest, IgnoresRevocationsThatWereNotCommitted) {
  JournalWriter writer = Writer();
  writer.Descriptor({{10, 'a'}});
  writer.Commit();
  writer.Revoke({10});
  EXPECT_THAT(writer.Replay(), ElementsAre("10=a"));
}

TEST_P(JournalFormTest, MarksEscapedBlocks) {
  JournalWriter writer = Writer();
  writer.Descriptor({{10, 'a'}}, true);
  writer.Commit();
  EXPECT_THAT(writer.Replay(), ElementsAre("10=a escaped"));
}

TEST_P(JournalFormTest, WrapsAround) {
  JournalWriter writer = Writer(kJournalBlocks - 2);
  writer.Descriptor({{10, 'a'}, {11, 'b'}, {12, 'c'}});
  writer.Commit();
  EXPECT_THAT(writer.Replay(), ElementsAre("10=a", "11=b", "12=c"));
  EXPECT_EQ(writer.outcome_.damage, "");
}

TEST_P(JournalFormTest, NoticesABadBlock) {
  JournalWriter writer = Writer();
  writer.Descriptor({{10, 'a'}, {11, 'b'}});
  writer.Commit();
  writer.Descriptor({{12, 'c'}});
  writer.Commit();
  writer.Flip(3, 700);  // block 11
  const auto found = writer.Replay();
  EXPECT_EQ(writer.outcome_.damage.empty(), !HasSums());
  // Version 1 sums a whole transaction, so all from it on is lost; later ones only a block.
  if (!HasSums()) {
    EXPECT_THAT(found, ElementsAre("10=a", "11=b", "12=c"));
  } else if (GetParam().compat != 0) {
    EXPECT_THAT(found, IsEmpty());
  } else {
    EXPECT_THAT(found, ElementsAre("10=a", "12=c"));
  }
}

TEST_P(JournalFormTest, EndsAtABadCommit) {
  JournalWriter writer = Writer();
  writer.Descriptor({{10, 'a'}});
  writer.Commit();
  writer.Descriptor({{11, 'b'}});
  const uint32_t bad = writer.Commit();
  writer.Descriptor({{12, 'c'}});
  writer.Commit();
  writer.Flip(bad, offsetof(JournalCommitBlock, h_chksum) + 3);
  const auto found = writer.Replay();
  if (HasSums()) {
    EXPECT_THAT(found, ElementsAre("10=a"));
    EXPECT_THAT(writer.outcome_.damage, HasSubstr("transaction 8"));
  }
}

TEST_P(JournalFormTest, ABadDescriptorEndsTheLog) {
  JournalWriter writer = Writer();
  writer.Descriptor({{10, 'a'}});
  writer.Commit();
  writer.Descriptor({{11, 'b'}});
  writer.Commit();
  writer.Flip(4, 900);
  const auto found = writer.Replay();
  if (HasSums()) {
    EXPECT_THAT(found, ElementsAre("10=a"));
    EXPECT_NE(writer.outcome_.damage, "");
  }
}

TEST_P(JournalFormTest, SumsOfAnEarlierLapAreNoDamage) {
  JournalWriter writer = Writer();
  writer.Descriptor({{10, 'a'}});
  writer.Commit(2000);
  writer.Descriptor({{11, 'b'}});
  const uint32_t stale = writer.Commit(1000);
  writer.Flip(stale, offsetof(JournalCommitBlock, h_chksum) + 3);
  if (HasSums()) {
    EXPECT_THAT(writer.Replay(), ElementsAre("10=a"));
    EXPECT_EQ(writer.outcome_.damage, "");
  }
}

TEST_P(JournalFormTest, RefusesBlocksOutsideTheFilesystem) {
  JournalWriter writer = Writer();
  writer.Descriptor({{10, 'a'}, {kHomeBlocks, 'b'}});
  writer.Commit();
  EXPECT_THAT(writer.Replay(), ElementsAre("10=a"));
  EXPECT_THAT(writer.outcome_.damage, HasSubstr("100000 of 100000"));
}

TEST_P(JournalFormTest, ALogThatRunsIntoItselfEnds) {
  JournalWriter writer = Writer();
  for (int round = 0; round < 20; ++round) writer.Descriptor({{10, 'a'}});  // never a commit
  EXPECT_THAT(writer.Replay(), IsEmpty());
  EXPECT_EQ(writer.outcome_.transaction_count, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, JournalFormTest,
    ::testing::Values(Form{"plain", 0, 0}, Form{"wide", kJournalIncompat64Bit, 0},
                      Form{"sum1", 0, kJournalCompatChecksum},
                      Form{"sum2", kJournalIncompatCsumV2, 0},
                      Form{"sum2_wide", kJournalIncompatCsumV2 | kJournalIncompat64Bit, 0},
                      Form{"sum3", kJournalIncompatCsumV3, 0},
                      Form{"sum3_wide", kJournalIncompatCsumV3 | kJournalIncompat64Bit, 0}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(JournalTest, KeepsTheUpperHalfOfBlockNumbers) {
  JournalWriter writer(kJournalIncompat64Bit);
  writer.Descriptor({{(1ULL << 32) + 5, 'a'}});
  writer.Commit();
  EXPECT_THAT(writer.Replay(), IsEmpty());
  EXPECT_THAT(writer.outcome_.damage, HasSubstr("4294967301"));
}

TEST(JournalTest, GoesOnPastABadCommitOnlyToCount) {
  JournalWriter writer(kJournalIncompatCsumV3 | kJournalIncompatAsyncCommit);
  writer.Descriptor({{10, 'a'}});
  writer.Commit();
  writer.Descriptor({{11, 'b'}});
  writer.Flip(writer.Commit(), 16);
  writer.Descriptor({{12, 'c'}});
  writer.Commit();
  EXPECT_THAT(writer.Replay(), ElementsAre("10=a"));
}

JournalSuperBlock GoodSuperBlock() {
  JournalSuperBlock superblock{};
  superblock.s_header = {be32::Of(kJournalMagic), be32::Of(kJournalSuperBlockV2), be32::Of(0)};
  superblock.s_blocksize = be32::Of(kBlockBytes);
  superblock.s_maxlen = be32::Of(4096);
  superblock.s_first = be32::Of(1);
  superblock.s_start = be32::Of(5);
  superblock.s_sequence = be32::Of(9);
  return superblock;
}

TEST(JournalTest, ChecksTheSuperBlock) {
  const auto parse = [](const JournalSuperBlock& superblock) {
    return ParseJournalSuperBlock(AsBytes(superblock), kBlockBytes, 5000);
  };
  auto superblock = GoodSuperBlock();
  superblock.s_feature_incompat = be32::Of(kJournalIncompatFastCommit);
  const auto shape = parse(superblock);
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(shape->end_block, 4096U - 256);
  EXPECT_EQ(shape->fast_commit_first, 4096U - 255);
  EXPECT_EQ(shape->fast_commit_end, 4096U);
  superblock.s_feature_incompat = be32::Of(0x40);
  EXPECT_EQ(parse(superblock).error().code, ErrorCode::kUnsupported);
  superblock = GoodSuperBlock();
  superblock.s_maxlen = be32::Of(5001);
  EXPECT_EQ(parse(superblock).error().code, ErrorCode::kCorrupt);
  superblock.s_maxlen = be32::Of(0xFFFFFFFF);
  EXPECT_THAT(ParseJournalSuperBlock(AsBytes(superblock), kBlockBytes, UINT64_MAX).error().message,
              HasSubstr("kMaxJournalBytes"));
  superblock = GoodSuperBlock();
  superblock.s_start = be32::Of(4096);
  EXPECT_EQ(parse(superblock).error().code, ErrorCode::kCorrupt);
  superblock = GoodSuperBlock();
  superblock.s_first = be32::Of(0);
  EXPECT_EQ(parse(superblock).error().code, ErrorCode::kCorrupt);
  superblock = GoodSuperBlock();
  superblock.s_blocksize = be32::Of(4096);
  EXPECT_EQ(parse(superblock).error().code, ErrorCode::kCorrupt);
  superblock.s_header.h_magic = {};
  EXPECT_EQ(parse(superblock).error().code, ErrorCode::kCorrupt);
}

TEST(ReplayedImageTest, ReadsJournalledBlocksFromTheirCopies) {
  std::vector<std::byte> bytes(16 * kBlockBytes);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i / kBlockBytes);
  const auto base = image::MakeMemory(bytes, "base");
  const ReplayedImage image(
      *base, kBlockBytes,
      {{3, 10 * kBlockBytes, false}, {5, 12 * kBlockBytes, true}, {3, 11 * kBlockBytes, false}});
  EXPECT_EQ(image.block_count(), 2U);
  std::vector<std::byte> all(bytes.size());
  ASSERT_TRUE(image.ReadAt(0, all).has_value());
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t block = i / kBlockBytes;
    const size_t expected = block == 3 ? 11 : block == 5 ? 12 : block;
    if (block == 5 && i % kBlockBytes < 4) continue;
    ASSERT_EQ(std::to_integer<size_t>(all[i]), expected) << i;
  }
  EXPECT_EQ(ByteView(all).Read<be32>(5 * kBlockBytes)->value(), kJournalMagic);
  // Pieces of any alignment give the same bytes.
  for (size_t offset = 2 * kBlockBytes + 1; offset < 6 * kBlockBytes; offset += 3) {
    std::array<std::byte, 5> piece{};
    ASSERT_TRUE(image.ReadAt(offset, piece).has_value());
    for (size_t i = 0; i < piece.size(); ++i) ASSERT_EQ(piece[i], all[offset + i]) << offset + i;
  }
  EXPECT_EQ(image.ReadAt(bytes.size() - 1, std::span(all).first(2)).error().code,
            ErrorCode::kOutOfRange);
}

}  // namespace
}  // namespace ekshume::fs::ext4
