// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/indicator/value.h"

namespace ekshume::detect::indicator {

// The bytes of which words of a text are made, folded to lower case; 0 for all others.
extern const std::array<uint8_t, 256> kWordBytes;
inline bool IsWordByte(char c) { return kWordBytes[static_cast<uint8_t>(c)] != 0; }

// The hash of words. It grows from the last byte to the first, so that those of all ends of a word
// come up on the way.
class WordHash {
 public:
  void Add(uint8_t folded) { hash_ = (hash_ + folded + 1) * 0x9e3779b97f4a7c15ULL; }
  uint64_t value() const { return hash_ ^ (hash_ >> 29); }
  static uint64_t Of(std::string_view folded) {
    WordHash hash;
    for (size_t i = folded.size(); i > 0; --i) hash.Add(static_cast<uint8_t>(folded[i - 1]));
    return hash.value();
  }

 private:
  uint64_t hash_ = 0;
};

// Numbers by hashes, several for one hash: open addressing behind a filter of one bit for each.
class HashTable {
 public:
  // Makes room for that many; Add() afterwards, no more than those.
  void Reserve(size_t count);
  void Add(uint64_t hash, uint32_t number);

  // False for nearly all hashes that were not added.
  bool MayHold(uint64_t hash) const {
    const uint64_t bit = hash >> filter_shift_;
    return (filter_[bit >> 6] >> (bit & 63) & 1) != 0;
  }
  // Calls `visit` for every number with that hash, and perhaps for others.
  template <typename Visit>
  void ForEach(uint64_t hash, const Visit& visit) const {
    const uint32_t tag = static_cast<uint32_t>(hash);
    for (size_t at = hash >> slot_shift_;; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.number == kEmpty) return;
      if (slot.tag == tag) visit(slot.number);
    }
  }

 private:
  static constexpr uint32_t kEmpty = UINT32_MAX;
  struct Slot {
    uint32_t tag = 0;
    uint32_t number = kEmpty;
  };
  std::vector<Slot> slots_ = std::vector<Slot>(2);
  std::vector<uint64_t> filter_ = std::vector<uint64_t>(1);
  int slot_shift_ = 63;
  int filter_shift_ = 58;
};

}  // namespace ekshume::detect::indicator
