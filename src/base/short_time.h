// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace ekshume {

// "2026-11-24 21:39:08" of a time, or of what FormatTimestamp() wrote: for people.
inline std::string ShortTime(std::string_view time) {
  std::string text(time.substr(0, 19));
  if (text.size() > 10) text[10] = ' ';
  return text;
}
inline std::string ShortTime(Timestamp time) { return ShortTime(FormatTimestamp(time)); }

}  // namespace ekshume
