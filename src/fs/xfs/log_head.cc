// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "fs/xfs/log_records.h"

namespace ekshume::fs::xfs {
namespace {

constexpr uint32_t kScanBlocks = 512;  // read at once while scanning

// Binary search in [first, last] for the first block stamped with `cycle`, knowing that `first` is
// not and `last` is.
Result<uint32_t> FindCycleStart(const LogArea& area, uint32_t first, uint32_t last,
                                uint32_t cycle) {
  while (last - first > 1) {
    const uint32_t middle = first + (last - first) / 2;
    if (EKSHUME_TRY(area.Cycle(middle)) == cycle) {
      last = middle;
    } else {
      first = middle;
    }
  }
  return last;
}

// The first of the `count` blocks from `start` on (not around the end) that is stamped with
// `cycle`.
Result<std::optional<uint32_t>> FindBlockOfCycle(const LogArea& area, uint32_t start,
                                                 uint32_t count, uint32_t cycle) {
  std::vector<std::byte> buffer;
  for (uint32_t done = 0; done < count; done += kScanBlocks) {
    const uint32_t now = std::min(kScanBlocks, count - done);
    buffer.resize(size_t{now} * kBasicBlockBytes);
    EKSHUME_TRY(area.Read(start + done, buffer));
    for (uint32_t i = 0; i < now; ++i) {
      const ByteView block = ByteView(buffer).From(size_t{i} * kBasicBlockBytes);
      if (CycleOf(block.First(kBasicBlockBytes)) == cycle) {
        return std::optional<uint32_t>(start + done + i);
      }
    }
  }
  return std::optional<uint32_t>();
}

// Looks for record headers among the `count` blocks before `end`, backwards and around the end of
// the log. Returns the `wanted`th one found, or the last one if there are fewer, or nothing.
Result<std::optional<uint32_t>> FindHeaderBackwards(const LogArea& area, uint32_t end,
                                                    uint32_t count, uint32_t wanted) {
  std::optional<uint32_t> found;
  std::vector<std::byte> buffer;
  for (uint32_t done = 0; done < count;) {
    const uint32_t now = std::min(kScanBlocks, count - done);
    const uint32_t start = area.Advance(end, area.block_count() - done - now);
    buffer.resize(size_t{now} * kBasicBlockBytes);
    EKSHUME_TRY(area.Read(start, buffer));
    for (uint32_t i = now; i-- > 0;) {
      if (!IsRecordHeader(ByteView(buffer).From(size_t{i} * kBasicBlockBytes))) continue;
      found = area.Advance(start, i);
      if (--wanted == 0) return found;
    }
    done += now;
  }
  return found;
}

// The same forwards, among the `count` blocks from `start` on.
Result<std::optional<uint32_t>> FindHeaderForwards(const LogArea& area, uint32_t start,
                                                   uint32_t count, uint32_t wanted) {
  std::vector<std::byte> buffer;
  for (uint32_t done = 0; done < count; done += kScanBlocks) {
    const uint32_t now = std::min(kScanBlocks, count - done);
    buffer.resize(size_t{now} * kBasicBlockBytes);
    const uint32_t at = area.Advance(start, done);
    EKSHUME_TRY(area.Read(at, buffer));
    for (uint32_t i = 0; i < now; ++i) {
      if (!IsRecordHeader(ByteView(buffer).From(size_t{i} * kBasicBlockBytes))) continue;
      if (--wanted == 0) return std::optional<uint32_t>(area.Advance(at, i));
    }
  }
  return std::optional<uint32_t>();
}

// Moves `last`, the supposed end of the log, back to the start of the record before it when that
// record does not end there (`extra` blocks of it lie at the start of the log). False when there is
// no record header in [start, last).
Result<bool> BackUpToWholeRecord(const LogArea& area, uint32_t start, uint32_t& last,
                                 uint32_t extra) {
  const auto header =
      EKSHUME_TRY(FindHeaderBackwards(area, last % area.block_count(), last - start, 1));
  if (!header) return false;
  const auto record = area.RecordAt(*header);
  if (!record || !*record || last - *header + extra != (*record)->total_blocks()) last = *header;
  return true;
}

// The end of a log that has never wrapped: the first block that is still zero.
Result<uint32_t> FindEndOfZeroedLog(const LogArea& area) {
  uint32_t end = EKSHUME_TRY(FindCycleStart(area, 0, area.block_count() - 1, 0));
  const uint32_t start = end - std::min(end, kXlogTotalRecordBlocks);
  const auto gap = EKSHUME_TRY(FindBlockOfCycle(area, start, end - start, 0));
  if (gap) end = *gap;
  if (!EKSHUME_TRY(BackUpToWholeRecord(area, start, end, 0))) {
    return Fail(ErrorCode::kCorrupt, "xfs: the log has no record before its end");
  }
  return end;
}

// The block where the next record would have been written.
Result<uint32_t> FindHead(const LogArea& area) {
  const uint32_t count = area.block_count();
  const uint32_t first_cycle = EKSHUME_TRY(area.Cycle(0));
  if (first_cycle == 0) return 0;
  const uint32_t last_cycle = EKSHUME_TRY(area.Cycle(count - 1));
  if (last_cycle == 0) return FindEndOfZeroedLog(area);

  uint32_t head = count;
  uint32_t stale_cycle = last_cycle - 1;
  if (first_cycle != last_cycle) {
    stale_cycle = last_cycle;
    head = EKSHUME_TRY(FindCycleStart(area, 0, count - 1, last_cycle));
  }
  // Records in flight may have reached the disk in any order: the head is before the first block
  // that still has its old cycle number, among as many blocks as can have been in flight.
  const uint32_t in_flight = std::min(count, kXlogTotalRecordBlocks);
  bool at_end = false;
  if (head < in_flight) {
    const uint32_t at_log_end = in_flight - head;
    const auto stale =
        EKSHUME_TRY(FindBlockOfCycle(area, count - at_log_end, at_log_end, stale_cycle - 1));
    if (stale) {
      head = *stale;
      at_end = true;
    }
  }
  if (!at_end) {
    const uint32_t start = head - std::min(head, in_flight);
    const auto stale = EKSHUME_TRY(FindBlockOfCycle(area, start, head - start, stale_cycle));
    if (stale) head = *stale;
  }
  // The head must not lie amid a record.
  const uint32_t record_blocks = std::min(count, kXlogMaxRecordBytes / kBasicBlockBytes);
  const uint32_t start = head - std::min(head, record_blocks);
  if (!EKSHUME_TRY(BackUpToWholeRecord(area, start, head, 0))) {
    if (start != 0) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("xfs: no record before the head of the log at {:#x}", head));
    }
    uint32_t end = count;
    if (!EKSHUME_TRY(BackUpToWholeRecord(area, count - (record_blocks - head), end, head))) {
      return Fail(ErrorCode::kCorrupt, "xfs: no record before the head of the log");
    }
    if (end != count) head = end;
  }
  return head == count ? 0 : head;
}

