// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/byte_view.h"

namespace ekshume::fs::xfs {

// The CRC-32C of a metadata object whose four checksum bytes at `crc_offset` count as zero, as
// xfs_cksum.h computes it. 0 when the offset lies outside.
uint32_t ComputeChecksum(ByteView object, size_t crc_offset);

// True when the little-endian checksum stored at `crc_offset` is the object's.
bool ChecksumMatches(ByteView object, size_t crc_offset);

}  // namespace ekshume::fs::xfs
