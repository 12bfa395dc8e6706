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

// Takes the paths of fs::Walk, which joins names, apart again: a name with a slash in it, or a
// second entry of one name, could otherwise lead through a symbolic link out of the folder that an
// archive is unpacked to. Only such names of a walk that were accepted may be made.
class MemberPath {
 public:
  // Whether the last part of `path`, below the directory that was accepted last, is one plain name
  // that was not there yet. Call it for every item of a walk below the start, in order; do not walk
  // into a directory that was not accepted.
  bool Accept(std::string_view path, bool is_directory) {
    while (levels_.size() > 1 && !IsBelow(path, levels_.back().directory)) levels_.pop_back();
    Level& level = levels_.back();
    const size_t begin = levels_.size() == 1 ? 0 : level.directory.size() + 1;
    const std::string_view name = path.substr(begin);
    if (!IsPathComponent(name)) return false;
    // The walk goes by name: what does not come later was there, or pretends to be below here.
    if (!level.last_name.empty() && name <= level.last_name) return false;
    level.last_name = name;
    if (is_directory) levels_.push_back({std::string(path), {}});
    return true;
  }

 private:
  struct Level {
    std::string directory;  // its path
    std::string last_name;  // accepted in it
  };
  static bool IsBelow(std::string_view path, std::string_view directory) {
    return path.size() > directory.size() && path.starts_with(directory) &&
           path[directory.size()] == '/';
  }
  std::vector<Level> levels_ = {{}};  // from the start of the walk to the last directory
};

}  // namespace ekshume::casefile
