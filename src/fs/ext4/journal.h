// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fs/ext4/journal_format.h"
#include "fs/ext4/replayed_image.h"
#include "fs/filesystem.h"

namespace ekshume::fs::ext4 {

// The validated shape of a journal, from its superblock.
struct JournalShape {
  uint32_t block_bytes = 0;
  uint32_t first_block = 0;  // of the log
  uint32_t end_block = 0;    // the log wraps before this one
  uint32_t start_block = 0;  // where the log begins now; 0: there is nothing to replay
  uint32_t start_sequence = 0;
  uint32_t fast_commit_first = 0;  // fast-commit area; none when equal to its end
  uint32_t fast_commit_end = 0;
  uint32_t compat = 0;
  uint32_t incompat = 0;
  uint32_t checksum_seed = 0;
  bool checksum_ok = true;  // of the superblock itself

  bool Has(JournalFeature incompat_feature) const { return (incompat & incompat_feature) != 0; }
  bool has_checksum_v1() const { return (compat & kJournalCompatChecksum) != 0; }
  bool has_checksum_v2_or_v3() const {
    return Has(kJournalIncompatCsumV2) || Has(kJournalIncompatCsumV3);
  }
  size_t tag_bytes() const;
  // What descriptor and revoke blocks keep free at their end.
  size_t tail_bytes() const { return has_checksum_v2_or_v3() ? sizeof(JournalBlockTail) : 0; }
};

// Checks the superblock in the journal's first block. kCorrupt, kUnsupported or kLimit says why
// this journal cannot be replayed. `file_blocks` is how long the journal's file is.
Result<JournalShape> ParseJournalSuperBlock(ByteView first_block, uint32_t block_bytes,
                                            uint64_t file_blocks);

// The blocks of the journal's file, read through a window. One thread at a time.
class JournalBlocks {
 public:
  // `file` must outlive it.
  JournalBlocks(const File& file, uint32_t block_bytes);

  // The block's bytes, valid until the next call.
  Result<ByteView> Read(uint64_t block);
  // Where the block lies in the filesystem's image; kCorrupt for a hole.
  Result<uint64_t> DeviceOffset(uint64_t block) const;
  uint64_t block_count() const { return file_.size_bytes() / block_bytes_; }

 private:
  const File& file_;
  const uint32_t block_bytes_;
  std::vector<std::byte> window_;
  uint64_t window_block_ = 0;
  size_t window_filled_bytes_ = 0;
};

// What a replay comes to.
struct ReplayOutcome {
  std::vector<JournalledBlock> blocks;  // in log order, revoked ones left out
  uint32_t transaction_count = 0;
  uint32_t end_sequence = 0;  // the first transaction that is not there
  std::string damage;         // empty, or what ended or thinned out the replay
};

// Reads the log as the kernel's recovery does: finds its end, collects revocations, then the
// blocks. `home_block_count` is the filesystem's size; journalled blocks past it are damage.
ReplayOutcome ReplayJournal(const JournalShape& shape, JournalBlocks& blocks,
                            uint64_t home_block_count);

}  // namespace ekshume::fs::ext4
