// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/byte_view.h"
#include "base/result.h"

namespace ekshume::image {

// Evidence as random-access bytes: a raw file, a compressed or split one, a partition of another
// image, or another image with patches from a replayed log. Read-only by type. Any number of
// threads may read one Image at a time.
class Image {
 public:
  virtual ~Image() = default;

  // The apparent size: what the container format or the partition table declares. Reads inside it
  // can still fail when the evidence is truncated.
  virtual uint64_t size_bytes() const = 0;

  // Fills `out` with the bytes at `offset_bytes`. kOutOfRange when any of them lies past
  // size_bytes(); kCorrupt or kIo when the evidence cannot give them.
  virtual Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const = 0;

  // The first offset at or after `offset_bytes` that may hold data: everything between is known to
  // be zero without reading (a hole of a sparse file). The default knows nothing of holes.
  virtual uint64_t NextData(uint64_t offset_bytes) const { return offset_bytes; }

  // What it is, for diagnostics: a file name, "disk.img partition 1".
  virtual const std::string& name() const = 0;
};

// A copy of `length` bytes at `offset_bytes`. The caller bounds `length` (it is allocated).
Result<std::vector<std::byte>> ReadBytes(const Image& image, uint64_t offset_bytes, size_t length);

// A copy of one on-disk struct.
template <typename T>
Result<T> ReadStruct(const Image& image, uint64_t offset_bytes) {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 1);
  std::array<std::byte, sizeof(T)> buffer;
  EKSHUME_TRY(image.ReadAt(offset_bytes, buffer));
  return ByteView(buffer).Read<T>(0);
}

// A window [offset_bytes, offset_bytes + size_bytes) of `base` (a partition). `base` must outlive
// it. The window may reach past the end of a truncated base; such reads fail.
std::unique_ptr<Image> MakeSlice(const Image& base, uint64_t offset_bytes, uint64_t size_bytes,
                                 std::string name);

// `base` behind a cache of limits::kCacheBytes in blocks of limits::kCacheBlockBytes: what
// filesystem readers sit on, as they read small structures again and again. Large reads (one cache
// block or more) go past the cache. `base` must outlive it.
std::unique_ptr<Image> MakeCached(const Image& base);

// Bytes in memory; for tests, fuzzers and small decoded parts.
std::unique_ptr<Image> MakeMemory(std::vector<std::byte> bytes, std::string name);

}  // namespace ekshume::image
