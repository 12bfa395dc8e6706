// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <functional>
#include <unordered_map>

#include "base/limits.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/journal.h"

// Section "Journal (jbd2)" of the specification; where it is silent, the order of the kernel's
// recovery: scan for the end, collect revocations, then take the blocks.
namespace ekshume::fs::ext4 {
namespace {

// Sequence numbers wrap.
bool IsNewer(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) > 0; }

// One block in the log that belongs to a transaction.
struct LogBlock {
  uint32_t block;
  uint32_t sequence;
};

struct Tag {
  uint64_t home_block;
  uint32_t flags;
  uint32_t checksum;  // v3: 32 bits, v2: 16
};

class Replay {
 public:
  Replay(const JournalShape& shape, JournalBlocks& blocks, uint64_t home_block_count)
      : shape_(shape), blocks_(blocks), home_block_count_(home_block_count) {}

  ReplayOutcome Run() {
    Scan();
    for (const LogBlock& revoke : revokes_) {
      if (IsNewer(outcome_.end_sequence, revoke.sequence)) CollectRevocations(revoke);
    }
    for (const LogBlock& descriptor : descriptors_) {
      if (IsNewer(outcome_.end_sequence, descriptor.sequence) && !TakeBlocks(descriptor)) break;
    }
    return std::move(outcome_);
  }

 private:
  uint32_t Advance(uint32_t block, uint32_t count = 1) const {
    const uint32_t length = shape_.end_block - shape_.first_block;
    return shape_.first_block + (block - shape_.first_block + count) % length;
  }

  void NoteDamage(std::string what) {
    if (outcome_.damage.empty()) outcome_.damage = std::move(what);
  }

  // Finds the end of the log: the first block that is not of the transaction that must come next,
  // or a commit whose checksum is wrong.
  void Scan() {
    uint32_t sequence = shape_.start_sequence;
    uint32_t position = shape_.start_block;
    std::optional<uint32_t> bad_commit;  // with async_commit the scan goes on past it
    // Blocks seen; more than the log has means that it runs into itself.
    uint64_t budget = shape_.end_block - shape_.first_block;
    while (budget > 0) {
      const auto bytes = blocks_.Read(position);
      if (!bytes) {
        NoteDamage(bytes.error().message);
        break;
      }
      const auto header = bytes->Read<JournalHeader>(0);
      if (!header || header->h_magic.value() != kJournalMagic ||
          header->h_sequence.value() != sequence) {
        break;
      }
      const uint32_t type = header->h_blocktype.value();
      uint32_t used = 1;
      if (type == kJournalDescriptor) {
        if (!BlockSumMatches(*bytes)) bad_sum_before_commit_ = true;
        descriptors_.push_back({position, sequence});
        used += CountTags(*bytes);
        if (shape_.has_checksum_v1()) AddToChecksumV1(position, used);
      } else if (type == kJournalRevoke) {
        if (!BlockSumMatches(*bytes)) bad_sum_before_commit_ = true;
        revokes_.push_back({position, sequence});
      } else if (type == kJournalCommit) {
        const Verdict verdict = JudgeCommit(*bytes, position, sequence);
        if (verdict == Verdict::kEnd) break;
        if (verdict == Verdict::kBad) {
          // A second bad commit after one ends the log for good.
          if (!bad_commit) bad_commit = sequence;
          if (!shape_.Has(kJournalIncompatAsyncCommit)) break;
        }
        ++sequence;
      } else {
        break;
      }
      if (used > budget) {
        NoteDamage(fmt::format("the log runs into itself at journal block {}", position));
        break;
      }
      budget -= used;
      position = Advance(position, used);
    }
    outcome_.end_sequence = bad_commit.value_or(sequence);
    outcome_.transaction_count = outcome_.end_sequence - shape_.start_sequence;
  }

  enum class Verdict { kGood, kBad, kEnd };

