// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace ekshume::detect {

// What is wrong with a rule or a list of indicators.
struct Problem {
  std::string file;
  size_t line = 0;  // 0: the file as a whole
  std::string reason;
  std::string rule;  // its title, where it has one

  std::string Where() const;  // "file:line", or "file"
};

}  // namespace ekshume::detect
