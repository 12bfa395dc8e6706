// SPDX-License-Identifier: Apache-2.0
#include "base/byte_view.h"

#include <fmt/format.h>

#include "base/check.h"

namespace ekshume {

Error OutOfView(size_t offset, size_t length, size_t size) {
  return Fail(ErrorCode::kOutOfRange,
              fmt::format("read of {} bytes at {:#x} is outside a structure of {} bytes", length,
                          offset, size));
}

void CopyBytes(std::span<std::byte> to, ByteView from) {
  EKSHUME_CHECK(from.size() <= to.size());
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
}

}  // namespace ekshume
