// SPDX-License-Identifier: Apache-2.0
#include "casefile/scratch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ekshume::casefile {

Result<int> FolderScratch::Open(std::string_view file_name, bool& existed) {
  const auto failed = [&](std::string_view what) {
    return Fail(errno == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo,
                fmt::format("cannot {} {}/{}: {}", what, folder_, file_name, std::strerror(errno)));
  };
  if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return failed("create");
  const std::string path = fmt::format("{}/{}", folder_, file_name);
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return failed("open");
  struct stat status{};
  if (fstat(descriptor, &status) != 0) {
    const Error error = failed("examine");
    close(descriptor);
    return error;
  }
  existed = status.st_size > 0;
  return descriptor;
}

}  // namespace ekshume::casefile
