// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ekshume::internal {

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "ekshume: bug: %s is false at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace ekshume::internal
