// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "base/limits.h"
#include "image/decoded_cache.h"
#include "live/snapshot/snapshot_blocks.h"

namespace ekshume::live::snapshot {
namespace {

// Blocks that one read fetches at a time.
constexpr uint64_t kParallelFetches = 8;

class SnapshotImage final : public image::Image {
 public:
  explicit SnapshotImage(SnapshotBlocks& blocks)
      : blocks_(blocks), cache_(limits::kFetchedCacheBytes, [this](uint64_t number) {
          return blocks_.Get(static_cast<uint32_t>(number));
        }) {}

  uint64_t size_bytes() const override { return blocks_.volume_bytes(); }
  const std::string& name() const override { return blocks_.snapshot(); }

  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_bytes())) {
      return Fail(ErrorCode::kOutOfRange, fmt::format("{}: {} bytes at {:#x} lie past its end",
                                                      name(), out.size(), offset_bytes));
    }
    const uint64_t block = blocks_.block_bytes();
    if (out.size() > block) EKSHUME_TRY(FetchAhead(offset_bytes, out.size()));
    while (!out.empty()) {
      const uint64_t number = offset_bytes / block;
      const size_t within = offset_bytes % block;
      const size_t length = std::min<uint64_t>(block - within, out.size());
      if (std::ranges::binary_search(blocks_.indexes(), static_cast<uint32_t>(number))) {
        const image::DecodedCache::Part part = EKSHUME_TRY(cache_.Get(number));
        CopyBytes(out.first(length), EKSHUME_TRY(ByteView(*part).Sub(within, length)));
      } else {
        std::ranges::fill(out.first(length), std::byte{0});
      }
      out = out.subspan(length);
      offset_bytes += length;
    }
    return {};
  }

  uint64_t NextData(uint64_t offset_bytes) const override {
    if (offset_bytes >= size_bytes()) return size_bytes();
    const auto number = static_cast<uint32_t>(offset_bytes / blocks_.block_bytes());
    const auto found = std::ranges::lower_bound(blocks_.indexes(), number);
    if (found == blocks_.indexes().end()) return size_bytes();
    return std::max(offset_bytes, uint64_t{*found} * blocks_.block_bytes());
  }

 private:
  // The blocks of a large read come at the same time, some at once.
  Result<void> FetchAhead(uint64_t offset_bytes, uint64_t length) const {
    const uint64_t block = blocks_.block_bytes();
    const auto first = static_cast<uint32_t>(offset_bytes / block);
    const auto last = static_cast<uint32_t>((offset_bytes + length - 1) / block);
    auto next = std::ranges::lower_bound(blocks_.indexes(), first);
    while (next != blocks_.indexes().end() && *next <= last) {
      std::vector<std::future<Result<void>>> fetches;
      for (uint64_t i = 0; i < kParallelFetches && next != blocks_.indexes().end() && *next <= last;
           ++i, ++next) {
        fetches.push_back(std::async(std::launch::async,
                                     [this, index = *next] { return blocks_.Ensure(index); }));
      }
      Result<void> outcome;
      for (auto& fetch : fetches) {
        Result<void> one = fetch.get();
        if (!one) outcome = std::move(one);
      }
      EKSHUME_TRY(std::move(outcome));
    }
    return {};
  }

  SnapshotBlocks& blocks_;
  mutable image::DecodedCache cache_;
};

}  // namespace

std::unique_ptr<image::Image> MakeSnapshotImage(SnapshotBlocks& blocks) {
  return std::make_unique<SnapshotImage>(blocks);
}

}  // namespace ekshume::live::snapshot
