// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "base/byte_view.h"
#include "base/result.h"
#include "fs/xfs/log_area.h"

namespace ekshume::fs::xfs {

// One committed transaction (a checkpoint), put together from the records it was spread over.
class LogTransaction {
 public:
  // An item: a description in its first region, then the regions that it announces.
  struct Item {
    uint32_t first_region = 0;
    uint32_t region_count = 0;     // how many there are
    uint32_t announced_count = 0;  // how many there should be
  };

  // The LSN of the record in which it began: what the metadata it changes is stamped with.
  Lsn lsn() const { return lsn_; }
  const std::vector<Item>& items() const { return items_; }
  // Region `index` of `item`; empty when there is none. Valid while the transaction lives.
  ByteView Region(const Item& item, uint32_t index) const;
  // The first two bytes of an item's description (kLiBuf, ...); 0 when it has none.
  uint16_t TypeOf(const Item& item) const;

 private:
  friend class TransactionAssembler;
  struct Span {
    size_t offset;
    size_t length;
  };

  // Adds an operation's bytes: a region of its own, or more of the last one.
  Result<void> AddRegion(ByteView bytes);
  Result<void> ContinueRegion(ByteView bytes);
  Result<void> AddToHeader(ByteView bytes);
  size_t memory_bytes() const {
    return bytes_.size() + regions_.size() * sizeof(Span) + items_.size() * sizeof(Item);
  }

  Lsn lsn_ = 0;
  size_t header_bytes_ = 0;  // of the TransHeader, already seen
  std::array<std::byte, sizeof(TransHeader)> header_{};
  std::vector<std::byte> bytes_;  // all regions, one behind the other
  std::vector<Span> regions_;
  std::vector<Item> items_;
};

// Puts transactions together from records given in order, and hands each over when its commit
// operation comes. Transactions may be interleaved. One thread.
class TransactionAssembler {
 public:
  using OnCommit = std::function<Result<void>(const LogTransaction& transaction)>;
  explicit TransactionAssembler(OnCommit on_commit) : on_commit_(std::move(on_commit)) {}

  // Takes the operations of one record. kCorrupt when they contradict each other (recovery cannot
  // go on past that), kLimit when unfinished transactions need too much memory, and whatever
  // `on_commit` returned.
  Result<void> AddRecord(const LogRecord& record, ByteView data);

  // Transactions that have begun and not been committed.
  size_t pending_count() const { return pending_.size(); }

 private:
  Result<void> AddOperation(const LogRecord& record, const XlogOpHeader& header, ByteView bytes);

  OnCommit on_commit_;
  std::unordered_map<uint32_t, LogTransaction> pending_;  // by transaction id
  size_t pending_bytes_ = 0;
};

}  // namespace ekshume::fs::xfs
