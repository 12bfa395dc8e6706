// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "image/format.h"
#include "image/index_file.h"

namespace ekshume::image {

// The content of a compressed image that cannot be entered in the middle, decoded once into an
// IndexFile: zero chunks take no space there, the others have a checksum. Any number of threads may
// read.
class StoredImage final : public Image {
 public:
  // The unit of checksums and of what is known to be zero.
  static constexpr size_t kChunkBytes = size_t{1} << 20;
  static constexpr uint32_t kVersion = 1;

  struct BadRange {
    uint64_t offset_bytes;
    uint64_t length;
  };
  struct Chunk {
    bool is_zero;
    uint32_t crc32c;  // of the chunk's bytes; the last chunk may be short
  };
  // What the store knows about its data; it is the index's table.
  struct Map {
    uint64_t size_bytes = 0;
    std::vector<Chunk> chunks;
    std::vector<BadRange> bad_ranges;  // ascending; reads of them fail
    std::string damage;                // what was wrong while decoding; empty when nothing was
    uint64_t damage_offset = 0;        // in the evidence file
  };
  static std::string Encode(const Map& map);
  static Result<Map> DecodeMap(ByteView table);
  // True when the table of an index is such a map.
  static bool IsMap(ByteView table);

  // `verify` when the data was written by an earlier run: then each chunk's checksum is compared
  // once, when it is first read.
  StoredImage(IndexFile store, Map map, std::string name, bool verify);

  uint64_t size_bytes() const override { return map_.size_bytes; }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override;
  uint64_t NextData(uint64_t offset_bytes) const override;

 private:
  Result<void> Verify(uint64_t chunk) const;
  Result<void> CheckReadable(uint64_t offset_bytes, uint64_t length) const;

  const IndexFile store_;
  const Map map_;
  const std::string name_;
  // One flag per chunk, set once its checksum has matched; empty when there is nothing to verify.
  mutable std::vector<std::atomic<bool>> verified_;
};

// Writes a StoredImage's data and map. One thread.
class StoreWriter {
 public:
  // Keeps at most `max_kept_bytes` of data that is not zero; more is kLimit
  // (limits::kMaxStoreExpansion).
  StoreWriter(IndexFile& store, uint64_t max_kept_bytes);
  // What an image of that many stored bytes may keep.
  static uint64_t MaxKeptBytes(uint64_t stored_bytes);

  // Where the next bytes of content go: never empty. Fill from its start, then Commit.
  std::span<std::byte> Space();
  Result<void> Commit(size_t count);
  // The content's next `length` bytes are unreadable. kLimit at limits::kMaxDecodedBytes, as for
  // Commit.
  Result<void> AppendBad(uint64_t length);
  void SetDamage(std::string damage, uint64_t offset_bytes);
  uint64_t size_bytes() const { return map_.size_bytes; }

  // Writes what is left and the map.
  Result<StoredImage::Map> Finish();

 private:
  Result<void> Flush();

  IndexFile& store_;
  const uint64_t max_kept_bytes_;
  uint64_t kept_bytes_ = 0;
  std::vector<std::byte> chunk_;  // the chunk being filled
  size_t filled_ = 0;
  StoredImage::Map map_;
};

}  // namespace ekshume::image