// True when the record ends at `head` and says that the filesystem was unmounted.
Result<bool> IsUnmountRecord(const LogArea& area, const LogRecord& record, uint32_t head) {
  if (record.operation_count != 1 || record.total_blocks() > area.block_count() ||
      area.Advance(record.block, record.total_blocks()) != head) {
    return false;
  }
  std::array<std::byte, kBasicBlockBytes> bytes;
  EKSHUME_TRY(area.Read(area.Advance(record.block, record.header_blocks), bytes));
  const auto operation = EKSHUME_TRY(ByteView(bytes).Read<XlogOpHeader>(0));
  return (operation.oh_flags & kXlogUnmountTrans) != 0;
}

struct BadRecord {
  uint32_t block;
  std::string reason;
};

// The first record of [begin, end) that is damaged, if any.
Result<std::optional<BadRecord>> FindBadRecord(const LogArea& area, uint32_t begin, uint32_t end,
                                               bool has_crc) {
  LogRecordReader reader(area, begin, end, LogRecordReader::Check::kChecksum, has_crc);
  while (true) {
    const Result<bool> next = reader.Next();
    if (!next) {
      if (next.error().code != ErrorCode::kCorrupt) return next.error();
      return std::optional<BadRecord>({reader.position(), next.error().message});
    }
    if (!*next) return std::optional<BadRecord>();
  }
}

