// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <unistd.h>

namespace ekshume {

Result<void> FillWithRandom(std::span<std::byte> bytes) {
  if (getentropy(bytes.data(), bytes.size()) == 0) return {};
  return Fail(ErrorCode::kIo, "no random numbers from the system");
}

}  // namespace ekshume
