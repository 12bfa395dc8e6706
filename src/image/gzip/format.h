// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/endian.h"

namespace ekshume::image::gzip {

// A member of a gzip file: RFC 1952, section 2.3. Field names are the RFC's.
struct MemberHeader {
  unsigned char id1;
  unsigned char id2;
  unsigned char cm;
  unsigned char flg;
  le32 mtime;
  unsigned char xfl;
  unsigned char os;
};
static_assert(sizeof(MemberHeader) == 10 && offsetof(MemberHeader, os) == 9);

inline constexpr unsigned char kId1 = 0x1F;
inline constexpr unsigned char kId2 = 0x8B;
inline constexpr unsigned char kDeflate = 8;

// 2.3.1, in this order behind the header: FEXTRA (le16 length and bytes), FNAME and FCOMMENT (to a
// zero byte), FHCRC (le16).
inline constexpr unsigned kFlagHeaderCrc = 1U << 1;
inline constexpr unsigned kFlagExtra = 1U << 2;
inline constexpr unsigned kFlagName = 1U << 3;
inline constexpr unsigned kFlagComment = 1U << 4;
inline constexpr unsigned kFlagsReserved = 0xE0;

struct MemberTrailer {
  le32 crc32;
  le32 isize;  // of the content, modulo 2^32
};
static_assert(sizeof(MemberTrailer) == 8 && offsetof(MemberTrailer, isize) == 4);

// The table of ekshume's index of a gzip file (docs/formats/index-file.md): this header, the
// points, the zero runs, the sentence about the damage. The data area holds the windows, each
// compressed with zlib.
inline constexpr std::string_view kTableMagic = "EKSHGZPT";

struct TableHeader {
  std::array<char, 8> magic;
  le64 size_bytes;
  le64 point_count;
  le64 zero_run_count;
  le64 damage_length;
  le64 damage_offset;
};
static_assert(sizeof(TableHeader) == 48 && offsetof(TableHeader, damage_offset) == 40);

struct TablePoint {
  le64 content_offset;
  le64 file_offset;
  le64 window_offset;  // in the data area
  le32 window_stored_bytes;
  le32 window_crc32c;   // of the stored bytes
  unsigned char bits;   // 0 to 7 unused bits of the byte before file_offset
  unsigned char start;  // 1: a member header is at file_offset, and there is no window
};
static_assert(sizeof(TablePoint) == 34 && offsetof(TablePoint, start) == 33);

struct TableZeroRun {
  le64 offset_bytes;
  le64 length;
};
static_assert(sizeof(TableZeroRun) == 16 && offsetof(TableZeroRun, length) == 8);

}  // namespace ekshume::image::gzip
