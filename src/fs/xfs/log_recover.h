// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"
#include "fs/xfs/log.h"
#include "fs/xfs/log_intents.h"
#include "fs/xfs/log_transactions.h"
#include "fs/xfs/superblock.h"
#include "image/patched_image.h"

namespace ekshume::fs::xfs {

// Replays committed transactions onto the patches, in two passes over the same transactions: first
// Collect() for each, then Replay() for each, then Finish(). What the constructor gets must outlive
// it. One thread. The functions are spread over log_recover.cc and log_recover_*.cc by item type.
//
// Their errors: kLimit when the patches need too much memory, which ends the replay. Anything wrong
// with an item is reported (kXfsLogDamaged), the item left out.
class LogRecovery {
 public:
  LogRecovery(const Superblock& superblock, image::PatchedImage& patched, LogReplay& replay,
              DiagnosticSink& diagnostics)
      : superblock_(superblock), patched_(patched), replay_(replay), diagnostics_(diagnostics) {}

  // First pass: which buffers were freed ("cancelled"). Replaying older changes to them would
  // overwrite what the blocks hold now, perhaps a file's data.
  void Collect(const LogTransaction& transaction);
  // Second pass. The items are replayed in the kernel's order: buffers and new inode chunks, then
  // everything else, then inode clusters, then cancellations.
  Result<void> Replay(const LogTransaction& transaction);
  // Stamps what is left and finishes unfinished intents.
  Result<void> Finish();

  bool damaged() const { return damaged_; }

 private:
  using Item = LogTransaction::Item;
  using BufferKey = std::pair<uint64_t, uint32_t>;  // daddr, basic blocks

  struct BufferItem {
    BufLogFormat format;
    std::vector<uint32_t> map;  // one bit for each 128 bytes

    BufferKey key() const { return {format.blf_blkno.value(), format.blf_len.value()}; }
    uint16_t flags() const { return format.blf_flags.value(); }
    Blft type() const { return Blft{static_cast<uint8_t>(flags() >> kBlftShift)}; }
  };
  struct InodeItem {
    uint16_t region_count;
    uint32_t fields;
    uint64_t ino;
    uint32_t rdev;
    uint64_t blkno;
    uint32_t len;
    uint32_t boffset;
  };

  bool IsCancelled(BufferKey key) const { return cancelled_.contains(key); }
  void PutCancelled(BufferKey key);

  static Result<BufferItem> ParseBufferItem(ByteView description);
  static Result<InodeItem> ParseInodeItem(ByteView description);

  Result<void> ReplayItem(const LogTransaction& transaction, const Item& item);
  Result<void> ReplayBuffer(const LogTransaction& transaction, const Item& item);
  Result<void> CopyRegions(const LogTransaction& transaction, const Item& item,
                           const BufferItem& buffer, std::span<std::byte> bytes) const;
  Result<void> CopyUnlinkedPointers(const LogTransaction& transaction, const Item& item,
                                    const BufferItem& buffer, std::span<std::byte> bytes) const;
  Result<void> ReplayInodeChunk(const LogTransaction& transaction, const Item& item);
  Result<void> ReplayInode(const LogTransaction& transaction, const Item& item);
  Result<void> CopyForks(const LogTransaction& transaction, const Item& item,
                         const InodeItem& inode, std::span<std::byte> slot) const;
  Result<void> ChangeOwner(const InodeItem& inode, ByteView slot);
  // Every block of the extent tree whose root is `root` gets `owner`.
  Result<void> ChangeTreeOwner(ByteView root, uint64_t owner);

  // The superblock as the log leaves it, which may have made the filesystem larger; the one that
  // was given when it is damaged.
  Superblock SuperblockNow() const;
  // Writes the LSN and checksum of the buffers changed since the last call.
  Result<void> StampBuffers();
  void ReportItem(const LogTransaction& transaction, const Item& item, const Error& error);

  const Superblock& superblock_;
  image::PatchedImage& patched_;
  LogReplay& replay_;
  DiagnosticSink& diagnostics_;
  LogIntents intents_;
  std::map<BufferKey, uint64_t> cancelled_;  // how many cancellations are still to come
  // Changed buffers, not stamped yet. Checkpoints that began in one record share their LSN, and an
  // item counts as already on disk when the buffer's LSN is not smaller: so buffers keep their old
  // LSN until a checkpoint with another one comes, as in the kernel.
  std::map<BufferKey, Blft> unstamped_;
  Lsn current_lsn_ = kNullCommitLsn;
  size_t owner_blocks_ = 0;  // visited by ChangeTreeOwner
  bool damaged_ = false;
};

}  // namespace ekshume::fs::xfs
