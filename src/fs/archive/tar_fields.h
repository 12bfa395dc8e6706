// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "fs/archive/format.h"

// What readers of tar headers share. Specification: as in fs/archive/format.h.
namespace ekshume::fs::archive {

// The text of a field, up to its first NUL.
template <size_t N>
std::string_view TarText(const std::array<char, N>& field) {
  const std::string_view text(field.data(), N);
  return text.substr(0, text.find('\0'));
}

// Whether a block is all zeros: the end of an archive has two of them, of which one is enough.
bool IsZeroBlock(const TarHeader& header);

// A size with the padding to a block. The size must be at least a block below 2^64.
constexpr uint64_t PaddedToTarBlock(uint64_t size) {
  return (size + kTarBlockBytes - 1) / kTarBlockBytes * kTarBlockBytes;
}

// A whole text as a decimal number; nothing when it is none or does not fit.
template <typename T>
std::optional<T> ParseDecimal(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "1234567890.123456789", also negative; digits beyond nanoseconds are left out.
std::optional<Timestamp> ParsePaxTime(std::string_view text);

// Calls `visit` for each record "LENGTH KEY=VALUE\n" of a pax header, where LENGTH counts all of
// itself, up to a NUL. How many bytes they took; nothing when a record makes no sense.
std::optional<size_t> ReadPaxRecords(
    std::string_view text,
    const std::function<void(std::string_view key, std::string_view value)>& visit);

}  // namespace ekshume::fs::archive
