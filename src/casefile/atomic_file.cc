// SPDX-License-Identifier: Apache-2.0
#include "casefile/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/limits.h"

namespace ekshume::casefile {
namespace {

Error SystemError(int error_number, std::string_view action, std::string_view path) {
  const ErrorCode code = error_number == ENOSPC || error_number == EDQUOT ? ErrorCode::kNoSpace
                         : error_number == ENOENT                         ? ErrorCode::kNotFound
                                                                          : ErrorCode::kIo;
  return Fail(code, fmt::format("cannot {} {}: {}", action, path, std::strerror(error_number)));
}

}  // namespace

Result<void> WriteAll(int descriptor, ByteView bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return SystemError(errno, "write", name);
    }
    bytes = bytes.From(static_cast<size_t>(written));
  }
  return {};
}

AtomicFile::AtomicFile(std::string path, std::string temporary_path, int descriptor)
    : path_(std::move(path)), temporary_path_(std::move(temporary_path)), descriptor_(descriptor) {}

Result<std::unique_ptr<AtomicFile>> AtomicFile::Create(const std::string& path) {
  // A device or a pipe (/dev/full, a FIFO) is written in place: renaming over it would replace it.
  struct stat status{};
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    const int special = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (special < 0) return SystemError(errno, "open", path);
    return std::unique_ptr<AtomicFile>(new AtomicFile(path, "", special));
  }
  std::string temporary = path + ".partial-XXXXXX";
  const int descriptor = mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return SystemError(errno, "create", path);
  return std::unique_ptr<AtomicFile>(new AtomicFile(path, std::move(temporary), descriptor));
}

AtomicFile::~AtomicFile() {
  close(descriptor_);
  if (!committed_ && !temporary_path_.empty()) unlink(temporary_path_.c_str());
}

Result<void> AtomicFile::Write(ByteView bytes) { return WriteAll(descriptor_, bytes, path_); }

Result<void> AtomicFile::Commit() {
  if (fsync(descriptor_) != 0 && errno != EINVAL) return SystemError(errno, "write", path_);
  if (temporary_path_.empty()) return {};
  if (rename(temporary_path_.c_str(), path_.c_str()) != 0) {
    return SystemError(errno, "create", path_);
  }
  committed_ = true;
  return {};
}

Result<std::string> ReadOwnFile(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError(errno, "open", path);
  std::string content;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const Error error = SystemError(errno, "read", path);
      close(descriptor);
      return error;
    }
    if (count == 0) break;
    content.append(buffer.data(), static_cast<size_t>(count));
    if (content.size() > limits::kMaxDocumentBytes) break;
  }
  close(descriptor);
  if (content.size() > limits::kMaxDocumentBytes) {
    return Fail(ErrorCode::kLimit, fmt::format("kMaxDocumentBytes: {} is too large", path));
  }
  return content;
}

}  // namespace ekshume::casefile
