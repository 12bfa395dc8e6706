// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/endian.h"

// The header of ekshume's own index files (docs/formats/index-file.md).
namespace ekshume::image {

inline constexpr std::string_view kIndexMagic = "EKSHIDX1";
// Where the data area begins; the header has the space before it.
inline constexpr uint64_t kIndexDataOffset = 4096;

struct IndexHeader {
  std::array<char, 8> magic;
  std::array<char, 8> format_name;  // padded with zeros
  le32 version;                     // of the format's data and table
  le32 reserved;
  std::array<std::byte, 32> identity;
  le64 data_bytes;
  le64 table_bytes;  // the table follows the data
  std::array<std::byte, 32> table_sha256;
  std::array<std::byte, 32> header_sha256;  // of this header with this field as zeros
};
static_assert(sizeof(IndexHeader) == 136 && offsetof(IndexHeader, header_sha256) == 104);

}  // namespace ekshume::image
