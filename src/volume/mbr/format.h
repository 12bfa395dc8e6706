// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "base/endian.h"

// The master boot record and the extended boot records chained from it: UEFI Specification 2.10,
// section 5.2.1 (whose field names these are), and the chain as the kernel's block/partitions
// documents it.
namespace ekshume::volume::mbr {

inline constexpr uint32_t kSectorBytes = 512;
inline constexpr uint16_t kSignature = 0xAA55;  // bytes 55 AA
inline constexpr unsigned char kActive = 0x80;

inline constexpr unsigned char kTypeExtendedChs = 0x05;
inline constexpr unsigned char kTypeExtendedLba = 0x0F;
inline constexpr unsigned char kTypeExtendedLinux = 0x85;
inline constexpr unsigned char kTypeGptProtective = 0xEE;

// Table 5-2. All zeros when unused.
struct PartitionRecord {
  unsigned char boot_indicator;
  std::array<unsigned char, 3> starting_chs;
  unsigned char os_type;
  std::array<unsigned char, 3> ending_chs;
  le32 starting_lba;  // in a logical record: from this record or from the extended partition
  le32 size_in_lba;
};
static_assert(sizeof(PartitionRecord) == 16 && offsetof(PartitionRecord, size_in_lba) == 12);

// Table 5-1; extended boot records are laid out alike.
struct BootRecord {
  std::array<unsigned char, 440> boot_code;
  le32 unique_mbr_disk_signature;
  le16 unknown;
  std::array<PartitionRecord, 4> partition_record;
  le16 signature;
};
static_assert(sizeof(BootRecord) == 512 && offsetof(BootRecord, signature) == 510);

}  // namespace ekshume::volume::mbr
