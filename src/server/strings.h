// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ekshume::server {

struct FoundString {
  size_t offset = 0;  // in bytes
  bool is_wide = false;
  std::string text;  // ASCII, at most kMostStringBytes
};
inline constexpr size_t kMostStringBytes = 1024;

// Runs of printable ASCII of at least `shortest` characters, as bytes and as UTF-16 (little
// endian), in order of their place.
std::vector<FoundString> FindStrings(std::string_view bytes, size_t shortest);

}  // namespace ekshume::server
