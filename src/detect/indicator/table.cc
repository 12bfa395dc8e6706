// SPDX-License-Identifier: Apache-2.0
#include "detect/indicator/table.h"

#include <bit>

#include "base/ascii.h"

namespace ekshume::detect::indicator {
namespace {

std::array<uint8_t, 256> MakeWordBytes() {
  std::array<uint8_t, 256> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char c = static_cast<char>(i);
    const char folded = AsciiLower(c);
    const bool is_word = (folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                         c == '-' || c == '_';
    if (is_word) bytes[i] = static_cast<uint8_t>(folded);
  }
  return bytes;
}

}  // namespace

const std::array<uint8_t, 256> kWordBytes = MakeWordBytes();

void HashTable::Reserve(size_t count) {
  const size_t slots = std::bit_ceil(count * 2 + 2);
  const size_t bits = std::bit_ceil(count * 16 + 64);
  slots_.assign(slots, Slot());
  filter_.assign(bits / 64, 0);
  slot_shift_ = 64 - std::countr_zero(slots);
  filter_shift_ = 64 - std::countr_zero(bits);
}

void HashTable::Add(uint64_t hash, uint32_t number) {
  const uint64_t bit = hash >> filter_shift_;
  filter_[bit >> 6] |= uint64_t{1} << (bit & 63);
  size_t at = hash >> slot_shift_;
  while (slots_[at].number != kEmpty) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {static_cast<uint32_t>(hash), number};
}

}  // namespace ekshume::detect::indicator
