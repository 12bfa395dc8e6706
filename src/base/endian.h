// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace ekshume {

// An integer as it lies on disk: bytes of a fixed order, alignment 1. On-disk structs (format.h)
// are made of these, so that sizeof and offsetof are the specification's on every compiler and
// machine.
template <std::integral T, std::endian kOrder>
struct EndianInteger {
  std::array<unsigned char, sizeof(T)> bytes;

  constexpr T value() const {
    T raw = std::bit_cast<T>(bytes);
    if constexpr (kOrder != std::endian::native && sizeof(T) > 1) {
      // std::byteswap; g++ 12 compiles it to one instruction.
      if constexpr (sizeof(T) == 2)
        return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(raw)));
      if constexpr (sizeof(T) == 4)
        return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(raw)));
      if constexpr (sizeof(T) == 8)
        return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(raw)));
    }
    return raw;
  }
  static constexpr EndianInteger Of(T value) {
    EndianInteger swapped{std::bit_cast<std::array<unsigned char, sizeof(T)>>(value)};
    return EndianInteger{std::bit_cast<std::array<unsigned char, sizeof(T)>>(swapped.value())};
  }
};

using le16 = EndianInteger<uint16_t, std::endian::little>;
using le32 = EndianInteger<uint32_t, std::endian::little>;
using le64 = EndianInteger<uint64_t, std::endian::little>;
using be16 = EndianInteger<uint16_t, std::endian::big>;
using be32 = EndianInteger<uint32_t, std::endian::big>;
using be64 = EndianInteger<uint64_t, std::endian::big>;

static_assert(sizeof(le64) == 8 && alignof(le64) == 1);

}  // namespace ekshume
