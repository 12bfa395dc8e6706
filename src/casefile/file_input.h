// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/progress.h"
#include "base/time.h"
#include "log/carrier/input.h"

namespace ekshume::casefile {

// A file of the analyst's machine, opened for reading, from front to back. One thread.
class FileSource final : public log::Input {
 public:
  // kNotFound or kIo with the path.
  static Result<std::unique_ptr<FileSource>> Open(const std::string& path,
                                                  Progress* progress = nullptr);
  ~FileSource() override;
  Result<size_t> Read(std::span<char> out) override;

  uint64_t size_bytes() const { return size_; }
  Timestamp modified() const { return modified_; }

 private:
  FileSource(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

  const int descriptor_;
  const std::string path_;
  uint64_t size_ = 0;
  Timestamp modified_;
  Progress* progress_ = nullptr;
};

// SHA-256 of a whole file, in hexadecimal.
Result<std::string> HashFileContent(const std::string& path, Progress* progress);

// The SHA-256 of a file that one thread reads from front to back: made of what it reads, so that
// the file is read once. Who needs it before the end has the file read once more.
class ContentHash {
 public:
  explicit ContentHash(std::string path, Progress* progress = nullptr)
      : path_(std::move(path)), progress_(progress) {}

  // For the thread that reads: the next bytes; the file's end.
  void Update(std::string_view bytes);
  void Finish();

  // In hexadecimal, for any thread. An error is that of reading the file.
  Result<std::string> Get();

 private:
  const std::string path_;
  Progress* const progress_;
  Sha256 hash_;                          // of the reading thread
  std::atomic<bool> abandoned_ = false;  // the file is read once more instead
  std::mutex mutex_;
  std::optional<Result<std::string>> result_;
};

// A file with its hash in the making.
class HashedSource final : public log::Input {
 public:
  HashedSource(FileSource& file, ContentHash& hash) : file_(file), hash_(hash) {}
  Result<size_t> Read(std::span<char> out) override;
  // Reads what nobody wanted, for the hash.
  Result<void> ReadRest();

 private:
  FileSource& file_;
  ContentHash& hash_;
};

}  // namespace ekshume::casefile
