// SPDX-License-Identifier: Apache-2.0
#include "image/zstd/framed_image.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "image/zstd/decoder.h"

namespace ekshume::image::zstd {

FramedImage::FramedImage(EvidenceFile file, FrameList list, DiagnosticSink& diagnostics)
    : file_(std::move(file)),
      frames_(std::move(list.frames)),
      size_bytes_(list.content_bytes),
      diagnostics_(diagnostics),
      cache_(limits::kMaxZstdFrameBytes, [this](uint64_t number) { return Decode(number); }) {
  Frame& last = frames_.back();
  if (!last.cut_off) return;
  const auto there = Decode(frames_.size() - 1);
  size_bytes_ -= last.content_bytes;
  last.content_bytes = there ? there->size() : 0;
  size_bytes_ += last.content_bytes;
}

Result<std::vector<std::byte>> FramedImage::Decode(uint64_t number) const {
  const Frame& frame = frames_.at(number);
  std::vector<std::byte> stored(frame.stored_bytes);
  EKSHUME_TRY(file_.ReadAt(frame.offset_bytes, stored));
  if (frame.cut_off) return DecodeWhatIsThere(ByteView(stored), frame.content_bytes);
  auto content = DecodeFrame(ByteView(stored), frame.content_bytes);
  if (content) return content;
  const std::string detail =
      fmt::format("the frame at {:#x}, which holds {} bytes at {:#x}: {}", frame.offset_bytes,
                  frame.content_bytes, frame.content_offset, content.error().message);
  diagnostics_.Report(DiagnosticCode::kImageCompressedDamaged, name(), detail, frame.offset_bytes);
  return Fail(ErrorCode::kCorrupt, fmt::format("{}: {}", name(), detail));
}

Result<void> FramedImage::ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const {
  if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_bytes_)) {
    return Fail(ErrorCode::kOutOfRange,
                fmt::format("read of {} bytes at {:#x} is past the end of {} ({} bytes)",
                            out.size(), offset_bytes, name(), size_bytes_));
  }
  while (!out.empty()) {
    // The last frame that begins at or before the offset; empty frames begin where others do.
    const auto after = std::ranges::upper_bound(frames_, offset_bytes, {}, &Frame::content_offset);
    const auto number = static_cast<size_t>(after - frames_.begin()) - 1;
    const auto part = EKSHUME_TRY(cache_.Get(number));
    const ByteView there = ByteView(*part).From(offset_bytes - frames_[number].content_offset);
    if (there.empty()) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("{}: no content at {:#x}", name(), offset_bytes));
    }
    const ByteView piece = there.First(out.size());
    CopyBytes(out, piece);
    out = out.subspan(piece.size());
    offset_bytes += piece.size();
  }
  return {};
}

}  // namespace ekshume::image::zstd
