// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ekshume::internal {
// Prints the failed condition and aborts; the process ends with exit code 4 through the CLI's
// handler.
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
}  // namespace ekshume::internal

// A condition that only a bug in ekshume can break, whatever the evidence holds. Also in release
// builds.
#define EKSHUME_CHECK(condition)                                        \
  do {                                                                  \
    if (!(condition)) [[unlikely]] {                                    \
      ::ekshume::internal::CheckFailed(#condition, __FILE__, __LINE__); \
    }                                                                   \
  } while (false)
