// SPDX-License-Identifier: Apache-2.0
#include "collection/frame_index.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "collection/frame_check.h"
#include "collection/tar_header.h"

namespace ekshume::collection {
namespace {

constexpr size_t kSearchBytes = size_t{1} << 20;

// Magic number, length and mark of our frames of this size.
std::array<std::byte, sizeof(FrameStart) - 4> StartPattern(size_t frame_bytes) {
  FrameStart start{};
  start.magic = le32::Of(kSkippableMagic);
  start.length_bytes = le32::Of(static_cast<uint32_t>(frame_bytes - kSkippableHeaderBytes));
  start.mark = kFrameMark;
  std::array<std::byte, sizeof(FrameStart) - 4> pattern{};
  CopyBytes(pattern, AsBytes(start).First(pattern.size()));
  return pattern;
}

std::string_view StoredDigest(const HeaderFrame& header) { return AsBytes(header.sha256).AsText(); }

}  // namespace

FrameIndex::FrameIndex(const image::Image& image) : image_(image), zstd_(ZSTD_createDCtx()) {}
FrameIndex::~FrameIndex() { ZSTD_freeDCtx(zstd_); }

bool FrameIndex::Sniff(ByteView start) {
  const auto read = start.Read<FrameStart>(0);
  return read && read->magic.value() == kSkippableMagic && read->mark == kFrameMark &&
         read->kind == kOpeningFrame;
}

Result<std::unique_ptr<FrameIndex>> FrameIndex::Read(const image::Image& part,
                                                     DiagnosticSink& diagnostics) {
  std::unique_ptr<FrameIndex> index(new FrameIndex(part));
  if (index->zstd_ == nullptr) return Fail(ErrorCode::kIo, "zstd: out of memory");
  EKSHUME_TRY(index->Walk(diagnostics));
  return index;
}

Result<void> FrameIndex::Walk(DiagnosticSink& diagnostics) {
  const uint64_t size = image_.size_bytes();
  std::array<std::byte, sizeof(OpeningFrame)> first{};
  EKSHUME_TRY(image_.ReadAt(0, std::span(first).first(std::min<uint64_t>(size, first.size()))));
  if (!Sniff(ByteView(first))) {
    return Fail(ErrorCode::kUnsupported, image_.name() + ": does not begin as a collection does");
  }
  opening_ = EKSHUME_TRY(ByteView(first).Read<OpeningFrame>(0));
  if (opening_.start.version != kFormatVersion) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{}: a collection of version {}, known is {}", image_.name(),
                            opening_.start.version, kFormatVersion));
  }
  uint64_t position = sizeof(OpeningFrame);
  if (!IsSealed(opening_, kOpeningFrame) && size >= sizeof(OpeningFrame)) {
    diagnostics.Report(DiagnosticCode::kCollectionDamaged, image_.name(),
                       "the check of the opening is wrong", 0);
    position = 1;
  }
  uint64_t next_sequence = 0;
  while (position < size) {
    HeaderFrame header{};
    const uint64_t left = size - position;
    if (left >= sizeof(HeaderFrame))
      header = EKSHUME_TRY(image::ReadStruct<HeaderFrame>(image_, position));
    if (IsSealed(header, kHeaderFrame)) {
      if (header.sequence.value() != next_sequence) {
        diagnostics.Report(
            DiagnosticCode::kCollectionDamaged, image_.name(),
            fmt::format("frame {} stands where {} belongs", header.sequence.value(), next_sequence),
            position);
      }
      const uint64_t stored = header.stored_bytes.value();
      if (stored > left - sizeof(HeaderFrame)) break;  // cut within its data
      if (AddFrame(header, position, diagnostics)) {
        position += sizeof(HeaderFrame) + stored;
        next_sequence = header.sequence.value() + 1;
        continue;
      }
      // Its data is damaged. Bytes may be missing or too many, so look for the next frame in it.
      next_sequence = header.sequence.value() + 1;
    } else if (left >= sizeof(TrailerFrame)) {
      const auto trailer = EKSHUME_TRY(image::ReadStruct<TrailerFrame>(image_, position));
      if (IsSealed(trailer, kTrailerFrame)) {
        trailer_ = trailer;
        if (trailer.stream_bytes.value() != position ||
            trailer.frame_count.value() != frames_.size() ||
            trailer.tar_bytes.value() != tar_bytes()) {
          diagnostics.Report(
              DiagnosticCode::kCollectionDamaged, image_.name(),
              fmt::format("the trailer counts {} frames and {} bytes, {} and {} are whole",
                          trailer.frame_count.value(), trailer.tar_bytes.value(), frames_.size(),
                          tar_bytes()),
              position);
        }
        if (size - position > sizeof(TrailerFrame)) {
          diagnostics.Report(
              DiagnosticCode::kCollectionDamaged, image_.name(),
              fmt::format("{} bytes after the trailer", size - position - sizeof(TrailerFrame)),
              position);
        }
        return {};
      }
    }
    const std::optional<uint64_t> found = EKSHUME_TRY(FindFrame(position + 1));
    if (!found) break;
    diagnostics.Report(DiagnosticCode::kCollectionDamaged, image_.name(),
                       fmt::format("{} bytes are no frame", *found - position), position);
    position = *found;
  }
  return {};
}

