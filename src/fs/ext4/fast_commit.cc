// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/fast_commit.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/journal.h"

namespace ekshume::fs::ext4 {
namespace {

// Whether a value of this tag can have this length.
bool LengthFits(uint16_t tag, size_t length) {
  switch (tag) {
    case kFastCommitAddRange: return length == sizeof(FastCommitAddRangeValue);
    case kFastCommitDelRange: return length == sizeof(FastCommitDelRangeValue);
    case kFastCommitCreat:
    case kFastCommitLink:
    case kFastCommitUnlink:
      return length > sizeof(FastCommitDentry) && length <= sizeof(FastCommitDentry) + 255;
    case kFastCommitInode: return length >= sizeof(le32) + kGoodOldInodeBytes;
    case kFastCommitPad: return true;
    case kFastCommitTail: return length >= sizeof(FastCommitTailValue);
    case kFastCommitHead: return length == sizeof(FastCommitHead);
    default: return false;
  }
}

class FastCommitScan {
 public:
  FastCommitScan(FastCommitLog& log, uint32_t sequence) : log_(log), sequence_(sequence) {}

  // Reads the tags of one block, whose bytes are those of the log at `start`. False ends the scan.
  bool ReadBlock(size_t start, size_t block_bytes) {
    const ByteView block = ByteView(log_.bytes).From(start).First(block_bytes);
    for (size_t offset = 0; block.Contains(offset, sizeof(FastCommitTagLength));) {
      const auto header = block.Read<FastCommitTagLength>(offset);
      if (!header) return false;
      const uint16_t tag = header->fc_tag.value();
      const size_t length = header->fc_len.value();
      const size_t value = offset + sizeof(FastCommitTagLength);
      if (!LengthFits(tag, length) || !block.Contains(value, length)) return false;
      pending_.push_back({tag, start + value, length});
      if (tag == kFastCommitTail) {
        if (!Accept(block, offset)) return false;
      } else {
        if (tag == kFastCommitHead && !HeadFits(block, value)) return false;
        sum_ = Crc32c(sum_, block.From(offset).First(sizeof(FastCommitTagLength) + length));
      }
      offset = value + length;
    }
    return true;
  }

 private:
  bool HeadFits(ByteView block, size_t value) {
    const auto head = block.Read<FastCommitHead>(value);
    if (!head || head->fc_tid.value() != sequence_) return false;  // older fast commits
    if (head->fc_features.value() != 0) {
      log_.damage = fmt::format("unsupported fast-commit feature {:#x}", head->fc_features.value());
      return false;
    }
    return true;
  }

  // A tail closes a fast commit: its records count when the sum is right.
  bool Accept(ByteView block, size_t offset) {
    const auto tail = block.Read<FastCommitTailValue>(offset + sizeof(FastCommitTagLength));
    if (!tail || tail->fc_tid.value() != sequence_) return false;
    sum_ = Crc32c(sum_, block.From(offset).First(sizeof(FastCommitTagLength) + sizeof(le32)));
    if (tail->fc_crc.value() != sum_) return false;
    log_.records.insert(log_.records.end(), pending_.begin(), pending_.end());
    pending_.clear();
    sum_ = 0;
    ++log_.commit_count;
    return true;
  }

  FastCommitLog& log_;
  const uint32_t sequence_;
  std::vector<FastCommitLog::Record> pending_;
  uint32_t sum_ = 0;
};

}  // namespace

FastCommitLog ReadFastCommits(const JournalShape& shape, JournalBlocks& blocks, uint32_t sequence) {
  FastCommitLog log;
  FastCommitScan scan(log, sequence);
  for (uint32_t block = shape.fast_commit_first; block < shape.fast_commit_end; ++block) {
    if (log.bytes.size() + shape.block_bytes > limits::kMaxFastCommitBytes) {
      log.damage = "kMaxFastCommitBytes: the fast-commit area is larger than is read";
      break;
    }
    const auto bytes = blocks.Read(block);
    if (!bytes) {
      log.damage = bytes.error().message;
      break;
    }
    const size_t start = log.bytes.size();
    log.bytes.insert(log.bytes.end(), bytes->AsSpan().begin(), bytes->AsSpan().end());
    if (!scan.ReadBlock(start, shape.block_bytes)) break;
  }
  return log;
}

}  // namespace ekshume::fs::ext4
