// SPDX-License-Identifier: Apache-2.0
#include "server/strings.h"

#include <algorithm>

namespace ekshume::server {
namespace {

bool IsPrintable(char c) { return (c >= ' ' && c <= '~') || c == '\t'; }

// How many characters of `step` bytes are printable from `at` on.
size_t RunLength(std::string_view bytes, size_t at, size_t step) {
  size_t length = 0;
  while (at + step <= bytes.size() && IsPrintable(bytes[at]) &&
         (step == 1 || bytes[at + 1] == '\0')) {
    ++length;
    at += step;
  }
  return length;
}

}  // namespace

std::vector<FoundString> FindStrings(std::string_view bytes, size_t shortest) {
  std::vector<FoundString> found;
  for (size_t at = 0; at < bytes.size();) {
    if (!IsPrintable(bytes[at])) {
      ++at;
      continue;
    }
    const size_t narrow = RunLength(bytes, at, 1);
    const size_t wide = narrow == 1 ? RunLength(bytes, at, 2) : 0;
    const size_t step = wide >= shortest ? 2 : 1;
    const size_t length = step == 2 ? wide : narrow;
    if (length >= shortest) {
      FoundString text{at, step == 2, {}};
      for (size_t i = 0; i < std::min(length, kMostStringBytes); ++i) {
        text.text.push_back(bytes[at + i * step]);
      }
      found.push_back(std::move(text));
    }
    at += length * step;
  }
  return found;
}

}  // namespace ekshume::server