  Verdict JudgeCommit(ByteView bytes, uint32_t position, uint32_t sequence) {
    const auto commit = bytes.Read<JournalCommitBlock>(0);
    if (!commit) return Verdict::kEnd;
    // An older time means that the blocks are left over from an earlier lap of the log.
    const uint64_t time = commit->h_commit_sec.value();
    const bool stale = time < last_commit_time_;
    if (bad_sum_before_commit_) {
      if (!stale) {
        NoteDamage(fmt::format("a block of transaction {} has a bad checksum", sequence));
      }
      return Verdict::kEnd;
    }
    bool good = true;
    if (shape_.has_checksum_v1()) {
      const uint32_t found = commit->h_chksum[0].value();
      const bool unused = commit->h_chksum_type == 0 && commit->h_chksum_size == 0 && found == 0;
      good = unused || (found == checksum_v1_ && commit->h_chksum_type == kCommitCrc32 &&
                        commit->h_chksum_size == sizeof(be32));
      checksum_v1_ = ~0U;
    } else if (shape_.has_checksum_v2_or_v3()) {
      good = CommitSumMatches(bytes, *commit);
    }
    if (!good) {
      if (stale) return Verdict::kEnd;
      NoteDamage(fmt::format("the commit of transaction {} at journal block {} has a bad checksum",
                             sequence, position));
      return Verdict::kBad;
    }
    last_commit_time_ = time;
    return Verdict::kGood;
  }

  bool CommitSumMatches(ByteView bytes, const JournalCommitBlock& commit) const {
    constexpr size_t kField = offsetof(JournalCommitBlock, h_chksum);
    if (commit.h_chksum[0].value() ==
        Crc32cWithoutField(shape_.checksum_seed, bytes, kField, sizeof(be32))) {
      return true;
    }
    // A torn commit block: its first sector is there, the rest is older. The kernel takes it.
    std::vector<std::byte> torn(bytes.size());
    CopyBytes(torn, bytes.First(sizeof(JournalCommitBlock)));
    return commit.h_chksum[0].value() ==
           Crc32cWithoutField(shape_.checksum_seed, ByteView(torn), kField, sizeof(be32));
  }

  // Descriptor and revoke blocks.
  bool BlockSumMatches(ByteView bytes) const {
    if (!shape_.has_checksum_v2_or_v3()) return true;
    const size_t field = bytes.size() - sizeof(JournalBlockTail);
    const auto tail = bytes.Read<JournalBlockTail>(field);
    return tail && tail->t_checksum.value() ==
                       Crc32cWithoutField(shape_.checksum_seed, bytes, field, sizeof(be32));
  }

  // Calls `visit` for each tag of a descriptor block until it returns false.
  void ForEachTag(ByteView bytes, const std::function<bool(const Tag&)>& visit) const {
    const size_t tag_bytes = shape_.tag_bytes();
    const ByteView tags = bytes.First(bytes.size() - shape_.tail_bytes());
    for (size_t offset = sizeof(JournalHeader); tags.Contains(offset, tag_bytes);) {
      Tag tag{};
      if (shape_.Has(kJournalIncompatCsumV3)) {
        const auto raw = tags.Read<JournalTag3>(offset);
        if (!raw) return;
        tag = {raw->t_blocknr.value(), raw->t_flags.value(), raw->t_checksum.value()};
        if (shape_.Has(kJournalIncompat64Bit)) {
          tag.home_block |= uint64_t{raw->t_blocknr_high.value()} << 32;
        }
      } else {
        const auto raw = tags.Read<JournalTag>(offset);
        if (!raw) return;
        tag = {raw->t_blocknr.value(), raw->t_flags.value(), raw->t_checksum.value()};
        if (shape_.Has(kJournalIncompat64Bit)) {
          const auto high = tags.Read<be32>(offset + sizeof(JournalTag));
          if (!high) return;
          tag.home_block |= uint64_t{high->value()} << 32;
        }
      }
      if (!visit(tag) || (tag.flags & kTagLast) != 0) return;
      offset += tag_bytes + ((tag.flags & kTagSameUuid) != 0 ? 0 : kJournalUuidBytes);
    }
  }

  uint32_t CountTags(ByteView bytes) const {
    uint32_t count = 0;
    ForEachTag(bytes, [&](const Tag&) {
      ++count;
      return true;
    });
    return count;
  }

  // Version 1 sums a whole transaction: descriptors and the blocks behind them.
  void AddToChecksumV1(uint32_t position, uint32_t count) {
    if (count > shape_.end_block - shape_.first_block) return;
    for (uint32_t index = 0; index < count; ++index) {
      const auto bytes = blocks_.Read(Advance(position, index));
      if (!bytes) return NoteDamage(bytes.error().message);
      checksum_v1_ = Crc32MsbFirst(checksum_v1_, *bytes);
    }
  }

