// SPDX-License-Identifier: Apache-2.0
#include "event/store/own_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace ekshume::event {

Error SystemFailure(std::string_view what) {
  const int code = errno;
  return Fail(code == ENOSPC || code == EDQUOT ? ErrorCode::kNoSpace : ErrorCode::kIo,
              fmt::format("{}: {}", what, std::strerror(code)));
}

}  // namespace ekshume::event
