// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"

namespace ekshume {

// Fills up to 256 bytes with random ones of the system, fit for secrets. kIo when it has none. Any
// thread.
Result<void> FillWithRandom(std::span<std::byte> bytes);

}  // namespace ekshume
