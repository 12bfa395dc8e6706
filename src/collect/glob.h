// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ekshume::collect {

// A pattern for absolute paths: `*` and `?` within one component, `[a-z]` sets, `**` for any number
// of components.
class Glob {
 public:
  explicit Glob(std::string_view pattern);

  // True when the path (its components) fits.
  bool Matches(const std::vector<std::string>& path) const;
  // True when something below the folder `path` can fit: the walk goes in.
  bool MayMatchBelow(const std::vector<std::string>& path) const;

 private:
  std::vector<std::string> parts_;
};

}  // namespace ekshume::collect