  void CollectRevocations(const LogBlock& revoke) {
    const auto bytes = blocks_.Read(revoke.block);
    if (!bytes) return NoteDamage(bytes.error().message);
    const auto header = bytes->Read<JournalRevokeHeader>(0);
    const size_t end = bytes->size() - shape_.tail_bytes();
    if (!header || header->r_count.value() > end) {
      return NoteDamage(fmt::format("revoke block {} is longer than a block", revoke.block));
    }
    const bool wide = shape_.Has(kJournalIncompat64Bit);
    const size_t record_bytes = wide ? sizeof(be64) : sizeof(be32);
    const ByteView records = bytes->First(header->r_count.value());
    for (size_t offset = sizeof(JournalRevokeHeader); records.Contains(offset, record_bytes);
         offset += record_bytes) {
      uint64_t home_block = 0;
      if (wide) {
        const auto record = records.Read<be64>(offset);
        if (!record) return;
        home_block = record->value();
      } else {
        const auto record = records.Read<be32>(offset);
        if (!record) return;
        home_block = record->value();
      }
      const auto [found, inserted] = revoked_.try_emplace(home_block, revoke.sequence);
      if (!inserted && IsNewer(revoke.sequence, found->second)) found->second = revoke.sequence;
    }
  }

  // A block is void when a transaction of the same age or a newer one revoked it.
  bool IsRevoked(uint64_t home_block, uint32_t sequence) const {
    const auto found = revoked_.find(home_block);
    return found != revoked_.end() && !IsNewer(sequence, found->second);
  }

  // Takes the blocks behind one descriptor; false when no more are taken.
  bool TakeBlocks(const LogBlock& descriptor) {
    const auto bytes = blocks_.Read(descriptor.block);
    if (!bytes) {
      NoteDamage(bytes.error().message);
      return true;
    }
    // The window moves on with the data blocks.
    std::vector<Tag> tags;
    ForEachTag(*bytes, [&](const Tag& tag) {
      tags.push_back(tag);
      return true;
    });
    uint32_t position = descriptor.block;
    for (const Tag& tag : tags) {
      position = Advance(position);
      if (IsRevoked(tag.home_block, descriptor.sequence)) continue;
      if (outcome_.blocks.size() >= limits::kMaxReplayBytes / sizeof(JournalledBlock)) {
        NoteDamage("kMaxReplayBytes: the journal changes more than is kept in memory");
        return false;
      }
      TakeBlock(tag, position, descriptor.sequence);
    }
    return true;
  }

  void TakeBlock(const Tag& tag, uint32_t position, uint32_t sequence) {
    const auto offset = blocks_.DeviceOffset(position);
    if (!offset) return NoteDamage(offset.error().message);
    if (tag.home_block >= home_block_count_) {
      return NoteDamage(fmt::format("journal block {} belongs to block {} of {}", position,
                                    tag.home_block, home_block_count_));
    }
    if (shape_.has_checksum_v2_or_v3()) {
      const auto data = blocks_.Read(position);
      if (!data) return NoteDamage(data.error().message);
      const uint32_t sum = Crc32c(Crc32cOfBe32(shape_.checksum_seed, sequence), *data);
      const uint32_t expected = shape_.Has(kJournalIncompatCsumV3) ? sum : sum & 0xFFFF;
      if (tag.checksum != expected) {
        return NoteDamage(fmt::format("journal block {} (for block {}) has a bad checksum",
                                      position, tag.home_block));
      }
    }
    outcome_.blocks.push_back({tag.home_block, *offset, (tag.flags & kTagEscape) != 0});
  }

  const JournalShape& shape_;
  JournalBlocks& blocks_;
  const uint64_t home_block_count_;
  std::vector<LogBlock> descriptors_;
  std::vector<LogBlock> revokes_;
  std::unordered_map<uint64_t, uint32_t> revoked_;  // block -> newest transaction that revoked it
  uint64_t last_commit_time_ = 0;
  bool bad_sum_before_commit_ = false;
  uint32_t checksum_v1_ = ~0U;
  ReplayOutcome outcome_;
};

}  // namespace

ReplayOutcome ReplayJournal(const JournalShape& shape, JournalBlocks& blocks,
                            uint64_t home_block_count) {
  return Replay(shape, blocks, home_block_count).Run();
}

}  // namespace ekshume::fs::ext4
