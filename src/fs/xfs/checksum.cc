// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/checksum.h"

#include <array>

#include "base/endian.h"
#include "base/hash.h"

namespace ekshume::fs::xfs {

uint32_t ComputeChecksum(ByteView object, size_t crc_offset) {
  if (!object.Contains(crc_offset, sizeof(le32))) return 0;
  constexpr std::array<std::byte, sizeof(le32)> kZero{};
  uint32_t crc = Crc32c(~uint32_t{0}, object.First(crc_offset));
  crc = Crc32c(crc, ByteView(kZero));
  return ~Crc32c(crc, object.From(crc_offset + sizeof(le32)));
}

bool ChecksumMatches(ByteView object, size_t crc_offset) {
  const auto stored = object.Read<le32>(crc_offset);
  return stored && stored->value() == ComputeChecksum(object, crc_offset);
}

}  // namespace ekshume::fs::xfs
