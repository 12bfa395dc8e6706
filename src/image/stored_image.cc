// SPDX-License-Identifier: Apache-2.0
#include "image/stored_image.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "base/limits.h"
#include "image/decoded_cache.h"
#include "image/stored_format.h"

namespace ekshume::image {
namespace {

// What every image may keep, however small its file is.
constexpr uint64_t kMinKeptBytes = uint64_t{1} << 30;

uint64_t ChunkCount(uint64_t size_bytes) {
  return size_bytes / StoredImage::kChunkBytes + (size_bytes % StoredImage::kChunkBytes != 0);
}

Error TooMuchContent() {
  return Fail(ErrorCode::kLimit, fmt::format("kMaxDecodedBytes: the content has more than {}",
                                             limits::kMaxDecodedBytes));
}

}  // namespace

std::string StoredImage::Encode(const Map& map) {
  std::string table;
  StoreTableHeader header{};
  std::ranges::copy(kStoreTableMagic, header.magic.begin());
  header.size_bytes = le64::Of(map.size_bytes);
  header.chunk_count = le64::Of(map.chunks.size());
  header.bad_range_count = le64::Of(map.bad_ranges.size());
  header.damage_length = le64::Of(map.damage.size());
  header.damage_offset = le64::Of(map.damage_offset);
  table += AsBytes(header).AsText();
  for (const Chunk& chunk : map.chunks) {
    table += AsBytes(StoreTableChunk{chunk.is_zero, le32::Of(chunk.crc32c)}).AsText();
  }
  for (const BadRange& range : map.bad_ranges) {
    table +=
        AsBytes(StoreTableBadRange{le64::Of(range.offset_bytes), le64::Of(range.length)}).AsText();
  }
  table += map.damage;
  return table;
}

bool StoredImage::IsMap(ByteView table) { return table.AsText().starts_with(kStoreTableMagic); }

Result<StoredImage::Map> StoredImage::DecodeMap(ByteView table) {
  const auto header = EKSHUME_TRY(table.Read<StoreTableHeader>(0));
  Map map;
  map.size_bytes = header.size_bytes.value();
  map.damage_offset = header.damage_offset.value();
  const uint64_t chunk_count = header.chunk_count.value();
  const uint64_t bad_range_count = header.bad_range_count.value();
  if (!IsMap(table) || map.size_bytes > limits::kMaxDecodedBytes ||
      chunk_count != ChunkCount(map.size_bytes) ||
      bad_range_count > table.size() / sizeof(StoreTableBadRange)) {
    return Fail(ErrorCode::kCorrupt, "the table of a decoded image contradicts itself");
  }
  ByteView rest = table.From(sizeof(StoreTableHeader));
  EKSHUME_TRY(rest.Sub(0, chunk_count * sizeof(StoreTableChunk)));  // before the allocation
  map.chunks.reserve(chunk_count);
  for (uint64_t i = 0; i < chunk_count; ++i) {
    const auto chunk = EKSHUME_TRY(rest.Read<StoreTableChunk>(i * sizeof(StoreTableChunk)));
    map.chunks.push_back({chunk.is_zero != 0, chunk.crc32c.value()});
  }
  rest = rest.From(chunk_count * sizeof(StoreTableChunk));
  for (uint64_t i = 0; i < bad_range_count; ++i) {
    const auto range = EKSHUME_TRY(rest.Read<StoreTableBadRange>(i * sizeof(StoreTableBadRange)));
    map.bad_ranges.push_back({range.offset_bytes.value(), range.length.value()});
    if (!RangeFits(map.bad_ranges.back().offset_bytes, map.bad_ranges.back().length,
                   map.size_bytes)) {
      return Fail(ErrorCode::kCorrupt, "the table of a decoded image contradicts itself");
    }
  }
  rest = rest.From(bad_range_count * sizeof(StoreTableBadRange));
  map.damage = EKSHUME_TRY(rest.Sub(0, header.damage_length.value())).AsText();
  return map;
}

StoredImage::StoredImage(IndexFile store, Map map, std::string name, bool verify)
    : store_(std::move(store)),
      map_(std::move(map)),
      name_(std::move(name)),
      verified_(verify ? map_.chunks.size() : 0) {}

Result<void> StoredImage::Verify(uint64_t chunk) const {
  if (verified_.empty() || verified_[chunk].load(std::memory_order_acquire)) return {};
  const uint64_t start = chunk * kChunkBytes;
  std::vector<std::byte> bytes(std::min<uint64_t>(kChunkBytes, map_.size_bytes - start));
  EKSHUME_TRY(store_.ReadData(start, bytes));
  const uint32_t crc = Crc32c(~0U, ByteView(bytes));
  if (crc != map_.chunks[chunk].crc32c) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{}: the decompressed copy in the case is damaged at {:#x}: CRC "
                            "{:#010x}, expected {:#010x}; delete the case's *.index files",
                            name_, start, crc, map_.chunks[chunk].crc32c));
  }
  verified_[chunk].store(true, std::memory_order_release);
  return {};
}

