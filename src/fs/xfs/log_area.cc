// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_area.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/limits.h"

namespace ekshume::fs::xfs {

Result<LogArea> LogArea::Open(const image::Image& device, const Superblock& superblock) {
  if (superblock.log_start == 0) {
    return Fail(ErrorCode::kUnsupported, "xfs: the log is on another device");
  }
  const uint64_t bytes = uint64_t{superblock.log_blocks} << superblock.block_log;
  if (bytes > limits::kMaxJournalBytes) {
    return Fail(ErrorCode::kLimit, fmt::format("xfs: a log of {} bytes is larger than the limit "
                                               "kMaxJournalBytes ({})",
                                               bytes, limits::kMaxJournalBytes));
  }
  const std::optional<uint64_t> start = superblock.FsBlockToByte(superblock.log_start);
  if (!start || bytes == 0 ||
      !superblock.ContainsBlocks(superblock.log_start, superblock.log_blocks)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("xfs: the log at block {:#x} of {} blocks lies outside the filesystem",
                            superblock.log_start, superblock.log_blocks));
  }
  return LogArea(device, *start, static_cast<uint32_t>(bytes / kBasicBlockBytes));
}

uint32_t LogArea::Advance(uint32_t block, uint32_t count) const {
  const uint32_t left = block_count_ - block;
  return count < left ? block + count : count - left;
}

uint32_t LogArea::Distance(uint32_t from, uint32_t to) const {
  return to >= from ? to - from : block_count_ - from + to;
}

Result<void> LogArea::Read(uint32_t block, std::span<std::byte> out) const {
  if (block >= block_count_ || out.size() > uint64_t{block_count_} * kBasicBlockBytes) {
    return Fail(ErrorCode::kOutOfRange,
                fmt::format("xfs: log block {:#x} is past the end of the log ({:#x} blocks)", block,
                            block_count_));
  }
  const uint64_t until_end = uint64_t{block_count_ - block} * kBasicBlockBytes;
  const size_t first = std::min<uint64_t>(out.size(), until_end);
  EKSHUME_TRY(device_->ReadAt(OffsetOf(block), out.first(first)));
  if (first < out.size()) EKSHUME_TRY(device_->ReadAt(OffsetOf(0), out.subspan(first)));
  return {};
}

Result<uint32_t> LogArea::Cycle(uint32_t block) const {
  std::array<std::byte, kBasicBlockBytes> bytes;
  EKSHUME_TRY(Read(block, bytes));
  return CycleOf(ByteView(bytes));
}

Result<std::optional<LogRecord>> LogArea::RecordAt(uint32_t block) const {
  std::array<std::byte, kBasicBlockBytes> bytes;
  EKSHUME_TRY(Read(block, bytes));
  if (!IsRecordHeader(ByteView(bytes))) return std::optional<LogRecord>();
  return std::optional<LogRecord>(EKSHUME_TRY(ParseRecordHeader(ByteView(bytes), block)));
}

bool IsRecordHeader(ByteView block) {
  const auto magic = block.Read<be32>(offsetof(XlogRecHeader, h_magicno));
  return magic && magic->value() == kXlogHeaderMagic;
}

uint32_t CycleOf(ByteView block) {
  const size_t offset = IsRecordHeader(block) ? offsetof(XlogRecHeader, h_cycle) : 0;
  const auto cycle = block.Read<be32>(offset);
  return cycle ? cycle->value() : 0;
}

Result<LogRecord> ParseRecordHeader(ByteView header_block, uint32_t block) {
  const auto header = EKSHUME_TRY(header_block.Read<XlogRecHeader>(0));
  if (header.h_magicno.value() != kXlogHeaderMagic) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("xfs: bad record magic at log block {:#x}: {:#010x}, expected {:#010x}",
                            block, header.h_magicno.value(), kXlogHeaderMagic));
  }
  const uint32_t version = header.h_version.value();
  if (version == 0 || (version & ~(kXlogVersion1 | kXlogVersion2)) != 0) {
    return Fail(ErrorCode::kCorrupt, fmt::format("xfs: unknown version {:#x} of the record at log "
                                                 "block {:#x}",
                                                 version, block));
  }
  const bool is_v2 = (version & kXlogVersion2) != 0;
  const uint32_t size = is_v2 ? header.h_size.value() : kXlogMaxRecordBytesV1;
  const uint32_t length = header.h_len.value();
  const uint32_t most = is_v2 ? kXlogMaxRecordBytes : kXlogMaxRecordBytesV1;
  if (size > most || length > most) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("xfs: the record at log block {:#x} claims {} bytes of a buffer of {}, "
                            "the most is {}",
                            block, length, size, most));
  }
  LogRecord record;
  record.block = block;
  record.header_blocks =
      is_v2 ? std::max<uint32_t>(1, (size + kXlogHeaderCycleBytes - 1) / kXlogHeaderCycleBytes) : 1;
  record.data_blocks = (length + kBasicBlockBytes - 1) / kBasicBlockBytes;
  record.data_bytes = length;
  record.operation_count = header.h_num_logops.value();
  record.lsn = header.h_lsn.value();
  record.tail_lsn = header.h_tail_lsn.value();
  record.format = header.h_fmt.value();
  record.uuid = header.h_fs_uuid;
  return record;
}

}  // namespace ekshume::fs::xfs
