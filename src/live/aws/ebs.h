// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "live/aws/client.h"

// EBS direct APIs: the blocks of a snapshot, without a volume or an instance.
namespace ekshume::live::aws {

// The blocks that a snapshot holds, by index, each with the token that reads it (valid for seven
// days). What is not in the list is zero. Compact: a volume of 16 TiB may have 33 million blocks.
// Any number of threads may read it.
class BlockTable {
 public:
  BlockTable() = default;
  BlockTable(uint64_t volume_bytes, uint32_t block_bytes)
      : volume_bytes_(volume_bytes), block_bytes_(block_bytes) {}

  uint64_t volume_bytes() const { return volume_bytes_; }
  uint32_t block_bytes() const { return block_bytes_; }
  size_t size() const { return indexes_.size(); }
  uint32_t index(size_t position) const { return indexes_[position]; }
  std::string_view token(size_t position) const {
    return std::string_view(tokens_).substr(token_ends_[position] - token_sizes_[position],
                                            token_sizes_[position]);
  }
  // Where a block stands in the list, if it does.
  std::optional<size_t> Find(uint32_t index) const;
  // The first block at or after `index`, if there is one.
  std::optional<uint32_t> FirstFrom(uint32_t index) const;

  // Blocks come in ascending order; kCorrupt when this one does not, lies outside the volume or has
  // an absurd token.
  Result<void> Add(int64_t index, std::string_view token);

 private:
  uint64_t volume_bytes_ = 0;
  uint32_t block_bytes_ = 0;
  std::vector<uint32_t> indexes_;
  std::vector<uint64_t> token_ends_;
  std::vector<uint16_t> token_sizes_;
  std::string tokens_;
};

// All of the snapshot's blocks, page by page. kCorrupt for an answer that makes no sense, kLimit
// for a volume beyond limits::kMaxDecodedBytes or more than limits::kMaxAnswerPages.
Result<BlockTable> ListSnapshotBlocks(const Client& client, const std::string& snapshot,
                                      ServiceError* failure = nullptr);

// A block that differs between two snapshots of one volume. A token is "" where the block is not in
// that snapshot.
struct ChangedBlock {
  uint32_t index = 0;
  std::string first_token;
  std::string second_token;
};
struct ChangedBlocks {
  uint64_t volume_bytes = 0;
  uint32_t block_bytes = 0;
  std::vector<ChangedBlock> blocks;  // ascending
};
Result<ChangedBlocks> ListChangedBlocks(const Client& client, const std::string& first,
                                        const std::string& second, ServiceError* failure = nullptr);

// The bytes of one block, `block_bytes` of them, with the checksum that the service sent along
// verified; a wrong one is asked for again, then kCorrupt. `failure` as in Client::Send.
Result<std::string> GetSnapshotBlock(const Client& client, const std::string& snapshot,
                                     uint32_t index, std::string_view token, uint32_t block_bytes,
                                     ServiceError* failure = nullptr);

}  // namespace ekshume::live::aws
