// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_view.h"
#include "base/result.h"
#include "fs/xfs/log_area.h"

namespace ekshume::fs::xfs {

// Reads the records of the log one after the other, from one block to another, around the end.
// Keeps one record at a time. `area` must outlive it. One thread.
class LogRecordReader {
 public:
  enum class Check : uint8_t {
    kChecksum,  // compare each record's checksum
    kNone,      // the records were checked before
  };

  // Reads from the record at block `begin` up to block `end`; nothing when they are the same.
  // `require_checksum`: a record without a checksum counts as damaged (version 5 writes none).
  LogRecordReader(const LogArea& area, uint32_t begin, uint32_t end, Check check,
                  bool require_checksum)
      : area_(area),
        position_(begin),
        remaining_(area.Distance(begin, end)),
        check_(check),
        require_checksum_(require_checksum) {}

  // Goes to the next record; false at the end. kCorrupt when there is no good one: position() is
  // then where it should be. kIo and kOutOfRange when the evidence cannot be read.
  Result<bool> Next();

  uint32_t position() const { return position_; }
  // Of the last Next() that returned true; valid until the next one.
  const LogRecord& record() const { return record_; }
  // The record's data as it was before it was stamped with cycle numbers.
  ByteView data() const { return data_; }

 private:
  Result<void> VerifyChecksum(ByteView headers, ByteView data) const;
  Result<void> Unpack(ByteView headers, std::span<std::byte> data) const;

  const LogArea& area_;
  uint32_t position_;
  uint32_t remaining_;  // blocks up to the end
  Check check_;
  bool require_checksum_;
  LogRecord record_;
  std::vector<std::byte> buffer_;  // headers and data
  ByteView data_;
};

}  // namespace ekshume::fs::xfs
