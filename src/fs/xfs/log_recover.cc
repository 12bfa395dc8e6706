// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_recover.h"

#include <fmt/format.h>

#include <array>

#include "fs/xfs/checksum.h"
#include "fs/xfs/log_metadata.h"

namespace ekshume::fs::xfs {
namespace {

// In which order a transaction's items are replayed.
enum class Stage : uint8_t { kBuffers, kItems, kInodeBuffers, kCancels };
constexpr std::array kStages = {Stage::kBuffers, Stage::kItems, Stage::kInodeBuffers,
                                Stage::kCancels};

Stage StageOf(uint16_t type, ByteView description) {
  if (type == kLiIcreate) return Stage::kBuffers;
  if (type != kLiBuf) return Stage::kItems;
  const auto format = description.Read<BufLogFormat>(0);
  const uint16_t flags = format ? format->blf_flags.value() : 0;
  if ((flags & kBlfCancel) != 0) return Stage::kCancels;
  if ((flags & kBlfInodeBuf) != 0) return Stage::kInodeBuffers;
  return Stage::kBuffers;
}

}  // namespace

void LogRecovery::Collect(const LogTransaction& transaction) {
  for (const Item& item : transaction.items()) {
    if (transaction.TypeOf(item) != kLiBuf) continue;
    // A malformed item is reported when the second pass comes to it.
    const auto buffer = ParseBufferItem(transaction.Region(item, 0));
    if (buffer && (buffer->flags() & kBlfCancel) != 0) ++cancelled_[buffer->key()];
  }
}

void LogRecovery::PutCancelled(BufferKey key) {
  const auto found = cancelled_.find(key);
  if (found != cancelled_.end() && --found->second == 0) cancelled_.erase(found);
}

Result<void> LogRecovery::Replay(const LogTransaction& transaction) {
  if (transaction.lsn() != current_lsn_) {
    EKSHUME_TRY(StampBuffers());
    current_lsn_ = transaction.lsn();
  }
  ++replay_.transaction_count;
  std::vector<Stage> stages;
  stages.reserve(transaction.items().size());
  for (const Item& item : transaction.items()) {
    stages.push_back(StageOf(transaction.TypeOf(item), transaction.Region(item, 0)));
  }
  for (const Stage stage : kStages) {
    for (size_t i = 0; i < stages.size(); ++i) {
      if (stages[i] != stage) continue;
      const Item& item = transaction.items()[i];
      ++replay_.item_count;
      const Result<void> replayed = ReplayItem(transaction, item);
      if (replayed) continue;
      if (replayed.error().code == ErrorCode::kLimit) return replayed.error();
      ReportItem(transaction, item, replayed.error());
    }
  }
  return {};
}

Result<void> LogRecovery::ReplayItem(const LogTransaction& transaction, const Item& item) {
  const uint16_t type = transaction.TypeOf(item);
  if (item.region_count != item.announced_count) {
    return Fail(ErrorCode::kCorrupt, fmt::format("has {} regions, expected {}", item.region_count,
                                                 item.announced_count));
  }
  switch (type) {
    case kLiBuf: return ReplayBuffer(transaction, item);
    case kLiInode: return ReplayInode(transaction, item);
    case kLiIcreate: return ReplayInodeChunk(transaction, item);
    case kLiDquot:
    case kLiQuotaoff: ++replay_.dquot_count; return {};
    default:
      if (LogIntents::IsIntentType(type)) return intents_.Add(transaction, item);
      return Fail(ErrorCode::kUnsupported, "is of an unknown type");
  }
}

void LogRecovery::ReportItem(const LogTransaction& transaction, const Item& item,
                             const Error& error) {
  damaged_ = true;
  diagnostics_.Report(
      DiagnosticCode::kXfsLogDamaged, patched_.name(),
      fmt::format("xfs: an item of type {:#06x} in the transaction at LSN {:#x}:{:#x} was left "
                  "out: {}",
                  transaction.TypeOf(item), LsnCycle(transaction.lsn()),
                  LsnBlock(transaction.lsn()), error.message));
}

Result<void> LogRecovery::StampBuffers() {
  if (superblock_.has_crc) {
    for (const auto& [key, type] : unstamped_) {
      // What has no type is not known to be metadata, and inodes are stamped one by one.
      if (type == Blft::kUnknown || type == Blft::kDino || type == Blft::kRtBitmap ||
          type == Blft::kRtSummary) {
        continue;
      }
      const uint64_t offset = key.first * kBasicBlockBytes;
      auto bytes = image::ReadBytes(patched_, offset, size_t{key.second} * kBasicBlockBytes);
      if (!bytes) continue;  // it was read and patched before, so only a limit can be in the way
      StampMetadata(*bytes, current_lsn_, superblock_.block_bytes);
      EKSHUME_TRY(patched_.Patch(offset, ByteView(*bytes)));
    }
  }
  unstamped_.clear();
  return {};
}

Superblock LogRecovery::SuperblockNow() const {
  const auto sector = image::ReadBytes(patched_, 0, superblock_.sector_bytes);
  const auto dsb = sector ? ByteView(*sector).Read<Dsb>(0) : Result<Dsb>(sector.error());
  if (!dsb) return superblock_;
  if (superblock_.has_crc && !ChecksumMatches(ByteView(*sector), offsetof(Dsb, sb_crc))) {
    return superblock_;
  }
  return ParseSuperblock(*dsb, true).value_or(superblock_);
}

Result<void> LogRecovery::Finish() {
  EKSHUME_TRY(StampBuffers());
  replay_.unfinished_intent_count = intents_.unfinished_count();
  replay_.changes = intents_.Finish(patched_, SuperblockNow(), diagnostics_);
  return {};
}

}  // namespace ekshume::fs::xfs
