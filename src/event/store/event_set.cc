// SPDX-License-Identifier: Apache-2.0
#include "event/store/event_set.h"

#include <algorithm>

namespace ekshume::event {

void EventSet::AddAll() {
  std::ranges::fill(words_, ~uint64_t{0});
  if (size_ % 64 != 0) words_.back() = (uint64_t{1} << (size_ % 64)) - 1;
}

void EventSet::Finish() {
  before_.clear();
  count_ = 0;
  for (size_t i = 0; i < words_.size(); ++i) {
    if (i % kBlockWords == 0) before_.push_back(static_cast<uint32_t>(count_));
    count_ += static_cast<size_t>(std::popcount(words_[i]));
  }
}

size_t EventSet::CountBefore(size_t position) const {
  const size_t word = position / 64;
  if (word >= words_.size()) return count_;
  const size_t block = word / kBlockWords;
  size_t count = before_[block];
  for (size_t i = block * kBlockWords; i < word; ++i) {
    count += static_cast<size_t>(std::popcount(words_[i]));
  }
  const uint64_t lower = (uint64_t{1} << (position % 64)) - 1;
  return count + static_cast<size_t>(std::popcount(words_[word] & lower));
}

size_t EventSet::Nth(size_t n) const {
  const auto after = std::ranges::upper_bound(before_, n);
  const auto block = static_cast<size_t>(after - before_.begin()) - 1;
  size_t rest = n - before_[block];
  size_t word = block * kBlockWords;
  for (;; ++word) {
    const auto here = static_cast<size_t>(std::popcount(words_[word]));
    if (rest < here) break;
    rest -= here;
  }
  uint64_t bits = words_[word];
  for (; rest > 0; --rest) bits &= bits - 1;
  return word * 64 + static_cast<size_t>(std::countr_zero(bits));
}

}  // namespace ekshume::event
