// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ekshume::casefile {

// Whether a name from evidence can be one path component: not empty, "." or "..", and without '/'
// and NUL, which only a damaged or hostile filesystem holds.
inline bool IsPathComponent(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && !name.contains('/') &&
         !name.contains('\0');
}

// Finds the parts of paths that come from fs::Walk, which joins names: a name with a slash in it
// could otherwise lead through a symbolic link out of the folder that an archive is unpacked to.
class MemberPath {
 public:
  // Whether the last part of `path`, below the directory that was walked last, is one plain name.
  // Call it for every item of a walk, in order.
  bool Accept(std::string_view path, bool is_directory) {
    while (!directories_.empty() && !IsBelow(path, directories_.back())) directories_.pop_back();
    const size_t begin = directories_.empty() ? 0 : directories_.back().size() + 1;
    if (!IsPathComponent(path.substr(begin))) return false;
    if (is_directory) directories_.emplace_back(path);
    return true;
  }
  // How many directories lie above the item accepted last (the item itself included when it is
  // one).
  size_t depth() const { return directories_.size(); }

 private:
  static bool IsBelow(std::string_view path, std::string_view directory) {
    return path.size() > directory.size() && path.starts_with(directory) &&
           path[directory.size()] == '/';
  }
  std::vector<std::string> directories_;  // accepted, from the top to the last one
};

}  // namespace ekshume::casefile
