// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/checked.h"
#include "base/result.h"

namespace ekshume {

// Makes the error of a read outside a view; out of line to keep Read<T> small.
Error OutOfView(size_t offset, size_t length, size_t size);

// Read-only bytes of evidence, not owned: what it was made from must outlive it. Every access is
// checked, also in release builds; this is the only way the readers touch raw bytes. Cheap to copy.
// Any number of threads may read one view.
class ByteView {
 public:
  constexpr ByteView() = default;
  constexpr ByteView(const std::byte* data, size_t size) : data_(data), size_(size) {}
  ByteView(std::span<const std::byte> bytes)  // NOLINT(google-explicit-constructor): like a span
      : data_(bytes.data()), size_(bytes.size()) {}
  static ByteView Of(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
  }

  constexpr const std::byte* data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr bool Contains(size_t offset, size_t length) const {
    return RangeFits(offset, length, size_);
  }

  // A copy of the on-disk struct at `offset`; kOutOfRange when it does not fit.
  template <typename T>
  Result<T> Read(size_t offset) const {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 1,
                  "on-disk structs are made of le16..be64 and byte arrays");
    if (!Contains(offset, sizeof(T))) [[unlikely]]
      return OutOfView(offset, sizeof(T), size_);
    T value;
    std::memcpy(&value, data_ + offset, sizeof(T));
    return value;
  }

  // The bytes [offset, offset + length); kOutOfRange when they do not fit.
  Result<ByteView> Sub(size_t offset, size_t length) const {
    if (!Contains(offset, length)) [[unlikely]]
      return OutOfView(offset, length, size_);
    return ByteView(data_ + offset, length);
  }
  // The bytes from `offset` on; empty when `offset` is at or past the end.
  ByteView From(size_t offset) const {
    return offset >= size_ ? ByteView() : ByteView(data_ + offset, size_ - offset);
  }
  // At most the first `length` bytes.
  ByteView First(size_t length) const { return {data_, length < size_ ? length : size_}; }

  std::string_view AsText() const { return {reinterpret_cast<const char*>(data_), size_}; }
  std::span<const std::byte> AsSpan() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Writable memory as bytes and back: the one place for these casts outside base/.
inline std::span<std::byte> AsWritableBytes(char* data, size_t size) {
  return {reinterpret_cast<std::byte*>(data), size};
}
inline std::span<std::byte> AsWritableBytes(std::string& text) {
  return AsWritableBytes(text.data(), text.size());
}
// The same bytes as C libraries (zlib, ISA-L) want them.
inline const unsigned char* AsUnsignedChars(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* AsUnsignedChars(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
// The object representation of a trivially copyable struct.
template <typename T>
ByteView AsBytes(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const std::byte*>(&value), sizeof(T)};
}
// Copies `from` to the start of `to`; `to` must be at least as large (CHECKed).
void CopyBytes(std::span<std::byte> to, ByteView from);

}  // namespace ekshume
