// SPDX-License-Identifier: Apache-2.0
#include "image/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <span>

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
      const auto piece = out.first(count);
      if (!CopyKept(number, within, piece) && !CopyRead(number, within, piece)) {
        // A block that cannot be read whole (damage, a truncated image) is read piece by piece.
        return base_.ReadAt(offset_bytes, out);
      }
      out = out.subspan(count);
      offset_bytes += count;
    }
    return {};
  }

 private:
  static constexpr size_t kShards = 16;
  static constexpr size_t kBlocksPerShard =
      limits::kCacheBytes / limits::kCacheBlockBytes / kShards;
  static constexpr uint64_t kNone = UINT64_MAX;
  // Few blocks, side by side: to look at all of their numbers is quicker than a hash table.
  struct Shard {
    Shard() { numbers.fill(kNone); }

    std::mutex mutex;
    uint64_t uses = 0;
    std::array<uint64_t, kBlocksPerShard> numbers;
    std::array<uint64_t, kBlocksPerShard> last_use{};
    std::array<std::unique_ptr<std::byte[]>, kBlocksPerShard> bytes;
  };

  size_t BlockBytes(uint64_t number) const {
    return std::min<uint64_t>(limits::kCacheBlockBytes,
                              size_bytes() - number * limits::kCacheBlockBytes);
  }

  // Fills `out` from the block if the cache has it. Copied under the lock: a reference count of the
  // block would cost more than the few hundred bytes that are usually read.
  bool CopyKept(uint64_t number, size_t within, std::span<std::byte> out) const {
    Shard& shard = shards_[number % kShards];
    const std::lock_guard lock(shard.mutex);
    const auto found = std::ranges::find(shard.numbers, number);
    if (found == shard.numbers.end()) return false;
    const auto slot = static_cast<size_t>(found - shard.numbers.begin());
    shard.last_use[slot] = ++shard.uses;
    CopyBytes(out,
              ByteView(shard.bytes[slot].get(), BlockBytes(number)).From(within).First(out.size()));
    return true;
  }

  // Reads the block, fills `out` from it and keeps it; false when it cannot be read whole.
  bool CopyRead(uint64_t number, size_t within, std::span<std::byte> out) const {
    const size_t length = BlockBytes(number);
    // Not initialised before it is read into.
    auto bytes = std::make_unique_for_overwrite<std::byte[]>(length);
    if (!base_.ReadAt(number * limits::kCacheBlockBytes, {bytes.get(), length})) return false;
    CopyBytes(out, ByteView(bytes.get(), length).From(within).First(out.size()));
    Shard& shard = shards_[number % kShards];
    const std::lock_guard lock(shard.mutex);
    if (std::ranges::find(shard.numbers, number) != shard.numbers.end()) return true;  // by another
    const auto oldest = std::ranges::min_element(shard.last_use);
    const auto slot = static_cast<size_t>(oldest - shard.last_use.begin());
    shard.numbers[slot] = number;
    shard.last_use[slot] = ++shard.uses;
    shard.bytes[slot].swap(bytes);
    return true;
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
