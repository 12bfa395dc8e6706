// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/progress.h"
#include "base/result.h"

namespace ekshume {

// Waits for so long. kCancelled as soon as the user wants to stop; `progress` may be null.
inline Result<void> Wait(std::chrono::milliseconds time, const Progress* progress) {
  constexpr std::chrono::milliseconds kSlice{100};
  for (auto left = time;; left -= kSlice) {
    if (progress != nullptr && progress->cancelled()) {
      return Fail(ErrorCode::kCancelled, "stopped");
    }
    if (left.count() <= 0) return {};
    std::this_thread::sleep_for(std::min(left, kSlice));
  }
}

}  // namespace ekshume
