// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ekshume::log {

// Follows JSON through brackets and strings, 64 bytes at a time, to find where a value ends. It
// does not check more than that. Fed piece by piece: it never looks at a byte twice.
class JsonScan {
 public:
  // Begins a value whose first byte, an opening bracket, is the next one it is given.
  void Begin() { *this = JsonScan(); }

  // Looks at more bytes. Returns how many of them belong to the value when it ends in them (the
  // closing bracket included), or kOpen when it does not.
  size_t Feed(std::string_view bytes);
  static constexpr size_t kOpen = static_cast<size_t>(-1);

 private:
  int64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;  // the next byte follows a backslash
};

}  // namespace ekshume::log
