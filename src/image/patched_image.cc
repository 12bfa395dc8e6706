// SPDX-License-Identifier: Apache-2.0
#include "image/patched_image.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace ekshume::image {

PatchedImage::PatchedImage(const Image& base) : base_(base) {}

Result<void> PatchedImage::ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const {
  EKSHUME_TRY(base_.ReadAt(offset_bytes, out));
  if (sectors_.empty() || out.empty()) return {};
  const uint64_t first = std::max(offset_bytes / kSectorBytes, first_patched_sector_);
  const uint64_t last =
      std::min((offset_bytes + out.size() - 1) / kSectorBytes, last_patched_sector_);
  for (uint64_t sector = first; sector <= last; ++sector) {
    const auto found = sectors_.find(sector);
    if (found == sectors_.end()) continue;
    const uint64_t sector_start = sector * kSectorBytes;
    const uint64_t begin = std::max(sector_start, offset_bytes);
    const uint64_t end = std::min(sector_start + kSectorBytes, offset_bytes + out.size());
    CopyBytes(out.subspan(begin - offset_bytes, end - begin),
              EKSHUME_TRY(ByteView(found->second).Sub(begin - sector_start, end - begin)));
  }
  return {};
}

uint64_t PatchedImage::NextData(uint64_t offset_bytes) const {
  const uint64_t next = base_.NextData(offset_bytes);
  // A patch inside a hole of the base makes data there; without an ordered index of patches the
  // safe answer is "here may be data".
  const bool patches_between = !sectors_.empty() && next > first_patched_sector_ * kSectorBytes &&
                               offset_bytes / kSectorBytes <= last_patched_sector_;
  return patches_between ? offset_bytes : next;
}

Result<void> PatchedImage::Patch(uint64_t offset_bytes, ByteView bytes) {
  if (!RangeFits(offset_bytes, uint64_t{bytes.size()}, size_bytes())) {
    return Fail(ErrorCode::kOutOfRange,
                fmt::format("patch of {} bytes at {:#x} is past the end of {}", bytes.size(),
                            offset_bytes, name()));
  }
  while (!bytes.empty()) {
    const uint64_t sector = offset_bytes / kSectorBytes;
    const size_t within = offset_bytes % kSectorBytes;
    const size_t count = std::min(bytes.size(), kSectorBytes - within);
    auto found = sectors_.find(sector);
    if (found == sectors_.end()) {
      if (sectors_.size() >= limits::kMaxReplayBytes / kSectorBytes) {
        return Fail(ErrorCode::kLimit,
                    "kMaxReplayBytes: the log changes more than is kept in memory");
      }
      Sector content{};
      if (count != kSectorBytes) {
        const uint64_t start = sector * kSectorBytes;
        const size_t available = std::min<uint64_t>(kSectorBytes, size_bytes() - start);
        EKSHUME_TRY(base_.ReadAt(start, std::span(content).first(available)));
      }
      found = sectors_.emplace(sector, content).first;
      first_patched_sector_ = std::min(first_patched_sector_, sector);
      last_patched_sector_ = std::max(last_patched_sector_, sector);
    }
    CopyBytes(std::span(found->second).subspan(within), bytes.First(count));
    bytes = bytes.From(count);
    offset_bytes += count;
  }
  return {};
}

}  // namespace ekshume::image
