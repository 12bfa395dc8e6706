// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/endian.h"

// Zip archives as they lie in a file. Specification: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 to
// 4.5, whose names of fields are kept. Names, extra fields and comments follow the structs.
namespace ekshume::fs::archive {

inline constexpr uint32_t kZipLocalSignature = 0x04034b50;
inline constexpr uint32_t kZipCentralSignature = 0x02014b50;
inline constexpr uint32_t kZipEndSignature = 0x06054b50;
inline constexpr uint32_t kZip64EndSignature = 0x06064b50;
inline constexpr uint32_t kZip64LocatorSignature = 0x07064b50;

// 4.3.7
struct ZipLocalHeader {
  le32 signature;
  le16 version_needed;
  le16 flags;
  le16 compression_method;
  le16 last_mod_time;
  le16 last_mod_date;
  le32 crc_32;
  le32 compressed_size;
  le32 uncompressed_size;
  le16 file_name_length;
  le16 extra_field_length;
};
static_assert(sizeof(ZipLocalHeader) == 30 && offsetof(ZipLocalHeader, extra_field_length) == 28);

// 4.3.12
struct ZipCentralHeader {
  le32 signature;
  le16 version_made_by;  // the high byte: 3 for Unix
  le16 version_needed;
  le16 flags;
  le16 compression_method;
  le16 last_mod_time;
  le16 last_mod_date;
  le32 crc_32;
  le32 compressed_size;
  le32 uncompressed_size;
  le16 file_name_length;
  le16 extra_field_length;
  le16 file_comment_length;
  le16 disk_number_start;
  le16 internal_file_attributes;
  le32 external_file_attributes;  // Unix: the mode in the high half
  le32 relative_offset_of_local_header;
};
static_assert(sizeof(ZipCentralHeader) == 46 &&
              offsetof(ZipCentralHeader, relative_offset_of_local_header) == 42);

// 4.3.16
struct ZipEnd {
  le32 signature;
  le16 number_of_this_disk;
  le16 disk_with_central_directory;
  le16 entries_on_this_disk;
  le16 entries;
  le32 central_directory_size;
  le32 central_directory_offset;
  le16 comment_length;
};
static_assert(sizeof(ZipEnd) == 22 && offsetof(ZipEnd, comment_length) == 20);

// 4.3.15
struct Zip64Locator {
  le32 signature;
  le32 disk_with_zip64_end;
  le64 zip64_end_offset;
  le32 number_of_disks;
};
static_assert(sizeof(Zip64Locator) == 20 && offsetof(Zip64Locator, number_of_disks) == 16);

// 4.3.14
struct Zip64End {
  le32 signature;
  le64 size_of_this_record;
  le16 version_made_by;
  le16 version_needed;
  le32 number_of_this_disk;
  le32 disk_with_central_directory;
  le64 entries_on_this_disk;
  le64 entries;
  le64 central_directory_size;
  le64 central_directory_offset;
};
static_assert(sizeof(Zip64End) == 56 && offsetof(Zip64End, central_directory_offset) == 48);

inline constexpr uint16_t kZipEncrypted = 1;       // in `flags`
inline constexpr uint16_t kZipStored = 0;          // compression_method
inline constexpr uint16_t kZipDeflated = 8;        // RFC 1951
inline constexpr uint16_t kZip64Extra = 0x0001;    // 4.5.3
inline constexpr uint16_t kZipTimeExtra = 0x5455;  // Info-ZIP, "UT": times as Unix has them
inline constexpr unsigned kZipMadeByUnix = 3;

}  // namespace ekshume::fs::archive
