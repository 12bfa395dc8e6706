// SPDX-License-Identifier: Apache-2.0
#include "event/store/pack.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "base/limits.h"
#include "event/store/own_file.h"

namespace ekshume::event {
namespace {

// Fast and good enough: log records of one kind compress ten times and more.
constexpr int kLevel = -2;

}  // namespace

Result<std::unique_ptr<Pack>> Pack::Open(const std::string& path, bool write,
                                         uint64_t committed_bytes) {
  const int flags = write ? O_RDWR | O_CREAT : O_RDONLY;
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (descriptor < 0) return SystemFailure("cannot open the case's raw records");
  std::unique_ptr<Pack> pack(new Pack(descriptor, committed_bytes));
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return SystemFailure("cannot read the raw records");
  if (static_cast<uint64_t>(status.st_size) < committed_bytes) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("the file of raw records has {} bytes, the case says {}",
                            status.st_size, committed_bytes));
  }
  if (write && ::ftruncate(descriptor, static_cast<off_t>(committed_bytes)) != 0) {
    return SystemFailure("cannot cut the file of raw records");
  }
  return pack;
}

Pack::Pack(int descriptor, uint64_t size)
    : serial_([] {
        static std::atomic<uint64_t> next{1};
        return next++;
      }()),
      descriptor_(descriptor),
      size_(size) {}

Pack::~Pack() { ::close(descriptor_); }

Result<uint64_t> Pack::Append(std::string_view records) {
  thread_local std::string compressed;
  thread_local const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                                ZSTD_freeCCtx);
  compressed.resize(ZSTD_compressBound(records.size()));
  const size_t size = ZSTD_compressCCtx(context.get(), compressed.data(), compressed.size(),
                                        records.data(), records.size(), kLevel);
  if (ZSTD_isError(size) != 0U) {
    return Fail(ErrorCode::kIo, fmt::format("zstd: {}", ZSTD_getErrorName(size)));
  }
  uint64_t at = 0;
  {
    const std::lock_guard lock(mutex_);
    at = size_;
    size_ += size;
  }
  for (size_t done = 0; done < size;) {
    const ssize_t written =
        ::pwrite(descriptor_, compressed.data() + done, size - done, static_cast<off_t>(at + done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return SystemFailure("cannot write the case's raw records");
    done += static_cast<size_t>(written);
  }
  return at;
}

Result<void> Pack::Sync() {
  if (::fdatasync(descriptor_) != 0) return SystemFailure("cannot write the case's raw records");
  return {};
}

uint64_t Pack::size_bytes() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

Result<std::shared_ptr<const std::string>> Pack::Frame(uint64_t frame) const {
  const uint64_t size = size_bytes();
  // The stored size is not known: as much as the largest frame needs, and the file has.
  const Error damaged = Fail(ErrorCode::kCorrupt,
                             fmt::format("no frame of raw records at byte {} of {}", frame, size));
  if (frame >= size) return damaged;
  std::string stored;
  size_t want = size_t{64} << 10;
  for (;;) {
    want = static_cast<size_t>(std::min<uint64_t>(want, size - frame));
    stored.resize(want);
    for (size_t done = 0; done < want;) {
      const ssize_t got =
          ::pread(descriptor_, stored.data() + done, want - done, static_cast<off_t>(frame + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return SystemFailure("cannot read the case's raw records");
      done += static_cast<size_t>(got);
    }
    const size_t stored_size = ZSTD_findFrameCompressedSize(stored.data(), stored.size());
    if (ZSTD_isError(stored_size) == 0U) {
      stored.resize(stored_size);
      break;
    }
    if (want == size - frame) return damaged;
    want *= 4;
  }
  const unsigned long long content_size = ZSTD_getFrameContentSize(stored.data(), stored.size());
  if (content_size == ZSTD_CONTENTSIZE_ERROR || content_size == ZSTD_CONTENTSIZE_UNKNOWN ||
      content_size > limits::kMaxPackFrameBytes) {
    return damaged;
  }
  auto content = std::make_shared<std::string>(content_size, '\0');
  const size_t got =
      ZSTD_decompress(content->data(), content->size(), stored.data(), stored.size());
  if (got != content_size) return damaged;
  return content;
}

Result<std::string> Pack::Read(uint64_t frame, uint32_t offset, uint32_t length) const {
  thread_local uint64_t last_pack = 0;
  thread_local uint64_t last_frame = 0;
  thread_local std::shared_ptr<const std::string> content;
  if (last_pack != serial_ || last_frame != frame || !content) {
    content = EKSHUME_TRY(Frame(frame));
    last_pack = serial_;
    last_frame = frame;
  }
  if (offset > content->size() || length > content->size() - offset) {
    return Fail(ErrorCode::kCorrupt, fmt::format("raw record {}+{} lies outside its frame at {}",
                                                 offset, length, frame));
  }
  return content->substr(offset, length);
}

}  // namespace ekshume::event
