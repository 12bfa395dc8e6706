// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_transactions.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace ekshume::fs::xfs {
namespace {

Error BadOperation(const LogRecord& record, std::string_view what) {
  return Fail(ErrorCode::kCorrupt, fmt::format("xfs: the log record at LSN {:#x}:{:#x} {}",
                                               LsnCycle(record.lsn), LsnBlock(record.lsn), what));
}

}  // namespace

ByteView LogTransaction::Region(const Item& item, uint32_t index) const {
  if (index >= item.region_count) return {};
  const Span& span = regions_[item.first_region + index];
  return ByteView(bytes_).From(span.offset).First(span.length);
}

uint16_t LogTransaction::TypeOf(const Item& item) const {
  const auto type = Region(item, 0).Read<le16>(0);
  return type ? type->value() : 0;
}

Result<void> LogTransaction::AddToHeader(ByteView bytes) {
  if (bytes.size() > header_.size() - header_bytes_) {
    return Fail(ErrorCode::kCorrupt, "xfs: a transaction in the log has a header of bad length");
  }
  CopyBytes(std::span(header_).subspan(header_bytes_), bytes);
  header_bytes_ += bytes.size();
  if (header_bytes_ < header_.size()) return {};
  const uint32_t magic = EKSHUME_TRY(ByteView(header_).Read<TransHeader>(0)).th_magic.value();
  if (magic == kTransHeaderMagic) return {};
  return Fail(ErrorCode::kCorrupt,
              fmt::format("xfs: bad magic of a transaction in the log: {:#010x}, expected {:#010x}",
                          magic, kTransHeaderMagic));
}

Result<void> LogTransaction::AddRegion(ByteView bytes) {
  if (bytes.empty()) return {};
  if (header_bytes_ < header_.size()) return AddToHeader(bytes);
  if (items_.empty() || items_.back().region_count == items_.back().announced_count) {
    const auto header = bytes.Read<LogItemHeader>(0);
    const uint32_t announced = header ? header->size.value() : 0;
    if (announced == 0 || announced > kXlogMaxRegionsInItem) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("xfs: a log item announces {} regions, expected 1 to {}", announced,
                              kXlogMaxRegionsInItem));
    }
    items_.push_back({static_cast<uint32_t>(regions_.size()), 0, announced});
  }
  ++items_.back().region_count;
  regions_.push_back({bytes_.size(), bytes.size()});
  bytes_.insert(bytes_.end(), bytes.AsSpan().begin(), bytes.AsSpan().end());
  return {};
}

Result<void> LogTransaction::ContinueRegion(ByteView bytes) {
  if (header_bytes_ < header_.size()) return AddToHeader(bytes);
  if (regions_.empty()) {
    // The header was whole, and what follows was cut at its very first byte.
    return AddRegion(bytes);
  }
  // The last region is the last in bytes_ too.
  regions_.back().length += bytes.size();
  bytes_.insert(bytes_.end(), bytes.AsSpan().begin(), bytes.AsSpan().end());
  return {};
}

Result<void> TransactionAssembler::AddRecord(const LogRecord& record, ByteView data) {
  size_t at = 0;
  for (uint32_t i = 0; i < record.operation_count && at < data.size(); ++i) {
    const auto header = data.Read<XlogOpHeader>(at);
    if (!header) return BadOperation(record, "ends amid an operation's header");
    at += sizeof(XlogOpHeader);
    const auto bytes = data.Sub(at, header->oh_len.value());
    if (!bytes) return BadOperation(record, "has an operation longer than itself");
    at += bytes->size();
    if (header->oh_clientid != kXlogClientTransaction && header->oh_clientid != kXlogClientLog) {
      return BadOperation(record, fmt::format("has an operation of the unknown client {:#04x}",
                                              header->oh_clientid));
    }
    EKSHUME_TRY(AddOperation(record, *header, *bytes));
  }
  return {};
}

Result<void> TransactionAssembler::AddOperation(const LogRecord& record, const XlogOpHeader& header,
                                                ByteView bytes) {
  const uint32_t id = header.oh_tid.value();
  const auto found = pending_.find(id);
  if (found == pending_.end()) {
    // The rest of a transaction that began before the tail, which nothing needs any more.
    if ((header.oh_flags & kXlogStartTrans) == 0) return {};
    if (pending_.size() >= limits::kMaxPendingLogTransactions) {
      return Fail(ErrorCode::kLimit, fmt::format("xfs: the log has more than {} transactions under "
                                                 "way at once (kMaxPendingLogTransactions)",
                                                 limits::kMaxPendingLogTransactions));
    }
    pending_[id].lsn_ = record.lsn;
    return {};
  }
  LogTransaction& transaction = found->second;
  uint8_t flags = header.oh_flags & ~kXlogEndTrans;
  if ((flags & kXlogWasContTrans) != 0) flags &= ~kXlogContinueTrans;

  const size_t before = transaction.memory_bytes();
  switch (flags) {
    case 0:
    case kXlogContinueTrans: EKSHUME_TRY(transaction.AddRegion(bytes)); break;
    case kXlogWasContTrans: EKSHUME_TRY(transaction.ContinueRegion(bytes)); break;
    case kXlogCommitTrans: {
      const LogTransaction committed = std::move(transaction);
      pending_.erase(found);
      pending_bytes_ -= before;
      return on_commit_(committed);
    }
    case kXlogUnmountTrans:
      pending_.erase(found);
      pending_bytes_ -= before;
      return {};
    default:
      return BadOperation(
          record, fmt::format("has an operation with the bad flags {:#04x}", header.oh_flags));
  }
  pending_bytes_ += transaction.memory_bytes() - before;
  if (pending_bytes_ > limits::kMaxReplayBytes) {
    return Fail(ErrorCode::kLimit, fmt::format("xfs: transactions in the log need more than {} "
                                               "bytes (kMaxReplayBytes)",
                                               limits::kMaxReplayBytes));
  }
  return {};
}

}  // namespace ekshume::fs::xfs
