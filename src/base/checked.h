// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <optional>

namespace ekshume {

// Arithmetic on quantities that come from evidence: nothing instead of an overflow.
template <std::integral T>
[[nodiscard]] constexpr std::optional<T> CheckedAdd(T a, T b) {
  T result{};
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

template <std::integral T>
[[nodiscard]] constexpr std::optional<T> CheckedMultiply(T a, T b) {
  T result{};
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

// True when [offset, offset + length) lies inside [0, size).
[[nodiscard]] constexpr bool RangeFits(std::unsigned_integral auto offset,
                                       std::unsigned_integral auto length,
                                       std::unsigned_integral auto size) {
  return offset <= size && length <= size - offset;
}

}  // namespace ekshume
