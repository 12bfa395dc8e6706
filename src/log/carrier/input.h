// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fs/filesystem.h"

namespace ekshume::log {

// Bytes that come one after the other: a file, or what a decompressor makes of one. One thread.
class Input {
 public:
  virtual ~Input() = default;
  // Fills as much of `out` as is there and returns how much; 0 at the end.
  virtual Result<size_t> Read(std::span<char> out) = 0;
};

// Bytes in memory, not owned.
class MemoryInput final : public Input {
 public:
  explicit MemoryInput(std::string_view bytes) : bytes_(bytes) {}
  Result<size_t> Read(std::span<char> out) override {
    const size_t count = std::min(out.size(), bytes_.size());
    std::copy_n(bytes_.begin(), count, out.begin());
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
};

// A file inside evidence, not owned.
class FileInput final : public Input {
 public:
  explicit FileInput(const fs::File& file) : file_(file) {}
  Result<size_t> Read(std::span<char> out) override {
    const size_t count = EKSHUME_TRY(file_.ReadAt(position_, std::as_writable_bytes(out)));
    position_ += count;
    return count;
  }

 private:
  const fs::File& file_;
  uint64_t position_ = 0;
};

// An input whose beginning can be looked at before it is read. `input` must outlive it.
class PeekInput final : public Input {
 public:
  explicit PeekInput(Input& input) : input_(input) {}

  // The first `count` bytes that were not read yet, fewer where it ends. Valid until the next call.
  Result<std::string_view> Peek(size_t count) {
    while (head_.size() - position_ < count) {
      const size_t before = head_.size();
      head_.resize(before + count);
      const Result<size_t> got = input_.Read(std::span(head_).subspan(before));
      head_.resize(before + (got ? *got : 0));
      if (!got) return got.error();
      if (*got == 0) break;
    }
    return std::string_view(head_).substr(position_, count);
  }

  Result<size_t> Read(std::span<char> out) override {
    if (position_ == head_.size()) return input_.Read(out);
    const size_t count = std::min(out.size(), head_.size() - position_);
    std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(position_), count, out.begin());
    position_ += count;
    return count;
  }

 private:
  Input& input_;
  std::string head_;
  size_t position_ = 0;
};

}  // namespace ekshume::log
