// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/log_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace ekshume::fs::xfs {
namespace {

// CRC-32C over the header struct with its checksum read as zero, then the structs of those extended
// headers that the data needs (there are as many as the largest record would need), then the data,
// all as they lie on disk.
uint32_t RecordChecksum(ByteView headers, ByteView data, size_t header_crc_bytes) {
  constexpr std::array<std::byte, sizeof(le32)> kZero{};
  constexpr size_t kCrcOffset = offsetof(XlogRecHeader, h_crc);
  uint32_t crc = Crc32c(~uint32_t{0}, headers.First(kCrcOffset));
  crc = Crc32c(crc, ByteView(kZero));
  crc = Crc32c(crc, headers.First(header_crc_bytes).From(kCrcOffset + sizeof(le32)));
  const size_t used = (data.size() + kXlogHeaderCycleBytes - 1) / kXlogHeaderCycleBytes;
  for (size_t i = 1; i < used; ++i) {
    crc = Crc32c(crc, headers.From(i * kBasicBlockBytes).First(sizeof(XlogRecExtHeader)));
  }
  return ~Crc32c(crc, data);
}

}  // namespace

Result<bool> LogRecordReader::Next() {
  if (remaining_ == 0) return false;
  buffer_.resize(kBasicBlockBytes);
  EKSHUME_TRY(area_.Read(position_, buffer_));
  const LogRecord record = EKSHUME_TRY(ParseRecordHeader(ByteView(buffer_), position_));
  // A record without data is a block that recovery cleared; it never belongs to the valid part.
  if (record.data_bytes == 0 || record.total_blocks() > remaining_) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("xfs: the record at log block {:#x} has {} bytes, {} blocks before the "
                            "end of the log",
                            position_, record.data_bytes, remaining_));
  }
  const size_t header_bytes = size_t{record.header_blocks} * kBasicBlockBytes;
  buffer_.resize(size_t{record.total_blocks()} * kBasicBlockBytes);
  EKSHUME_TRY(area_.Read(position_, buffer_));
  const ByteView headers = ByteView(buffer_).First(header_bytes);
  const std::span<std::byte> data = std::span(buffer_).subspan(header_bytes);
  if (check_ == Check::kChecksum) {
    EKSHUME_TRY(VerifyChecksum(headers, ByteView(data).First(record.data_bytes)));
  } else {
    EKSHUME_TRY(Unpack(headers, data));
  }
  record_ = record;
  data_ = ByteView(data).First(record.data_bytes);
  position_ = area_.Advance(position_, record.total_blocks());
  remaining_ -= record.total_blocks();
  return true;
}

Result<void> LogRecordReader::VerifyChecksum(ByteView headers, ByteView data) const {
  const uint32_t stored = EKSHUME_TRY(headers.Read<XlogRecHeader>(0)).h_crc.value();
  if (stored == 0 && !require_checksum_) return {};
  const uint32_t computed = RecordChecksum(headers, data, kXlogRecHeaderCrcBytes);
  if (stored == computed) return {};
  if (stored == RecordChecksum(headers, data, kXlogRecHeaderCrcBytesI386)) return {};
  return Fail(ErrorCode::kCorrupt,
              fmt::format("xfs: bad checksum of the record at log block {:#x}: {:#010x}, expected "
                          "{:#010x}",
                          position_, stored, computed));
}

Result<void> LogRecordReader::Unpack(ByteView headers, std::span<std::byte> data) const {
  const size_t block_count = data.size() / kBasicBlockBytes;
  for (size_t block = 0; block < block_count; ++block) {
    // The first 64 entries are in the header, the next 64 in the first extended header, and so on.
    const size_t header = block / kXlogCycleDataEntries;
    const size_t entry = block % kXlogCycleDataEntries;
    const size_t array =
        header == 0 ? offsetof(XlogRecHeader, h_cycle_data)
                    : header * kBasicBlockBytes + offsetof(XlogRecExtHeader, xh_cycle_data);
    const be32 word = EKSHUME_TRY(headers.Read<be32>(array + entry * sizeof(be32)));
    CopyBytes(data.subspan(block * kBasicBlockBytes, sizeof(be32)), AsBytes(word));
  }
  return {};
}

}  // namespace ekshume::fs::xfs
