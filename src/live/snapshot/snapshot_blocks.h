// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "image/evidence_file.h"
#include "image/format.h"
#include "live/aws/client.h"
#include "live/aws/ebs.h"

// The blocks of an EBS snapshot, fetched when they are wanted and kept in files of ours.
namespace ekshume::live::snapshot {

// True for "snap-" and hexadecimal digits, which is what EC2 calls snapshots.
bool IsSnapshotId(std::string_view text);

// Three files keep what was fetched (docs/formats/snapshot-blocks.md): NAME.blocks, the blocks at
// their places in a sparse file as long as the volume; NAME.digests, the SHA-256 of each kept block
// (32 bytes at 32 times its index, zeros for none); NAME.list, which blocks the snapshot has, with
// their tokens. A kept block whose digest is not right is fetched anew. So a run that was
// interrupted goes on where it ended, and what was read once is read without the service.
//
// Any number of threads may call Get and Ensure; two that want one block wait for one fetch. The
// client must outlive it.
class SnapshotBlocks {
 public:
  // `scratch` null: anonymous temporary files. The list is asked of the service when it is not kept
  // yet. Errors of the service, of files, kCorrupt.
  static Result<std::unique_ptr<SnapshotBlocks>> Open(const aws::Client& client,
                                                      const std::string& snapshot,
                                                      image::Scratch* scratch,
                                                      aws::ServiceError* failure = nullptr);

  const std::string& snapshot() const { return snapshot_; }
  uint64_t volume_bytes() const { return volume_bytes_; }
  uint32_t block_bytes() const { return block_bytes_; }
  // How many blocks the snapshot has.
  size_t block_count() const { return indexes_.size(); }
  // Their indexes, ascending.
  const std::vector<uint32_t>& indexes() const { return indexes_; }

  // The bytes of a block; all zeros for one that the snapshot does not have.
  Result<std::vector<std::byte>> Get(uint32_t index);
  // Sees to it that a block is kept and whole. `failure` as in aws::Client::Send.
  Result<void> Ensure(uint32_t index, aws::ServiceError* failure = nullptr);
  // The digest of a kept block.
  Result<std::optional<Sha256Digest>> DigestOf(uint32_t index) const;

  // How many blocks were fetched by this object.
  uint64_t fetched() const { return fetched_.load(); }

 private:
  SnapshotBlocks(const aws::Client& client, std::string snapshot);

  Result<bool> LoadList();
  Result<void> AskForList(aws::ServiceError* failure);
  Result<void> SaveList(const aws::BlockTable& table);
  void UseTable(aws::BlockTable table);
  Result<bool> ReadKept(uint32_t index, std::span<std::byte> out) const;
  Result<std::string> Fetch(uint32_t index, aws::ServiceError* failure);
  // Fetches and keeps a block, unless another thread has just done so; "" in that case.
  Result<std::string> FetchOnce(uint32_t index, aws::ServiceError* failure);

  const aws::Client& client_;
  const std::string snapshot_;
  image::FileDescriptor blocks_;
  image::FileDescriptor digests_;
  image::FileDescriptor list_;
  uint64_t volume_bytes_ = 0;
  uint32_t block_bytes_ = 0;
  std::vector<uint32_t> indexes_;
  std::atomic<uint64_t> fetched_{0};

  std::mutex mutex_;  // guards what follows
  std::shared_ptr<const aws::BlockTable> table_;
  std::set<uint32_t> in_flight_;
  std::condition_variable landed_;
};

// A snapshot as an image that fetches only what is read. Reads of many blocks fetch several at a
// time. `blocks` must outlive it.
std::unique_ptr<image::Image> MakeSnapshotImage(SnapshotBlocks& blocks);

}  // namespace ekshume::live::snapshot