Result<void> StoredImage::CheckReadable(uint64_t offset_bytes, uint64_t length) const {
  // The first bad range that ends behind the offset.
  const auto bad = std::ranges::upper_bound(
      map_.bad_ranges, offset_bytes, {},
      [](const BadRange& range) { return range.offset_bytes + range.length; });
  if (bad != map_.bad_ranges.end() && bad->offset_bytes < offset_bytes + length) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{}: {} bytes at {:#x} could not be decompressed",
                                                 name_, bad->length, bad->offset_bytes));
  }
  return {};
}

Result<void> StoredImage::ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const {
  if (!RangeFits(offset_bytes, uint64_t{out.size()}, map_.size_bytes)) {
    return Fail(ErrorCode::kOutOfRange,
                fmt::format("read of {} bytes at {:#x} is past the end of {} ({} bytes)",
                            out.size(), offset_bytes, name_, map_.size_bytes));
  }
  EKSHUME_TRY(CheckReadable(offset_bytes, out.size()));
  while (!out.empty()) {
    const uint64_t chunk = offset_bytes / kChunkBytes;
    const size_t count = std::min<size_t>(out.size(), kChunkBytes - offset_bytes % kChunkBytes);
    if (map_.chunks[chunk].is_zero) {
      std::ranges::fill(out.first(count), std::byte{0});
    } else {
      EKSHUME_TRY(Verify(chunk));
      EKSHUME_TRY(store_.ReadData(offset_bytes, out.first(count)));
    }
    out = out.subspan(count);
    offset_bytes += count;
  }
  return {};
}

uint64_t StoredImage::NextData(uint64_t offset_bytes) const {
  if (offset_bytes >= map_.size_bytes) return offset_bytes;
  uint64_t chunk = offset_bytes / kChunkBytes;
  if (!map_.chunks[chunk].is_zero) return offset_bytes;
  while (chunk < map_.chunks.size() && map_.chunks[chunk].is_zero) ++chunk;
  return std::min(chunk * kChunkBytes, map_.size_bytes);
}

StoreWriter::StoreWriter(IndexFile& store, uint64_t max_kept_bytes)
    : store_(store), max_kept_bytes_(max_kept_bytes), chunk_(StoredImage::kChunkBytes) {}

uint64_t StoreWriter::MaxKeptBytes(uint64_t stored_bytes) {
  const auto kept = CheckedMultiply(stored_bytes, limits::kMaxStoreExpansion);
  return std::max(kept.value_or(UINT64_MAX), kMinKeptBytes);
}

std::span<std::byte> StoreWriter::Space() { return std::span(chunk_).subspan(filled_); }

Result<void> StoreWriter::Commit(size_t count) {
  filled_ += count;
  map_.size_bytes += count;
  if (map_.size_bytes > limits::kMaxDecodedBytes) return TooMuchContent();
  if (filled_ == chunk_.size()) return Flush();
  return {};
}

Result<void> StoreWriter::AppendBad(uint64_t length) {
  if (length > limits::kMaxDecodedBytes - map_.size_bytes) return TooMuchContent();
  map_.bad_ranges.push_back({map_.size_bytes, length});
  while (length > 0) {
    if (filled_ == 0 && length >= chunk_.size()) {
      map_.chunks.push_back({true, 0});
      map_.size_bytes += chunk_.size();
      length -= chunk_.size();
      continue;
    }
    const size_t count = std::min<uint64_t>(length, chunk_.size() - filled_);
    std::ranges::fill(Space().first(count), std::byte{0});
    EKSHUME_TRY(Commit(count));
    length -= count;
  }
  return {};
}

void StoreWriter::SetDamage(std::string damage, uint64_t offset_bytes) {
  if (!map_.damage.empty()) return;  // the first is what led to the others
  map_.damage = std::move(damage);
  map_.damage_offset = offset_bytes;
}

Result<void> StoreWriter::Flush() {
  const auto bytes = std::span(chunk_).first(filled_);
  const uint64_t start = map_.size_bytes - filled_;
  filled_ = 0;
  if (IsZero(bytes)) {
    map_.chunks.push_back({true, 0});
    return {};
  }
  map_.chunks.push_back({false, Crc32c(~0U, ByteView(bytes))});
  kept_bytes_ += bytes.size();
  if (kept_bytes_ > max_kept_bytes_) {
    return Fail(ErrorCode::kLimit,
                fmt::format("kMaxStoreExpansion: the content has more than {} bytes that are not "
                            "zero, {} times what is stored; decompress it first",
                            max_kept_bytes_, limits::kMaxStoreExpansion));
  }
  // Zero pieces are left out: holes cost no space.
  static constexpr size_t kPieceBytes = size_t{64} << 10;
  for (size_t begin = 0; begin < bytes.size();) {
    const auto piece = [&](size_t at) {
      return bytes.subspan(at, std::min(kPieceBytes, bytes.size() - at));
    };
    size_t end = begin;
    while (end < bytes.size() && !IsZero(piece(end))) end += piece(end).size();
    if (end > begin) {
      EKSHUME_TRY(store_.WriteData(start + begin, ByteView(bytes.subspan(begin, end - begin))));
    }
    begin = end == bytes.size() ? end : end + piece(end).size();
  }
  return {};
}

Result<StoredImage::Map> StoreWriter::Finish() {
  if (filled_ > 0) EKSHUME_TRY(Flush());
  EKSHUME_TRY(store_.Finish(map_.size_bytes, ByteView::Of(StoredImage::Encode(map_))));
  return std::move(map_);
}

}  // namespace ekshume::image
