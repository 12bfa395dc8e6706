// SPDX-License-Identifier: Apache-2.0
#include "image/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <list>
#include <mutex>
#include <unordered_map>

#include "base/limits.h"

namespace ekshume::image {
namespace {

Error PastEnd(const Image& image, uint64_t offset_bytes, size_t length) {
  return Fail(ErrorCode::kOutOfRange,
              fmt::format("read of {} bytes at {:#x} is past the end of {} ({} bytes)", length,
                          offset_bytes, image.name(), image.size_bytes()));
}

class SliceImage final : public Image {
 public:
  SliceImage(const Image& base, uint64_t offset_bytes, uint64_t size_bytes, std::string name)
      : base_(base), offset_(offset_bytes), size_(size_bytes), name_(std::move(name)) {}

  uint64_t size_bytes() const override { return size_; }
  const std::string& name() const override { return name_; }

  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_)) {
      return PastEnd(*this, offset_bytes, out.size());
    }
    const auto absolute = CheckedAdd(offset_, offset_bytes);
    if (!absolute) return PastEnd(*this, offset_bytes, out.size());
    return base_.ReadAt(*absolute, out);
  }

  uint64_t NextData(uint64_t offset_bytes) const override {
    if (offset_bytes >= size_) return size_;
    const auto absolute = CheckedAdd(offset_, offset_bytes);
    // Past the end of a truncated base there is nothing to know.
    if (!absolute || *absolute >= base_.size_bytes()) return offset_bytes;
    const uint64_t next = base_.NextData(*absolute);
    // A truncated base ends before the slice does; what lies there is missing, not zero.
    return std::clamp(next - offset_, offset_bytes, size_);
  }

 private:
  const Image& base_;
  const uint64_t offset_;
  const uint64_t size_;
  const std::string name_;
};

class MemoryImage final : public Image {
 public:
  MemoryImage(std::vector<std::byte> bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}

  uint64_t size_bytes() const override { return bytes_.size(); }
  const std::string& name() const override { return name_; }

  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_bytes())) {
      return PastEnd(*this, offset_bytes, out.size());
    }
    CopyBytes(out, EKSHUME_TRY(ByteView(bytes_).Sub(offset_bytes, out.size())));
    return {};
  }

 private:
  const std::vector<std::byte> bytes_;
  const std::string name_;
};

// Least-recently-used blocks, sharded by block number so that two threads seldom meet.
class CachedImage final : public Image {
 public:
  explicit CachedImage(const Image& base) : base_(base) {}

  uint64_t size_bytes() const override { return base_.size_bytes(); }
  const std::string& name() const override { return base_.name(); }
  uint64_t NextData(uint64_t offset_bytes) const override { return base_.NextData(offset_bytes); }

  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_bytes())) {
      return PastEnd(*this, offset_bytes, out.size());
    }
    if (out.size() >= limits::kCacheBlockBytes) return base_.ReadAt(offset_bytes, out);
    while (!out.empty()) {
      const uint64_t number = offset_bytes / limits::kCacheBlockBytes;
      const size_t within = offset_bytes % limits::kCacheBlockBytes;
      const size_t count = std::min(out.size(), limits::kCacheBlockBytes - within);
      const auto block = Get(number);
      // A block that cannot be read whole (damage, a truncated image) is read piece by piece.
      if (!block) return base_.ReadAt(offset_bytes, out);
      const ByteView bytes(block->data.get(), block->size);
      CopyBytes(out.first(count), EKSHUME_TRY(bytes.Sub(within, count)));
      out = out.subspan(count);
      offset_bytes += count;
    }
    return {};
  }

 private:
  // Not initialised before it is read into.
  struct Bytes {
    std::unique_ptr<std::byte[]> data;
    size_t size = 0;
  };
  using Block = std::shared_ptr<const Bytes>;
  static constexpr size_t kShards = 16;
  // A quarter of what is allowed: readers seldom come back to a block later than that, and memory
  // that is used again is cheaper than fresh memory, which costs a page fault every 4 KiB.
  static constexpr size_t kBlocksPerShard =
      limits::kCacheBytes / limits::kCacheBlockBytes / kShards / 4;
  struct Shard {
    std::mutex mutex;
    std::list<std::pair<uint64_t, Block>> recent;  // most recent first
    std::unordered_map<uint64_t, std::list<std::pair<uint64_t, Block>>::iterator> by_number;
  };

  // The block, from the cache or read now; null when it cannot be read whole.
  Block Get(uint64_t number) const {
    Shard& shard = shards_[number % kShards];
    {
      const std::lock_guard lock(shard.mutex);
      const auto found = shard.by_number.find(number);
      if (found != shard.by_number.end()) {
        shard.recent.splice(shard.recent.begin(), shard.recent, found->second);
        return found->second->second;
      }
    }
    const uint64_t start = number * limits::kCacheBlockBytes;
    const uint64_t length = std::min<uint64_t>(limits::kCacheBlockBytes, size_bytes() - start);
    auto bytes =
        std::make_shared<Bytes>(std::make_unique_for_overwrite<std::byte[]>(length), length);
    if (!base_.ReadAt(start, {bytes->data.get(), length})) return nullptr;
    const std::lock_guard lock(shard.mutex);
    if (shard.by_number.contains(number)) return bytes;  // another thread was faster
    shard.recent.emplace_front(number, bytes);
    shard.by_number[number] = shard.recent.begin();
    if (shard.recent.size() > kBlocksPerShard) {
      shard.by_number.erase(shard.recent.back().first);
      shard.recent.pop_back();
    }
    return bytes;
  }

  const Image& base_;
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace

Result<std::vector<std::byte>> ReadBytes(const Image& image, uint64_t offset_bytes, size_t length) {
  // Refused before the allocation: a length from evidence must not cost memory the image has not.
  if (!RangeFits(offset_bytes, uint64_t{length}, image.size_bytes())) {
    return PastEnd(image, offset_bytes, length);
  }
  std::vector<std::byte> bytes(length);
  EKSHUME_TRY(image.ReadAt(offset_bytes, bytes));
  return bytes;
}

std::unique_ptr<Image> MakeSlice(const Image& base, uint64_t offset_bytes, uint64_t size_bytes,
                                 std::string name) {
  return std::make_unique<SliceImage>(base, offset_bytes, size_bytes, std::move(name));
}

std::unique_ptr<Image> MakeCached(const Image& base) { return std::make_unique<CachedImage>(base); }

std::unique_ptr<Image> MakeMemory(std::vector<std::byte> bytes, std::string name) {
  return std::make_unique<MemoryImage>(std::move(bytes), std::move(name));
}

}  // namespace ekshume::image