// The last record before `end`, which must be of this filesystem and of a byte order that is read.
Result<LogRecord> LastRecordBefore(const LogArea& area, const Superblock& superblock, uint32_t end,
                                   uint32_t count) {
  const auto block = EKSHUME_TRY(FindHeaderBackwards(area, end, count, 1));
  if (!block) return Fail(ErrorCode::kCorrupt, "xfs: the log has no record");
  const auto found = EKSHUME_TRY(area.RecordAt(*block));
  if (!found) return Fail(ErrorCode::kCorrupt, "xfs: the log has no record");
  constexpr Uuid kNull{};
  if (found->uuid != superblock.uuid && found->uuid != kNull) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("xfs: the record at log block {:#x} is of another filesystem", *block));
  }
  if (found->format != kXlogFmtLinuxLe) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("xfs: the log was written by a machine of another byte order (format "
                            "{} of the record at log block {:#x})",
                            found->format, *block));
  }
  if (LsnBlock(found->tail_lsn) >= area.block_count()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("xfs: the record at log block {:#x} has its tail at {:#x}, past the "
                            "end of the log ({:#x} blocks)",
                            *block, LsnBlock(found->tail_lsn), area.block_count()));
  }
  return *found;
}

// Records over the tail may have been overwritten by writes that did not complete: the tail moves
// on to the first good record, as far as writes in flight can reach. Any other bad record ends the
// valid part.
Result<void> VerifyTail(const LogArea& area, bool has_crc, LogBounds& bounds) {
  const uint32_t length = area.Distance(bounds.tail, bounds.head);
  const auto first = EKSHUME_TRY(FindHeaderForwards(area, bounds.tail, length, 1));
  if (!first) return Fail(ErrorCode::kCorrupt, "xfs: the log has no record at its tail");
  bounds.tail = *first;
  // Each round moves the tail on by a record at least.
  while (true) {
    const auto bad = EKSHUME_TRY(FindBadRecord(area, bounds.tail, bounds.head, has_crc));
    if (!bad) return {};
    const auto next = EKSHUME_TRY(
        FindHeaderForwards(area, bad->block, area.Distance(bad->block, bounds.head), 2));
    if (area.Distance(bounds.head, bad->block) > kXlogTotalRecordBlocks || !next) {
      bounds.damage = bad->reason;
      bounds.head = bad->block;
      return {};
    }
    bounds.tail = *next;
  }
}

}  // namespace

Result<LogBounds> FindLogBounds(const LogArea& area, const Superblock& superblock) {
  LogBounds bounds;
  bounds.head = EKSHUME_TRY(FindHead(area));
  if (bounds.head == 0 && EKSHUME_TRY(area.Cycle(0)) == 0) {
    bounds.clean = true;
    return bounds;
  }
  LogRecord last = EKSHUME_TRY(LastRecordBefore(area, superblock, bounds.head, area.block_count()));
  bounds.tail = LsnBlock(last.tail_lsn);
  bounds.clean = EKSHUME_TRY(IsUnmountRecord(area, last, bounds.head));
  if (!bounds.clean) {
    // Only so many records can have been in flight when the machine stopped.
    const uint32_t length =
        bounds.head == bounds.tail ? area.block_count() : area.Distance(bounds.tail, bounds.head);
    const auto begin = EKSHUME_TRY(FindHeaderBackwards(area, bounds.head, length, kXlogMaxIclogs));
    if (!begin) return Fail(ErrorCode::kCorrupt, "xfs: the log has no record before its head");
    const auto bad = EKSHUME_TRY(FindBadRecord(area, *begin, bounds.head, superblock.has_crc));
    if (bad) {
      last = EKSHUME_TRY(
          LastRecordBefore(area, superblock, bad->block, area.Distance(bounds.tail, bad->block)));
      bounds.torn = bad->reason;
      bounds.head = bad->block;
      bounds.tail = LsnBlock(last.tail_lsn);
      bounds.clean = EKSHUME_TRY(IsUnmountRecord(area, last, bounds.head));
    }
  }
  const uint32_t head_cycle = LsnCycle(last.lsn) + (bounds.head <= last.block ? 1 : 0);
  bounds.head_lsn = Lsn{head_cycle} << 32 | bounds.head;
  bounds.tail_lsn = last.tail_lsn;
  if (bounds.clean) {
    bounds.tail = bounds.head;
    bounds.tail_lsn = bounds.head_lsn;
  } else if (bounds.head != bounds.tail) {
    EKSHUME_TRY(VerifyTail(area, superblock.has_crc, bounds));
  }
  return bounds;
}

}  // namespace ekshume::fs::xfs
