// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/byte_view.h"
#include "base/endian.h"
#include "base/hash.h"

// The checksums of ext4 (chapter "Checksums") and jbd2. All are chained: no final inversion.
namespace ekshume::fs::ext4 {

// CRC-16 (ANSI, reflected): group descriptors with uninit_bg and without metadata_csum.
uint16_t Crc16(uint16_t crc, ByteView bytes);
// CRC-32, most significant bit first: jbd2's commit checksum of version 1.
uint32_t Crc32MsbFirst(uint32_t crc, ByteView bytes);

// Goes on with the bytes of an integer as it lies on disk.
inline uint32_t Crc32cOfLe32(uint32_t crc, uint32_t value) {
  return Crc32c(crc, AsBytes(le32::Of(value)));
}
inline uint32_t Crc32cOfLe64(uint32_t crc, uint64_t value) {
  return Crc32c(crc, AsBytes(le64::Of(value)));
}
inline uint32_t Crc32cOfBe32(uint32_t crc, uint32_t value) {
  return Crc32c(crc, AsBytes(be32::Of(value)));
}
// A block with the `field_bytes` (2 or 4) at `field_offset`, where the sum itself lies, taken as
// zero.
uint32_t Crc32cWithoutField(uint32_t crc, ByteView block, size_t field_offset, size_t field_bytes);

}  // namespace ekshume::fs::ext4
