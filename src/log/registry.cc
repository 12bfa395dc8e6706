// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "log/format.h"

namespace ekshume::log {

std::span<const Format* const> Formats() {
  static const std::array<const Format*, 0> formats{};
  return formats;
}

const Format* FindFormat(std::string_view name) {
  for (const Format* format : Formats()) {
    if (format->name() == name) return format;
  }
  return nullptr;
}

}  // namespace ekshume::log
