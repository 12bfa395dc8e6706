// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>

#include "image/decoded_cache.h"
#include "image/format.h"
#include "image/zstd/frames.h"

namespace ekshume::image::zstd {

// An image of many small frames, each decoded when it is read. A frame that is damaged inside fails
// reads with kCorrupt and is reported once; the others are not touched by it.
class FramedImage final : public Image {
 public:
  // `list` is seekable and not empty. A last frame that is cut off is decoded as far as it goes,
  // and the image ends there.
  FramedImage(EvidenceFile file, FrameList list, DiagnosticSink& diagnostics);

  uint64_t size_bytes() const override { return size_bytes_; }
  const std::string& name() const override { return file_.path(); }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override;

 private:
  Result<std::vector<std::byte>> Decode(uint64_t number) const;

  const EvidenceFile file_;
  std::vector<Frame> frames_;
  uint64_t size_bytes_ = 0;
  DiagnosticSink& diagnostics_;
  mutable DecodedCache cache_;
};

}  // namespace ekshume::image::zstd
