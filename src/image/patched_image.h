// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "image/image.h"

namespace ekshume::image {

// An image with some 512-byte sectors replaced in memory: what a replayed log or journal makes of a
// disk, without writing to it. Patch from one thread; afterwards any number of threads may read.
// `base` must outlive it.
class PatchedImage final : public Image {
 public:
  static constexpr size_t kSectorBytes = 512;

  explicit PatchedImage(const Image& base);

  uint64_t size_bytes() const override { return base_.size_bytes(); }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override;
  uint64_t NextData(uint64_t offset_bytes) const override;
  const std::string& name() const override { return base_.name(); }

  // Replaces the bytes at `offset_bytes` (any alignment; the rest of touched sectors keeps what it
  // had). kOutOfRange past the end, kLimit when more than limits::kMaxReplayBytes would be kept.
  Result<void> Patch(uint64_t offset_bytes, ByteView bytes);

  size_t patched_sector_count() const { return sectors_.size(); }

 private:
  using Sector = std::array<std::byte, kSectorBytes>;

  const Image& base_;
  std::unordered_map<uint64_t, Sector> sectors_;  // by sector number
  uint64_t first_patched_sector_ = UINT64_MAX;
  uint64_t last_patched_sector_ = 0;
};

}  // namespace ekshume::image
