// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ekshume::detect::sigma {

// Finds many words in a text in one pass, without case. Each word is known by four rare
// characters of it, or by its three: only where such stand in the text are words compared.
// Immutable after Build(); any thread.
class LiteralIndex {
 public:
  static constexpr size_t kShortest = 3;

  // The number of a word in small letters, of kShortest bytes or more.
  uint32_t Add(std::string_view word);
  void Build();
  uint32_t size() const { return static_cast<uint32_t>(words_.size()); }

  // Calls `found(number)` for each word, at each place where it ends.
  template <typename Found>
  void Scan(std::string_view text, Found found) const {
    if (words_.empty()) return;
    const uint64_t* const filter = filter_.data();
    const auto has = [filter](uint32_t hash) { return filter[hash / 64] >> (hash % 64) & 1U; };
    const int shift = shift_;
    uint32_t last = 0;  // the last four bytes
    size_t end = 0;
    for (const char c : text) {
      ++end;
      last = last >> 8 | static_cast<uint32_t>(static_cast<uint8_t>(c)) << 24;
      const uint32_t four = (last | kSmall) * kMultiplier >> shift;
      const uint32_t three = ((last | kSmall) >> 8 << 8) * kMultiplier >> shift;
      if ((has(four) | has(three)) == 0) [[likely]]
        continue;
      Compare(four, text, end, found);
      if (three != four) Compare(three, text, end, found);
    }
  }

 private:
  static constexpr uint32_t kSmall = 0x20202020;  // makes letters small, and is the same for all
  static constexpr uint32_t kMultiplier = 0x9E3779B1;

  // A word in the table of hashes: that of the four bytes that end at `end`, which are rare ones.
  struct Entry {
    uint32_t number = 0;
    uint32_t end = 0;
  };

  uint32_t HashOf(std::string_view bytes) const;
  // Whether the word stands in the text so that the bytes of its entry end at `end`.
  bool Stands(const Entry& entry, std::string_view text, size_t end) const;

  template <typename Found>
  void Compare(uint32_t hash, std::string_view text, size_t end, Found& found) const {
    for (uint32_t at = begin_[hash]; at < begin_[hash + 1]; ++at) {
      if (Stands(entries_[at], text, end)) found(entries_[at].number);
    }
  }

  std::vector<std::string> words_;
  int shift_ = 0;
  std::vector<uint64_t> filter_;  // a bit for each hash that an entry has
  std::vector<uint32_t> begin_;   // hash -> where its entries begin
  std::vector<Entry> entries_;    // in order of their hashes
};

}  // namespace ekshume::detect::sigma
