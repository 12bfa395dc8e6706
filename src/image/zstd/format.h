// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/endian.h"

// Zstandard frames: RFC 8878, section 3.1. Only what frames and blocks are made of is read here;
// libzstd decodes the blocks. The "seekable" format adds a skippable frame at the end with a table
// of frames; walking the block headers finds the same and trusts nothing.
namespace ekshume::image::zstd {

inline constexpr uint32_t kMagic = 0xFD2FB528;  // 3.1.1
// 3.1.2: sixteen magics, 0x184D2A50 to 0x184D2A5F; a le32 size follows.
inline constexpr uint32_t kSkippableMagic = 0x184D2A50;
inline constexpr uint32_t kSkippableMask = 0xFFFFFFF0;
inline constexpr uint32_t kSkippableHeaderBytes = 8;

// 3.1.1.1.1, the frame header's descriptor byte.
inline constexpr unsigned kContentSizeFlagShift = 6;
inline constexpr unsigned kSingleSegmentBit = 1U << 5;
inline constexpr unsigned kReservedBit = 1U << 3;
inline constexpr unsigned kChecksumBit = 1U << 2;
inline constexpr unsigned kDictionaryIdMask = 3;

// 3.1.1.1: magic, descriptor, window descriptor, dictionary id, frame content size.
inline constexpr size_t kMaxFrameHeaderBytes = 4 + 1 + 1 + 4 + 8;
inline constexpr uint32_t kChecksumBytes = 4;

// 3.1.1.2, a block's three-byte header: last, type, size.
inline constexpr uint32_t kBlockHeaderBytes = 3;
inline constexpr uint32_t kLastBlockBit = 1;
enum class BlockType : uint8_t { kRaw = 0, kRle = 1, kCompressed = 2, kReserved = 3 };

}  // namespace ekshume::image::zstd
