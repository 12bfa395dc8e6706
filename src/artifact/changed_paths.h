// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

namespace ekshume::artifact {

// Absolute paths in a view. Any number of threads may ask.
class ChangedPaths {
 public:
  ChangedPaths() = default;
  ChangedPaths(std::initializer_list<std::string> paths) : paths_(paths) {}

  void Insert(std::string path) { paths_.insert(std::move(path)); }
  size_t size() const { return paths_.size(); }
  bool empty() const { return paths_.empty(); }
  bool Contains(std::string_view path) const { return paths_.contains(path); }
  // Whether there is one inside this directory: the rest need not be walked.
  bool ContainsBelow(std::string_view directory) const {
    std::string prefix(directory);
    if (!prefix.ends_with('/')) prefix += '/';
    const auto first = paths_.lower_bound(prefix);
    return first != paths_.end() && first->starts_with(prefix);
  }

 private:
  std::set<std::string, std::less<>> paths_;
};

}  // namespace ekshume::artifact
