// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "base/time.h"

namespace ekshume {

// The time of this machine's clock.
inline Timestamp Now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return TimestampFromNanoseconds(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count());
}

// Milliseconds since 1970, as services count.
inline int64_t Milliseconds(Timestamp time) {
  return time.seconds * 1000 + time.nanoseconds / 1'000'000;
}

}  // namespace ekshume
