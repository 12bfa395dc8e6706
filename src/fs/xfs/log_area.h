// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/byte_view.h"
#include "base/result.h"
#include "fs/xfs/log_format.h"
#include "fs/xfs/superblock.h"
#include "image/image.h"

namespace ekshume::fs::xfs {

// A record header that passed ParseRecordHeader, and what follows from it.
struct LogRecord {
  uint32_t block = 0;          // where it begins
  uint32_t header_blocks = 0;  // the header and its extensions
  uint32_t data_blocks = 0;
  uint32_t data_bytes = 0;
  uint32_t operation_count = 0;
  Lsn lsn = 0;
  Lsn tail_lsn = 0;
  uint32_t format = 0;  // h_fmt
  Uuid uuid{};

  uint32_t total_blocks() const { return header_blocks + data_blocks; }
};

// The log's part of the device as a ring of 512-byte blocks. `device` must outlive it. Any number
// of threads may use it.
class LogArea {
 public:
  // kUnsupported for an external log, kLimit above limits::kMaxJournalBytes, kCorrupt when the
  // superblock places it outside the filesystem.
  static Result<LogArea> Open(const image::Image& device, const Superblock& superblock);

  uint32_t block_count() const { return block_count_; }
  // `block` + `count`, around the end; `block` must lie in the log and `count` be at most its size.
  uint32_t Advance(uint32_t block, uint32_t count) const;
  // How many blocks from `from` forward to `to`, around the end; 0 when they are the same.
  uint32_t Distance(uint32_t from, uint32_t to) const;
  // Where a block lies on the device, in bytes.
  uint64_t OffsetOf(uint32_t block) const {
    return start_bytes_ + uint64_t{block} * kBasicBlockBytes;
  }

  // Fills `out` (whole blocks, at most the log's size) from `block` on, around the end.
  Result<void> Read(uint32_t block, std::span<std::byte> out) const;
  // The cycle number that a block is stamped with.
  Result<uint32_t> Cycle(uint32_t block) const;
  // The record header at `block`, checked as ParseRecordHeader does; nothing when there is none.
  Result<std::optional<LogRecord>> RecordAt(uint32_t block) const;

 private:
  LogArea(const image::Image& device, uint64_t start_bytes, uint32_t block_count)
      : device_(&device), start_bytes_(start_bytes), block_count_(block_count) {}

  const image::Image* device_;
  uint64_t start_bytes_;
  uint32_t block_count_;
};

// The cycle number that a block of the log is stamped with: its first four bytes, or the next four
// when the block is a record header.
uint32_t CycleOf(ByteView block);
bool IsRecordHeader(ByteView block);
// Checks the header as far as its size decides where the next record lies. kCorrupt names the
// field.
Result<LogRecord> ParseRecordHeader(ByteView header_block, uint32_t block);

}  // namespace ekshume::fs::xfs
