// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ekshume::event {

// Some of the events of CodedEvents: a bit for each position. It is filled first, Finish()ed and
// then asked, by any number of threads.
class EventSet {
 public:
  explicit EventSet(size_t size) : size_(size), words_((size + 63) / 64) {}

  // By any thread, while others do the same.
  void Add(size_t position) {
    std::atomic_ref(words_[position / 64])
        .fetch_or(uint64_t{1} << (position % 64), std::memory_order_relaxed);
  }
  void AddAll();
  void Finish();

  size_t count() const { return count_; }
  bool Has(size_t position) const { return (words_[position / 64] >> (position % 64) & 1) != 0; }
  // How many have a lower position, which is at most the size.
  size_t CountBefore(size_t position) const;
  // The position of number `n` of them, below count().
  size_t Nth(size_t n) const;

  // Calls visit(position) for each, in order.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      const uint64_t word = words_[i];
      if (word == ~uint64_t{0}) {
        for (size_t bit = 0; bit < 64; ++bit) visit(i * 64 + bit);
        continue;
      }
      for (uint64_t rest = word; rest != 0; rest &= rest - 1) {
        visit(i * 64 + static_cast<size_t>(std::countr_zero(rest)));
      }
    }
  }

 private:
  static constexpr size_t kBlockWords = 8;

  size_t size_;
  size_t count_ = 0;
  std::vector<uint64_t> words_;
  std::vector<uint32_t> before_;  // each block of words: how many come before it
};

}  // namespace ekshume::event
