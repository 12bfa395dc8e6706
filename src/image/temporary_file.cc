// SPDX-License-Identifier: Apache-2.0
#include "image/temporary_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace ekshume::image {
namespace {

std::string TemporaryFolder() {
  const char* configured = std::getenv("TMPDIR");
  return configured != nullptr && *configured != 0 ? configured : "/var/tmp";
}

}  // namespace

Result<FileDescriptor> OpenTemporaryFile() {
  const std::string folder = TemporaryFolder();
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

NamedTemporaryFile::NamedTemporaryFile(FileDescriptor descriptor, std::string path)
    : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

NamedTemporaryFile::NamedTemporaryFile(NamedTemporaryFile&& other) noexcept
    : descriptor_(std::move(other.descriptor_)), path_(std::exchange(other.path_, {})) {}

NamedTemporaryFile& NamedTemporaryFile::operator=(NamedTemporaryFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

Result<NamedTemporaryFile> NamedTemporaryFile::Open() {
  std::string path = TemporaryFolder() + "/ekshume-XXXXXX";
  FileDescriptor descriptor(mkostemp(path.data(), O_CLOEXEC));
  if (descriptor.number() < 0) {
    return Fail(ErrorCode::kIo, fmt::format("cannot make a temporary file in {}: {}",
                                            TemporaryFolder(), SystemErrorText(errno)));
  }
  return NamedTemporaryFile(std::move(descriptor), std::move(path));
}

void NamedTemporaryFile::RemoveName() {
  if (!path_.empty()) unlink(path_.c_str());
  path_.clear();
}

}  // namespace ekshume::image
