// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/endian.h"

// The table of a decoded image's store (docs/formats/index-file.md): this header, then the chunks,
// the bad ranges and the sentence about the damage.
namespace ekshume::image {

inline constexpr std::string_view kStoreTableMagic = "EKSHSTOR";

struct StoreTableHeader {
  std::array<char, 8> magic;
  le64 size_bytes;
  le64 chunk_count;
  le64 bad_range_count;
  le64 damage_length;
  le64 damage_offset;
};
static_assert(sizeof(StoreTableHeader) == 48 && offsetof(StoreTableHeader, damage_offset) == 40);

struct StoreTableChunk {
  unsigned char is_zero;
  le32 crc32c;
};
static_assert(sizeof(StoreTableChunk) == 5 && offsetof(StoreTableChunk, crc32c) == 1);

struct StoreTableBadRange {
  le64 offset_bytes;
  le64 length;
};
static_assert(sizeof(StoreTableBadRange) == 16 && offsetof(StoreTableBadRange, length) == 8);

}  // namespace ekshume::image
