// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "collection/format.h"
#include "image/image.h"

struct ZSTD_DCtx_s;

namespace ekshume::collection {

// One data frame that is whole: its SHA-256 is that of its header.
struct Frame {
  uint64_t stream_offset;  // of the stored bytes
  uint64_t tar_offset;
  uint32_t stored_bytes;
  uint32_t content_bytes;
  uint32_t first_member;  // kNoMember
};

// The frames of one part of a collection: the tar stream as random-access bytes, with gaps where
// the part is damaged. Keeps 32 bytes for each frame and the content of a few. Any number of
// threads may read. The image must outlive it.
class FrameIndex {
 public:
  // Reads the whole part once and checks each frame. Damage is reported, a missing trailer is not
  // (ReportTruncation). It fails with kUnsupported when the part does not begin as a collection
  // does.
  static Result<std::unique_ptr<FrameIndex>> Read(const image::Image& part,
                                                  DiagnosticSink& diagnostics);
  ~FrameIndex();

  // True when these first bytes of a file (32 are enough) begin a collection.
  static bool Sniff(ByteView start);

  const OpeningFrame& opening() const { return opening_; }
  const std::optional<TrailerFrame>& trailer() const { return trailer_; }
  // Says that the part ends before its trailer, which a later part may make good.
  void ReportTruncation(DiagnosticSink& diagnostics) const;
  const std::vector<Frame>& frames() const { return frames_; }
  const std::string& name() const { return image_.name(); }
  // Where the stream is known to have bytes up to; past every frame.
  uint64_t tar_bytes() const;

  // Fills `out` from the tar stream. kOutOfRange past its end, kCorrupt inside a gap.
  Result<void> ReadAt(uint64_t tar_offset, std::span<std::byte> out) const;
  // The place of the first member at or after `tar_offset` that a frame's header names.
  std::optional<uint64_t> NextMember(uint64_t tar_offset) const;
  // True when all of the range was received whole.
  bool HasAll(uint64_t tar_offset, uint64_t length) const;

 private:
  explicit FrameIndex(const image::Image& image);

  Result<void> Walk(DiagnosticSink& diagnostics);
  // The next place after `offset` where a whole frame of ours begins.
  Result<std::optional<uint64_t>> FindFrame(uint64_t offset) const;
  bool AddFrame(const HeaderFrame& header, uint64_t header_offset, DiagnosticSink& diagnostics);
  // The content of frames_[index]. mutex_ is held.
  Result<ByteView> Content(size_t index) const;
  // Which frame holds the offset; nothing in a gap.
  std::optional<size_t> FrameAt(uint64_t tar_offset) const;

  struct Decoded {
    size_t index = 0;
    std::string content;
  };
  static constexpr size_t kKeptFrames = 4;

  const image::Image& image_;
  OpeningFrame opening_{};
  std::optional<TrailerFrame> trailer_;
  std::vector<Frame> frames_;  // by tar_offset, which never overlap

  mutable std::mutex mutex_;
  ZSTD_DCtx_s* const zstd_;
  mutable std::vector<Decoded> decoded_;  // the last used one first
};

}  // namespace ekshume::collection
