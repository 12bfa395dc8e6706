// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/endian.h"

// The GUID partition table: UEFI Specification 2.10, chapter 5. Field names are the
// specification's, in snake_case.
namespace ekshume::volume::gpt {

// Appendix A: the first three fields are little-endian numbers, the rest is bytes in order.
struct Guid {
  le32 time_low;
  le16 time_mid;
  le16 time_high_and_version;
  std::array<unsigned char, 8> rest;
};
static_assert(sizeof(Guid) == 16 && offsetof(Guid, rest) == 8);

inline constexpr std::string_view kSignature = "EFI PART";
inline constexpr uint32_t kMinHeaderSize = 92;  // 5.3.2: up to the last field below
inline constexpr uint32_t kMinEntrySize = 128;  // 5.3.2: 128 * 2^n
inline constexpr uint32_t kMaxEntrySize = 4096;

// Table 5-5, at LBA 1 and, as the backup, at the last LBA of the disk.
struct Header {
  std::array<char, 8> signature;
  le32 revision;
  le32 header_size;
  le32 header_crc32;  // of header_size bytes, this field taken as zero
  le32 reserved;
  le64 my_lba;
  le64 alternate_lba;
  le64 first_usable_lba;
  le64 last_usable_lba;
  Guid disk_guid;
  le64 partition_entry_lba;
  le32 number_of_partition_entries;
  le32 size_of_partition_entry;
  le32 partition_entry_array_crc32;
};
static_assert(sizeof(Header) == 92 && offsetof(Header, partition_entry_array_crc32) == 88);

// Table 5-6. A type of all zeros marks an unused entry.
struct Entry {
  Guid partition_type_guid;
  Guid unique_partition_guid;
  le64 starting_lba;
  le64 ending_lba;  // inclusive
  le64 attributes;
  std::array<le16, 36> partition_name;  // UTF-16, ends at the first zero
};
static_assert(sizeof(Entry) == 128 && offsetof(Entry, partition_name) == 56);

// 5.2.3: an MBR entry of this type says that the disk has a GPT.
inline constexpr unsigned char kProtectiveMbrType = 0xEE;

}  // namespace ekshume::volume::gpt
