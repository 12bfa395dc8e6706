// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "artifact/format.h"
#include "artifact/mactime/reader.h"

namespace ekshume::artifact {

std::span<const Format* const> Formats() {
  static const std::array formats{
      &mactime::MactimeFormat(),
  };
  return formats;
}

}  // namespace ekshume::artifact
