// SPDX-License-Identifier: Apache-2.0
#include "casefile/file_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/hash.h"

namespace ekshume::casefile {
namespace {

Error ReadFailure(const std::string& path) {
  return Fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              fmt::format("cannot read {}: {}", path, std::strerror(errno)));
}

}  // namespace

Result<std::unique_ptr<FileSource>> FileSource::Open(const std::string& path, Progress* progress) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) return ReadFailure(path);
  std::unique_ptr<FileSource> file(new FileSource(descriptor, path));
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return ReadFailure(path);
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kIo, fmt::format("{} is no regular file", path));
  }
  file->size_ = static_cast<uint64_t>(status.st_size);
  file->modified_ = {status.st_mtim.tv_sec, static_cast<uint32_t>(status.st_mtim.tv_nsec)};
  file->progress_ = progress;
  static_cast<void>(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL));
  return file;
}

FileSource::~FileSource() { ::close(descriptor_); }

Result<size_t> FileSource::Read(std::span<char> out) {
  for (;;) {
    const ssize_t got = ::read(descriptor_, out.data(), out.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ReadFailure(path_);
    if (progress_ != nullptr) progress_->AddBytes(static_cast<uint64_t>(got));
    return static_cast<size_t>(got);
  }
}

Result<std::string> HashFileContent(const std::string& path, Progress* progress) {
  const auto file = EKSHUME_TRY(FileSource::Open(path));
  Sha256 hash;
  std::string block(size_t{1} << 20, '\0');
  for (;;) {
    if (progress != nullptr && progress->cancelled()) {
      return Fail(ErrorCode::kCancelled, "stopped");
    }
    const size_t got = EKSHUME_TRY(file->Read(block));
    if (got == 0) return ToHex(hash.Finish());
    hash.Update(ByteView::Of(std::string_view(block).substr(0, got)));
  }
}

void ContentHash::Update(std::string_view bytes) {
  if (!abandoned_) hash_.Update(ByteView::Of(bytes));
}

void ContentHash::Finish() {
  if (abandoned_) return;
  const std::lock_guard lock(mutex_);
  if (!result_) result_ = ToHex(hash_.Finish());
}

Result<std::string> ContentHash::Get() {
  const std::lock_guard lock(mutex_);
  if (!result_) {
    abandoned_ = true;
    result_ = HashFileContent(path_, progress_);
  }
  return *result_;
}

Result<size_t> HashedSource::Read(std::span<char> out) {
  const size_t got = EKSHUME_TRY(file_.Read(out));
  if (got == 0) {
    hash_.Finish();
  } else {
    hash_.Update(std::string_view(out.data(), got));
  }
  return got;
}

Result<void> HashedSource::ReadRest() {
  std::string block(size_t{256} << 10, '\0');
  while (EKSHUME_TRY(Read(block)) > 0) {
  }
  return {};
}

}  // namespace ekshume::casefile
