// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "fs/filesystem.h"

namespace ekshume::casefile {

// How much of a file is copied without asking whether it is really as large as it claims.
inline constexpr uint64_t kUnprobedBytes = uint64_t{64} << 20;

// True for a large file whose last byte cannot be read.
inline bool EndIsUnreadable(const fs::File& file) {
  if (file.size_bytes() <= kUnprobedBytes) return false;
  std::array<std::byte, 1> last;
  const auto count = file.ReadAt(file.size_bytes() - 1, last);
  return !count || *count == 0;
}

}  // namespace ekshume::casefile
