// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace ekshume {

// Keeps the `most` least of all values that are added, by `less` and then in the order of adding,
// in memory for no more than those. One thread.
template <typename T, typename Less>
class LeastOf {
 public:
  LeastOf(size_t most, Less less) : most_(most), less_(std::move(less)) {}

  void Add(T value) {
    const size_t number = added_++;
    if (heap_.size() == most_) {
      // A later value that is equal to the greatest of those kept is not less.
      if (most_ == 0 || !less_(value, heap_.front().value)) return;
      std::pop_heap(heap_.begin(), heap_.end(), Before());
      heap_.pop_back();
    }
    heap_.push_back({std::move(value), number});
    std::push_heap(heap_.begin(), heap_.end(), Before());
  }

  // How many were added, kept or not.
  size_t added() const { return added_; }

  // The least, sorted; nothing is kept afterwards.
  std::vector<T> Take() {
    std::sort_heap(heap_.begin(), heap_.end(), Before());
    std::vector<T> values;
    values.reserve(heap_.size());
    for (Item& item : heap_) values.push_back(std::move(item.value));
    heap_.clear();
    return values;
  }

 private:
  struct Item {
    T value;
    size_t number;
  };
  auto Before() const {
    return [this](const Item& a, const Item& b) {
      if (less_(a.value, b.value)) return true;
      return !less_(b.value, a.value) && a.number < b.number;
    };
  }

  const size_t most_;
  const Less less_;
  size_t added_ = 0;
  std::vector<Item> heap_;  // the greatest of those kept in front
};

}  // namespace ekshume
