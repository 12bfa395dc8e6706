// SPDX-License-Identifier: Apache-2.0
#include "collect/glob.h"

#include <fnmatch.h>

#include "base/text.h"

namespace ekshume::collect {
namespace {

constexpr std::string_view kAnyDepth = "**";

// Which numbers of parts the first components of a path can have used up: a set that moves along
// the path, so that many "**" cost no more than their number.
std::vector<bool> Advance(const std::vector<std::string>& parts,
                          const std::vector<std::string>& path) {
  std::vector<bool> at(parts.size() + 1);
  at[0] = true;
  const auto skip_any_depth = [&] {
    for (size_t i = 0; i < parts.size(); ++i) {
      if (at[i] && parts[i] == kAnyDepth) at[i + 1] = true;
    }
  };
  skip_any_depth();
  for (const std::string& name : path) {
    std::vector<bool> next(parts.size() + 1);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!at[i]) continue;
      if (parts[i] == kAnyDepth) {
        next[i] = true;
      } else if (fnmatch(parts[i].c_str(), name.c_str(), 0) == 0) {
        next[i + 1] = true;
      }
    }
    at = std::move(next);
    skip_any_depth();
  }
  return at;
}

}  // namespace

Glob::Glob(std::string_view pattern) {
  for (const std::string_view part : SplitNonEmpty(pattern, '/')) parts_.emplace_back(part);
}

bool Glob::Matches(const std::vector<std::string>& path) const {
  return Advance(parts_, path)[parts_.size()];
}

bool Glob::MayMatchBelow(const std::vector<std::string>& path) const {
  const std::vector<bool> at = Advance(parts_, path);
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (at[i]) return true;
  }
  return false;
}

}  // namespace ekshume::collect
