// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

// Tar archives as they lie in a file. Specification: POSIX.1-2001, "pax Interchange Format" and
// "ustar Interchange Format"; GNU tar's manual, "GNU tar and POSIX tar" and "Storing Sparse Files".
namespace ekshume::fs::archive {

inline constexpr size_t kTarBlockBytes = 512;

// The ustar header block. Numbers are octal text; GNU tar writes those that do not fit in base 256,
// big-endian, with the highest bit of the first byte set.
struct TarHeader {
  std::array<char, 100> name;
  std::array<char, 8> mode;
  std::array<char, 8> uid;
  std::array<char, 8> gid;
  std::array<char, 12> size;
  std::array<char, 12> mtime;
  std::array<char, 8> chksum;
  char typeflag;
  std::array<char, 100> linkname;
  std::array<char, 6> magic;
  std::array<char, 2> version;
  std::array<char, 32> uname;
  std::array<char, 32> gname;
  std::array<char, 8> devmajor;
  std::array<char, 8> devminor;
  std::array<char, 155> prefix;
  std::array<char, 12> pad;
};
static_assert(sizeof(TarHeader) == kTarBlockBytes && offsetof(TarHeader, pad) == 500);

// "ustar" and a zero byte by POSIX, "ustar " by old GNU tar, whose `prefix` is something else.
inline constexpr size_t kTarMagicOffset = offsetof(TarHeader, magic);
inline constexpr std::string_view kTarMagic{"ustar", 5};

// Values of `typeflag`.
inline constexpr char kTarRegular = '0';
inline constexpr char kTarRegularOld = '\0';
inline constexpr char kTarHardLink = '1';
inline constexpr char kTarSymlink = '2';
inline constexpr char kTarCharDevice = '3';
inline constexpr char kTarBlockDevice = '4';
inline constexpr char kTarDirectory = '5';
inline constexpr char kTarFifo = '6';
inline constexpr char kTarContiguous = '7';
inline constexpr char kTarPaxHeader = 'x';
inline constexpr char kTarPaxGlobalHeader = 'g';
inline constexpr char kTarGnuLongName = 'L';
inline constexpr char kTarGnuLongLink = 'K';
inline constexpr char kTarGnuSparse = 'S';

// Marks of deleted names in the archive of an image's layer. Specification: OCI image-spec,
// layer.md, "Whiteouts".
inline constexpr std::string_view kWhiteoutPrefix = ".wh.";
inline constexpr std::string_view kOpaqueWhiteout = ".wh..wh..opq";

}  // namespace ekshume::fs::archive
