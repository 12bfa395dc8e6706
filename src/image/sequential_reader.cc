// SPDX-License-Identifier: Apache-2.0
#include "image/sequential_reader.h"

#include <algorithm>

#include "base/check.h"

namespace ekshume::image {

Result<ByteView> SequentialReader::Peek(size_t count) {
  EKSHUME_CHECK(count <= kBufferBytes);
  const uint64_t left = file_.size_bytes() - std::min(position_, file_.size_bytes());
  const uint64_t wanted = std::min<uint64_t>(count, left);
  const uint64_t within = position_ - buffer_position_;
  const bool buffered = position_ >= buffer_position_ && within <= buffer_.size() &&
                        buffer_.size() - within >= wanted;
  if (!buffered) {
    buffer_.resize(std::min<uint64_t>(kBufferBytes, left));
    buffer_position_ = position_;
    if (auto read = file_.ReadAt(position_, buffer_); !read) {
      buffer_.clear();
      return std::move(read).error();
    }
  }
  return ByteView(buffer_).From(position_ - buffer_position_);
}

void SequentialReader::Skip(uint64_t count) {
  const uint64_t left = file_.size_bytes() - std::min(position_, file_.size_bytes());
  position_ += std::min(count, left);
}

}  // namespace ekshume::image