void FrameIndex::ReportTruncation(DiagnosticSink& diagnostics) const {
  diagnostics.Report(DiagnosticCode::kCollectionTruncated, image_.name(),
                     fmt::format("{} frames with {} bytes are whole", frames_.size(), tar_bytes()),
                     image_.size_bytes());
}

bool FrameIndex::AddFrame(const HeaderFrame& header, uint64_t header_offset,
                          DiagnosticSink& diagnostics) {
  const Frame frame{.stream_offset = header_offset + sizeof(HeaderFrame),
                    .tar_offset = header.tar_offset.value(),
                    .stored_bytes = header.stored_bytes.value(),
                    .content_bytes = header.content_bytes.value(),
                    .first_member = header.first_member.value()};
  const auto refuse = [&](std::string why) {
    diagnostics.Report(DiagnosticCode::kCollectionDamaged, image_.name(), std::move(why),
                       header_offset);
    return false;
  };
  if (frame.content_bytes == 0 || frame.content_bytes > limits::kMaxStreamFrameBytes ||
      frame.stored_bytes > ZSTD_compressBound(limits::kMaxStreamFrameBytes)) {
    return refuse(fmt::format("a frame of {} bytes, at most {} are allowed (kMaxStreamFrameBytes)",
                              frame.content_bytes, limits::kMaxStreamFrameBytes));
  }
  if (frame.first_member != kNoMember &&
      (frame.first_member >= frame.content_bytes ||
       (frame.tar_offset + frame.first_member) % kTarBlockBytes != 0)) {
    return refuse(fmt::format("its first member is said to be at {} of {}", frame.first_member,
                              frame.content_bytes));
  }
  // A frame may not reach back over one that was taken, nor the end of what can be counted.
  if (frame.tar_offset < tar_bytes() || frame.tar_offset > UINT64_MAX - frame.content_bytes) {
    return refuse(fmt::format("its content begins at {}, {} bytes are there already",
                              frame.tar_offset, tar_bytes()));
  }
  std::string stored(frame.stored_bytes, '\0');
  if (const auto read = image_.ReadAt(frame.stream_offset, AsWritableBytes(stored)); !read) {
    return refuse(read.error().message);
  }
  const Sha256Digest digest = Sha256::Of(ByteView::Of(stored));
  if (ByteView(digest).AsText() != StoredDigest(header)) {
    return refuse(fmt::format("SHA-256 of frame {} is {}, its header says {}",
                              header.sequence.value(), ToHex(digest),
                              ToHex(AsBytes(header.sha256))));
  }
  frames_.push_back(frame);
  return true;
}

Result<std::optional<uint64_t>> FrameIndex::FindFrame(uint64_t offset) const {
  const auto header = StartPattern(sizeof(HeaderFrame));
  const auto trailer = StartPattern(sizeof(TrailerFrame));
  const uint64_t size = image_.size_bytes();
  std::string window;
  while (offset < size) {
    window.resize(std::min<uint64_t>(size - offset, kSearchBytes));
    EKSHUME_TRY(image_.ReadAt(offset, AsWritableBytes(window)));
    const std::string_view magic = ByteView(header).First(4).AsText();
    for (size_t at = window.find(magic); at != std::string::npos; at = window.find(magic, at + 1)) {
      const std::string_view start = std::string_view(window).substr(at, header.size());
      const uint64_t position = offset + at;
      // Near the window's end the whole start is not in view; the next window begins with it.
      if (start == ByteView(header).AsText() && size - position >= sizeof(HeaderFrame) &&
          IsSealed(EKSHUME_TRY(image::ReadStruct<HeaderFrame>(image_, position)), kHeaderFrame)) {
        return position;
      }
      if (start == ByteView(trailer).AsText() && size - position >= sizeof(TrailerFrame) &&
          IsSealed(EKSHUME_TRY(image::ReadStruct<TrailerFrame>(image_, position)), kTrailerFrame)) {
        return position;
      }
    }
    if (window.size() < kSearchBytes) break;
    offset += window.size() - header.size();
  }
  return std::optional<uint64_t>();
}

