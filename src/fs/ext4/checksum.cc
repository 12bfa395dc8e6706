// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/checksum.h"

#include <array>

#include "base/check.h"

namespace ekshume::fs::ext4 {
namespace {

constexpr std::array<uint16_t, 256> MakeCrc16Table() {
  std::array<uint16_t, 256> table{};
  for (unsigned index = 0; index < 256; ++index) {
    unsigned crc = index;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xA001U : crc >> 1;
    table[index] = static_cast<uint16_t>(crc);
  }
  return table;
}

constexpr std::array<uint32_t, 256> MakeCrc32Table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t index = 0; index < 256; ++index) {
    uint32_t crc = index << 24;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x80000000U) != 0 ? (crc << 1) ^ 0x04C11DB7U : crc << 1;
    }
    table[index] = crc;
  }
  return table;
}

constexpr auto kCrc16Table = MakeCrc16Table();
constexpr auto kCrc32Table = MakeCrc32Table();
constexpr std::array<std::byte, 4> kZeros{};

}  // namespace

uint16_t Crc16(uint16_t crc, ByteView bytes) {
  for (const std::byte byte : bytes.AsSpan()) {
    const auto index = static_cast<uint8_t>(crc ^ std::to_integer<uint8_t>(byte));
    crc = static_cast<uint16_t>((crc >> 8) ^ kCrc16Table[index]);
  }
  return crc;
}

uint32_t Crc32MsbFirst(uint32_t crc, ByteView bytes) {
  for (const std::byte byte : bytes.AsSpan()) {
    crc = (crc << 8) ^ kCrc32Table[(crc >> 24) ^ std::to_integer<uint8_t>(byte)];
  }
  return crc;
}

uint32_t Crc32cWithoutField(uint32_t crc, ByteView block, size_t field_offset, size_t field_bytes) {
  EKSHUME_CHECK(field_bytes <= kZeros.size() && block.Contains(field_offset, field_bytes));
  crc = Crc32c(crc, block.First(field_offset));
  crc = Crc32c(crc, ByteView(kZeros).First(field_bytes));
  return Crc32c(crc, block.From(field_offset + field_bytes));
}

}  // namespace ekshume::fs::ext4
