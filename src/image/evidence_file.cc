// SPDX-License-Identifier: Apache-2.0
#include "image/evidence_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace ekshume::image {
namespace {

// The sentence for a kind of file that cannot be evidence; empty when it can be.
std::string_view WhyRefused(mode_t mode) {
  if (S_ISREG(mode) || S_ISBLK(mode)) return {};
  if (S_ISDIR(mode)) return "is a directory, not a disk image";
  if (S_ISFIFO(mode)) return "is a pipe, which cannot be read at random; save it to a file first";
  if (S_ISSOCK(mode)) return "is a socket, which cannot be read at random";
  if (S_ISCHR(mode)) return "is a character device, which cannot be read at random";
  return "is neither a file nor a block device";
}

Error OpenFailed(const std::string& path, int error_number) {
  const ErrorCode code =
      error_number == ENOENT || error_number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  return Fail(code, fmt::format("{}: {}", path, SystemErrorText(error_number)));
}

Timestamp ModifiedOf(const struct stat& status) {
  return {status.st_mtim.tv_sec, static_cast<uint32_t>(status.st_mtim.tv_nsec)};
}

Result<uint64_t> SizeOf(int descriptor, const struct stat& status, const std::string& path) {
  if (!S_ISBLK(status.st_mode)) return static_cast<uint64_t>(status.st_size);
  uint64_t size_bytes = 0;
  if (ioctl(descriptor, BLKGETSIZE64, &size_bytes) != 0) return OpenFailed(path, errno);
  return size_bytes;
}

}  // namespace

std::string SystemErrorText(int error_number) {
  return std::generic_category().message(error_number);
}

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) close(number_);
}

Result<void> ReadFully(int descriptor, uint64_t offset_bytes, std::span<std::byte> out,
                       const std::string& what) {
  while (!out.empty()) {
    const ssize_t count =
        pread(descriptor, out.data(), out.size(), static_cast<off_t>(offset_bytes));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return Fail(ErrorCode::kIo, fmt::format("{}: reading {} bytes at {:#x}: {}", what, out.size(),
                                              offset_bytes, SystemErrorText(errno)));
    }
    if (count == 0) {
      return Fail(ErrorCode::kIo,
                  fmt::format("{}: ended at {:#x} while it was read; it has become shorter", what,
                              offset_bytes));
    }
    out = out.subspan(static_cast<size_t>(count));
    offset_bytes += static_cast<uint64_t>(count);
  }
  return {};
}

Result<void> WriteFully(int descriptor, uint64_t offset_bytes, ByteView bytes,
                        const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t count =
        pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset_bytes));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const ErrorCode code =
          errno == ENOSPC || errno == EDQUOT ? ErrorCode::kNoSpace : ErrorCode::kIo;
      return Fail(code, fmt::format("writing {}: {}", what, SystemErrorText(errno)));
    }
    bytes = bytes.From(static_cast<size_t>(count));
    offset_bytes += static_cast<uint64_t>(count);
  }
  return {};
}

uint64_t SeekOr(int descriptor, uint64_t offset_bytes, int whence, uint64_t size_bytes,
                uint64_t fallback) {
  if (offset_bytes >= size_bytes) return offset_bytes;
  const off_t found = lseek(descriptor, static_cast<off_t>(offset_bytes), whence);
  if (found < 0) return errno == ENXIO ? size_bytes : fallback;
  return std::clamp(static_cast<uint64_t>(found), offset_bytes, size_bytes);
}

Result<EvidenceFile> EvidenceFile::Open(const std::string& path) {
  if (path == "-") {
    return Fail(ErrorCode::kUnsupported,
                "standard input cannot be read at random; save it to a file first");
  }
  // Looked at before it is opened: opening a device can have effects (a tape rewinds).
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return OpenFailed(path, errno);
  if (const std::string_view why = WhyRefused(status.st_mode); !why.empty()) {
    return Fail(ErrorCode::kUnsupported, fmt::format("{} {}", path, why));
  }
  // O_NONBLOCK: should a pipe have taken the file's place since, opening it must not wait.
  const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  int number = open(path.c_str(), flags | O_NOATIME);
  if (number < 0 && errno == EPERM) number = open(path.c_str(), flags);  // not our own file
  if (number < 0) return OpenFailed(path, errno);
  FileDescriptor descriptor(number);
  if (fstat(number, &status) != 0) return OpenFailed(path, errno);
  if (const std::string_view why = WhyRefused(status.st_mode); !why.empty()) {
    return Fail(ErrorCode::kUnsupported, fmt::format("{} {}", path, why));
  }
  const uint64_t size_bytes = EKSHUME_TRY(SizeOf(number, status, path));
  if (size_bytes == 0) return Fail(ErrorCode::kCorrupt, fmt::format("{} is empty (0 bytes)", path));
  return EvidenceFile(std::move(descriptor), path, size_bytes, ModifiedOf(status));
}

Result<void> EvidenceFile::ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const {
  if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_bytes_)) {
    return Fail(ErrorCode::kOutOfRange,
                fmt::format("read of {} bytes at {:#x} is past the end of {} ({} bytes)",
                            out.size(), offset_bytes, path_, size_bytes_));
  }
  return ReadFully(descriptor_.number(), offset_bytes, out, path_);
}

uint64_t EvidenceFile::NextData(uint64_t offset_bytes) const {
  return SeekOr(descriptor_.number(), offset_bytes, SEEK_DATA, size_bytes_, offset_bytes);
}

uint64_t EvidenceFile::NextHole(uint64_t offset_bytes) const {
  return SeekOr(descriptor_.number(), offset_bytes, SEEK_HOLE, size_bytes_, size_bytes_);
}

bool EvidenceFile::HasChanged() const {
  struct stat status{};
  if (fstat(descriptor_.number(), &status) != 0) return true;
  if (S_ISBLK(status.st_mode)) return false;
  return static_cast<uint64_t>(status.st_size) != size_bytes_ || ModifiedOf(status) != modified_;
}

void EvidenceFile::AdviseSequential() const {
  posix_fadvise(descriptor_.number(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

}  // namespace ekshume::image