uint64_t FrameIndex::tar_bytes() const {
  return frames_.empty() ? 0 : frames_.back().tar_offset + frames_.back().content_bytes;
}

std::optional<size_t> FrameIndex::FrameAt(uint64_t tar_offset) const {
  auto after = std::upper_bound(
      frames_.begin(), frames_.end(), tar_offset,
      [](uint64_t offset, const Frame& frame) { return offset < frame.tar_offset; });
  if (after == frames_.begin()) return std::nullopt;
  --after;
  if (tar_offset - after->tar_offset >= after->content_bytes) return std::nullopt;
  return static_cast<size_t>(after - frames_.begin());
}

bool FrameIndex::HasAll(uint64_t tar_offset, uint64_t length) const {
  if (length == 0) return tar_offset <= tar_bytes();
  if (length > tar_bytes() || tar_offset > tar_bytes() - length) return false;
  std::optional<size_t> at = FrameAt(tar_offset);
  if (!at) return false;
  const uint64_t end = tar_offset + length;
  for (size_t i = *at;; ++i) {
    const uint64_t frame_end = frames_[i].tar_offset + frames_[i].content_bytes;
    if (frame_end >= end) return true;
    if (i + 1 == frames_.size() || frames_[i + 1].tar_offset != frame_end) return false;
  }
}

std::optional<uint64_t> FrameIndex::NextMember(uint64_t tar_offset) const {
  auto frame = std::lower_bound(
      frames_.begin(), frames_.end(), tar_offset,
      [](const Frame& f, uint64_t offset) { return f.tar_offset + f.content_bytes <= offset; });
  for (; frame != frames_.end(); ++frame) {
    if (frame->first_member == kNoMember) continue;
    const uint64_t member = frame->tar_offset + frame->first_member;
    if (member >= tar_offset) return member;
  }
  return std::nullopt;
}

Result<ByteView> FrameIndex::Content(size_t index) const {
  const auto known = std::find_if(decoded_.begin(), decoded_.end(),
                                  [&](const Decoded& d) { return d.index == index; });
  if (known != decoded_.end()) {
    std::rotate(decoded_.begin(), known, known + 1);
    return ByteView::Of(decoded_.front().content);
  }
  const Frame& frame = frames_[index];
  std::string stored(frame.stored_bytes, '\0');
  EKSHUME_TRY(image_.ReadAt(frame.stream_offset, AsWritableBytes(stored)));
  Decoded decoded{.index = index, .content = std::string(frame.content_bytes, '\0')};
  const size_t count = ZSTD_decompressDCtx(zstd_, decoded.content.data(), decoded.content.size(),
                                           stored.data(), stored.size());
  if (ZSTD_isError(count) != 0 || count != frame.content_bytes) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{}: the frame at {:#x} does not decode to {} bytes: {}", image_.name(),
                            frame.stream_offset, frame.content_bytes,
                            ZSTD_isError(count) != 0 ? ZSTD_getErrorName(count) : "too few"));
  }
  if (decoded_.size() == kKeptFrames) decoded_.pop_back();
  decoded_.insert(decoded_.begin(), std::move(decoded));
  return ByteView::Of(decoded_.front().content);
}

Result<void> FrameIndex::ReadAt(uint64_t tar_offset, std::span<std::byte> out) const {
  if (!RangeFits(tar_offset, uint64_t{out.size()}, tar_bytes())) {
    return Fail(ErrorCode::kOutOfRange,
                fmt::format("{}: read of {} bytes at {:#x} is past the end of what arrived",
                            image_.name(), out.size(), tar_offset));
  }
  const std::lock_guard lock(mutex_);
  while (!out.empty()) {
    const std::optional<size_t> index = FrameAt(tar_offset);
    if (!index) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("{}: the bytes at {:#x} of the archive are in a damaged part",
                              image_.name(), tar_offset));
    }
    const ByteView content = EKSHUME_TRY(Content(*index));
    const ByteView part = content.From(tar_offset - frames_[*index].tar_offset).First(out.size());
    CopyBytes(out, part);
    out = out.subspan(part.size());
    tar_offset += part.size();
  }
  return {};
}

}  // namespace ekshume::collection
