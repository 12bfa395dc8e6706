// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/byte_view.h"
#include "base/result.h"
#include "base/time.h"

namespace ekshume::image {

// A file descriptor that closes itself.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor();

  int number() const { return number_; }

 private:
  int number_ = -1;
};

// One file or block device of evidence, opened for reading only and without touching its access
// time where the system allows it. Any number of threads may read one EvidenceFile.
class EvidenceFile {
 public:
  // kUnsupported with a sentence for "-", directories, pipes, sockets and character devices, none
  // of which can be read at random; kNotFound; kIo; kCorrupt for an empty file.
  static Result<EvidenceFile> Open(const std::string& path);

  const std::string& path() const { return path_; }
  // At the time of opening; bytes that are appended later are never read.
  uint64_t size_bytes() const { return size_bytes_; }
  Timestamp modified() const { return modified_; }

  // Fills `out`. kOutOfRange past size_bytes(); kIo with the offset when the system cannot read, or
  // when the file has become shorter since it was opened.
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const;

  // Image::NextData of this file. Never before `offset_bytes`.
  uint64_t NextData(uint64_t offset_bytes) const;
  // The end of the data that starts at `offset_bytes`: the next hole, or size_bytes().
  uint64_t NextHole(uint64_t offset_bytes) const;

  // True when the size or the modification time differs from what it was at opening.
  bool HasChanged() const;

  // Tells the kernel that the file will be read from start to end.
  void AdviseSequential() const;

 private:
  EvidenceFile(FileDescriptor descriptor, std::string path, uint64_t size_bytes, Timestamp modified)
      : descriptor_(std::move(descriptor)),
        path_(std::move(path)),
        size_bytes_(size_bytes),
        modified_(modified) {}

  FileDescriptor descriptor_;
  std::string path_;
  uint64_t size_bytes_;
  Timestamp modified_;
};

// pread and pwrite until all is done; `what` names the file in errors.
Result<void> ReadFully(int descriptor, uint64_t offset_bytes, std::span<std::byte> out,
                       const std::string& what);
Result<void> WriteFully(int descriptor, uint64_t offset_bytes, ByteView bytes,
                        const std::string& what);
// SEEK_DATA or SEEK_HOLE; `fallback` where the file cannot tell, `size_bytes` when there is none.
uint64_t SeekOr(int descriptor, uint64_t offset_bytes, int whence, uint64_t size_bytes,
                uint64_t fallback);

// "No such file or directory", for `error_number`; safe in threads.
std::string SystemErrorText(int error_number);

}  // namespace ekshume::image
