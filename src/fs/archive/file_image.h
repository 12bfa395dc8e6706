// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "fs/filesystem.h"
#include "image/image.h"

namespace ekshume::fs::archive {

// A file of a filesystem as an image: an archive inside an archive. The file's Filesystem must
// outlive it. Any number of threads may read.
class FileImage final : public image::Image {
 public:
  FileImage(std::unique_ptr<File> file, std::string name)
      : file_(std::move(file)), name_(std::move(name)) {}

  uint64_t size_bytes() const override { return file_->size_bytes(); }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (!RangeFits(offset_bytes, uint64_t{out.size()}, size_bytes())) {
      return Fail(ErrorCode::kOutOfRange, name_ + ": a read past its end");
    }
    for (size_t done = 0; done < out.size();) {
      const size_t count = EKSHUME_TRY(file_->ReadAt(offset_bytes + done, out.subspan(done)));
      if (count == 0) return Fail(ErrorCode::kIo, name_ + ": it ends early");
      done += count;
    }
    return {};
  }

 private:
  const std::unique_ptr<File> file_;
  const std::string name_;
};

}  // namespace ekshume::fs::archive
