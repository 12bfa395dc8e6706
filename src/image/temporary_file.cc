// SPDX-License-Identifier: Apache-2.0
#include "image/temporary_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace ekshume::image {

Result<FileDescriptor> OpenTemporaryFile() {
  const char* configured = std::getenv("TMPDIR");
  const std::string folder = configured != nullptr && *configured != 0 ? configured : "/var/tmp";
  FileDescriptor descriptor(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (descriptor.number() < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
    std::string name = folder + "/ekshume-XXXXXX";
    descriptor = FileDescriptor(mkostemp(name.data(), O_CLOEXEC));
    if (descriptor.number() >= 0) unlink(name.c_str());
  }
  if (descriptor.number() < 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot make a temporary file in {}: {}", folder,
                                            SystemErrorText(errno)));
  }
  return descriptor;
}

}  // namespace ekshume::image
