// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "fs/xfs/log_metadata.h"
#include "fs/xfs/log_recover.h"

namespace ekshume::fs::xfs {
namespace {

// A stretch of logged 128-byte chunks of a buffer.
struct ChunkRun {
  size_t first;
  size_t count;
};

// The runs of set bits in a buffer item's bitmap, one after the other.
class ChunkRuns {
 public:
  explicit ChunkRuns(const std::vector<uint32_t>& map) : map_(map) {}

  // The run that begins at the first set bit at or after `from`; count 0 when there is none.
  ChunkRun From(size_t from) const {
    const size_t bits = map_.size() * 32;
    while (from < bits && !IsSet(from)) ++from;
    size_t end = from;
    while (end < bits && IsSet(end)) ++end;
    return {from, end - from};
  }

 private:
  bool IsSet(size_t bit) const { return (map_[bit / 32] >> (bit % 32) & 1) != 0; }
  const std::vector<uint32_t>& map_;
};

Error BadRegion(size_t chunk, size_t length, size_t buffer_bytes) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("its region of {} bytes at byte {} does not fit a buffer of {} bytes",
                          length, chunk * kBlfChunkBytes, buffer_bytes));
}

}  // namespace

Result<LogRecovery::BufferItem> LogRecovery::ParseBufferItem(ByteView description) {
  BufferItem item{EKSHUME_TRY(description.Read<BufLogFormat>(0)), {}};
  const uint32_t words = item.format.blf_map_size.value();
  if (words > kBlfMaxMapWords) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("its bitmap has {} words, at most {}", words, kBlfMaxMapWords));
  }
  if (item.format.blf_len.value() == 0) return Fail(ErrorCode::kCorrupt, "its buffer is empty");
  // A cancellation may be logged without its bitmap.
  if ((item.flags() & kBlfCancel) != 0) return item;
  for (uint32_t i = 0; i < words; ++i) {
    const size_t offset = sizeof(BufLogFormat) + size_t{i} * sizeof(le32);
    item.map.push_back(EKSHUME_TRY(description.Read<le32>(offset)).value());
  }
  return item;
}

Result<void> LogRecovery::ReplayBuffer(const LogTransaction& transaction, const Item& item) {
  const BufferItem buffer = EKSHUME_TRY(ParseBufferItem(transaction.Region(item, 0)));
  if ((buffer.flags() & kBlfCancel) != 0) {
    PutCancelled(buffer.key());
    return {};
  }
  if (IsCancelled(buffer.key())) {
    ++replay_.cancelled_count;
    return {};
  }
  if ((buffer.flags() & kBlfDquotBufs) != 0) {
    ++replay_.dquot_count;
    return {};
  }
  const auto offset = CheckedMultiply<uint64_t>(buffer.key().first, kBasicBlockBytes);
  const size_t length = size_t{buffer.key().second} * kBasicBlockBytes;
  if (!offset || !RangeFits(*offset, uint64_t{length}, patched_.size_bytes())) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("its buffer at block {:#x} lies past the end of the device",
                            buffer.key().first));
  }
  std::vector<std::byte> bytes = EKSHUME_TRY(image::ReadBytes(patched_, *offset, length));
  if ((buffer.flags() & kBlfInodeBuf) != 0) {
    EKSHUME_TRY(CopyUnlinkedPointers(transaction, item, buffer, bytes));
    EKSHUME_TRY(patched_.Patch(*offset, ByteView(bytes)));
    ++replay_.buffer_count;
    return {};
  }
  if (superblock_.has_crc) {
    const auto on_disk = MetadataLsn(ByteView(bytes), superblock_.meta_uuid);
    // 0 and the null LSN say that the block was never written in a logged transaction.
    if (on_disk && *on_disk != 0 && *on_disk != kNullCommitLsn && *on_disk >= transaction.lsn()) {
      ++replay_.newer_on_disk_count;
      return {};
    }
  }
  EKSHUME_TRY(CopyRegions(transaction, item, buffer, bytes));
  EKSHUME_TRY(patched_.Patch(*offset, ByteView(bytes)));
  unstamped_[buffer.key()] = buffer.type();
  ++replay_.buffer_count;
  return {};
}

Result<void> LogRecovery::CopyRegions(const LogTransaction& transaction, const Item& item,
                                      const BufferItem& buffer, std::span<std::byte> bytes) const {
  const ChunkRuns runs(buffer.map);
  uint32_t region = 1;
  for (ChunkRun run = runs.From(0); run.count > 0; ++region) {
    const ByteView logged = transaction.Region(item, region);
    // One run may have been logged as two regions, where its memory was not contiguous.
    const size_t chunks = std::min(run.count, logged.size() / kBlfChunkBytes);
    if (chunks == 0 || !RangeFits(run.first, chunks, bytes.size() / kBlfChunkBytes)) {
      return BadRegion(run.first, logged.size(), bytes.size());
    }
    CopyBytes(bytes.subspan(run.first * kBlfChunkBytes), logged.First(chunks * kBlfChunkBytes));
    run = runs.From(run.first + chunks);
  }
  return {};
}

// A logged inode cluster only carries its inodes' links of the unlinked lists: everything else in
// it comes from inode items, and the logged bytes may be older than those.
Result<void> LogRecovery::CopyUnlinkedPointers(const LogTransaction& transaction, const Item& item,
                                               const BufferItem& buffer,
                                               std::span<std::byte> bytes) const {
  constexpr size_t kFieldOffset = offsetof(Dinode, di_next_unlinked);
  const size_t inode_bytes = superblock_.inode_bytes;
  const ChunkRuns runs(buffer.map);
  uint32_t region = 1;
  for (ChunkRun run = runs.From(0); run.count > 0; ++region) {
    const ByteView logged = transaction.Region(item, region);
    const size_t start = run.first * kBlfChunkBytes;
    const size_t chunks = std::min(run.count, logged.size() / kBlfChunkBytes);
    if (chunks == 0 || !RangeFits(start, chunks * kBlfChunkBytes, bytes.size())) {
      return BadRegion(run.first, logged.size(), bytes.size());
    }
    const size_t end = start + chunks * kBlfChunkBytes;
    for (size_t slot = start / inode_bytes * inode_bytes; slot < end; slot += inode_bytes) {
      const size_t field = slot + kFieldOffset;
      if (field < start || field + sizeof(be32) > end) continue;
      const be32 next = EKSHUME_TRY(logged.Read<be32>(field - start));
      if (next.value() == 0) {
        return Fail(ErrorCode::kCorrupt, "it links an inode to inode 0 in an unlinked list");
      }
      if (!RangeFits(slot, inode_bytes, bytes.size())) break;
      Put(bytes, field, next);
      StampInode(bytes.subspan(slot, inode_bytes));
    }
    run = runs.From(run.first + chunks);
  }
  return {};
}

}  // namespace ekshume::fs::xfs
