// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/time.h"

namespace ekshume {

// A text of at most 31 characters that is known beforehand (a JSON key with its punctuation). It is
// always stored whole, which costs less than to look how long it is.
struct ShortText {
  std::array<char, 31> bytes{};
  uint8_t length = 0;

  constexpr std::string_view view() const { return {bytes.data(), length}; }
  // At compile time only: what does not fit does not compile.
  consteval void Append(std::string_view text) {
    for (const char c : text) bytes.at(length++) = c;
  }
};

// Text that grows at its end: the rows of a listing, put together of many short pieces. Unlike
// std::string it does not set new bytes before they are written. One thread at a time.
class TextBuffer {
 public:
  TextBuffer() = default;
  TextBuffer(TextBuffer&& other) noexcept
      : data_(std::move(other.data_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  TextBuffer& operator=(TextBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  std::string_view view() const { return {data_.get(), size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // At least so many bytes can be appended before memory is asked for again.
  void Reserve(size_t byte_count) { Room(byte_count); }

  void Append(char c) {
    *Room(1) = c;
    ++size_;
  }
  void Append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(Room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  // `text` without its last `but_last` characters, of which it has as many.
  void Append(const ShortText& text, size_t but_last = 0) {
    std::memcpy(Room(sizeof(text)), &text, sizeof(text));
    size_ += text.length - but_last;
  }
  void AppendDecimal(int64_t value);
  void AppendDecimal(uint64_t value);
  void AppendTimestamp(Timestamp time) { size_ += FormatTimestampTo(time, Room(kTimestampBytes)); }
  // Replaces the character at `position`, which must be there.
  void Replace(size_t position, char c) {
    EKSHUME_CHECK(position < size_);
    data_[position] = c;
  }
  // As AppendJsonEscaped() of base/text.h. False when `bytes` is not UTF-8.
  bool AppendJsonEscaped(std::string_view bytes);

 private:
  static constexpr size_t kTimestampBytes = 40;  // what FormatTimestampTo() may write

  // Where the next `byte_count` bytes may be written.
  char* Room(size_t byte_count) {
    if (byte_count > capacity_ - size_) [[unlikely]]
      Grow(byte_count);
    return data_.get() + size_;
  }
  void Grow(size_t byte_count);

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace ekshume
