// SPDX-License-Identifier: Apache-2.0
#include "image/gzip/indexed_image.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "image/gzip/stream.h"

namespace ekshume::image::gzip {

IndexedImage::IndexedImage(EvidenceFile file, IndexFile store, Index index)
    : file_(std::move(file)),
      store_(std::move(store)),
      index_(std::move(index)),
      cache_(2 * limits::kMaxGzipSpanBytes, [this](uint64_t number) { return Decode(number); }) {}

Result<std::vector<std::byte>> IndexedImage::Decode(uint64_t point_number) const {
  const Point& point = index_.points.at(point_number);
  const uint64_t end = point_number + 1 < index_.points.size()
                           ? index_.points[point_number + 1].content_offset
                           : index_.size_bytes;
  MemberStream stream(file_, point.file_offset);
  if (!point.at_member) {
    std::vector<std::byte> stored(point.window_stored_bytes);
    EKSHUME_TRY(store_.ReadData(point.window_offset, stored));
    if (Crc32c(~0U, ByteView(stored)) != point.window_crc32c) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("{}: its index in the case is damaged; delete the case's *.index "
                              "files",
                              name()));
    }
    const auto window = EKSHUME_TRY(UnpackWindow(ByteView(stored)));
    EKSHUME_TRY(stream.StartInside(point.file_offset, point.bits, ByteView(window)));
  }
  std::vector<std::byte> content(end - point.content_offset);
  size_t filled = 0;
  while (filled < content.size()) {
    const auto step = EKSHUME_TRY(stream.Run(std::span(content).subspan(filled), false));
    filled += step.produced;
    if (step.ended) {
      return Fail(ErrorCode::kCorrupt, fmt::format("{}: the content ends at {:#x}, expected {:#x}; "
                                                   "the file has changed since it was indexed",
                                                   name(), point.content_offset + filled, end));
    }
  }
  return content;
}

Result<void> IndexedImage::ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const {
  if (!RangeFits(offset_bytes, uint64_t{out.size()}, index_.size_bytes)) {
    return Fail(ErrorCode::kOutOfRange,
                fmt::format("read of {} bytes at {:#x} is past the end of {} ({} bytes)",
                            out.size(), offset_bytes, name(), index_.size_bytes));
  }
  while (!out.empty()) {
    const uint64_t zeros = std::min<uint64_t>(NextData(offset_bytes) - offset_bytes, out.size());
    std::ranges::fill(out.first(zeros), std::byte{0});
    out = out.subspan(zeros);
    offset_bytes += zeros;
    if (out.empty()) break;
    // The last point at or before the offset.
    const auto after =
        std::ranges::upper_bound(index_.points, offset_bytes, {}, &Point::content_offset);
    const auto number = static_cast<size_t>(after - index_.points.begin()) - 1;
    const auto part = EKSHUME_TRY(cache_.Get(number));
    const ByteView there =
        ByteView(*part).From(offset_bytes - index_.points[number].content_offset);
    const ByteView piece = there.First(out.size());
    if (piece.empty()) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("{}: no content at {:#x}", name(), offset_bytes));
    }
    CopyBytes(out, piece);
    out = out.subspan(piece.size());
    offset_bytes += piece.size();
  }
  return {};
}

uint64_t IndexedImage::NextData(uint64_t offset_bytes) const {
  const auto after =
      std::ranges::upper_bound(index_.zero_runs, offset_bytes, {}, &ZeroRun::offset_bytes);
  if (after == index_.zero_runs.begin()) return offset_bytes;
  const ZeroRun& run = *std::prev(after);
  const uint64_t within = offset_bytes - run.offset_bytes;
  if (within >= run.length || run.length - within > index_.size_bytes) return offset_bytes;
  return std::min(offset_bytes + (run.length - within), index_.size_bytes);
}

}  // namespace ekshume::image::gzip
