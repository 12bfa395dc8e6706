// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

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

}  // namespace ekshume::casefile
