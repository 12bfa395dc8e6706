// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <string>
#include <utility>

#include "image/temporary_file.h"
#include "server/api.h"

namespace ekshume::server {

// A file without a name, read while it is sent.
class TemporarySource final : public ByteSource {
 public:
  TemporarySource(image::FileDescriptor file, uint64_t size)
      : file_(std::move(file)), size_(size) {}
  uint64_t size_bytes() const override { return size_; }
  std::string Read(uint64_t offset, size_t most) override {
    std::string piece(most, '\0');
    const ssize_t count = pread(file_.number(), piece.data(), most, static_cast<off_t>(offset));
    piece.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return piece;
  }

 private:
  const image::FileDescriptor file_;
  const uint64_t size_;
};

}  // namespace ekshume::server
