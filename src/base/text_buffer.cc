// SPDX-License-Identifier: Apache-2.0
#include "base/text_buffer.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <string>

#include "base/text.h"

namespace ekshume {
namespace {

constexpr size_t kFirstBytes = 256;
constexpr size_t kDecimalBytes = 20;  // of INT64_MIN and UINT64_MAX

// What a processor compares at once; the compiler splits it where there is less.
using Chunk = unsigned char __attribute__((vector_size(16)));

// Copies `from` to `to` and returns whether all of it is printable ASCII without the quote and the
// backslash, as nearly every name is.
bool CopyPlain(std::string_view from, char* to) {
  Chunk special{};
  const auto copy = [&](const char* source, char* target) {
    Chunk chunk;
    std::memcpy(&chunk, source, sizeof(chunk));
    std::memcpy(target, &chunk, sizeof(chunk));
    special |= Chunk((chunk - 0x20 > 0x7E - 0x20) | (chunk == '"') | (chunk == '\\'));
  };
  size_t done = 0;
  for (; from.size() - done >= sizeof(Chunk); done += sizeof(Chunk)) {
    copy(from.data() + done, to + done);
  }
  if (done < from.size()) {
    if (done > 0) {
      // The last chunk overlaps the one before.
      done = from.size() - sizeof(Chunk);
      copy(from.data() + done, to + done);
    } else {
      std::array<char, sizeof(Chunk)> padded;
      padded.fill(' ');
      std::memcpy(padded.data(), from.data(), from.size());
      copy(padded.data(), padded.data());
      std::memcpy(to, padded.data(), from.size());
    }
  }
  const auto halves = std::bit_cast<std::array<uint64_t, 2>>(special);
  return (halves[0] | halves[1]) == 0;
}

}  // namespace

void TextBuffer::AppendDecimal(int64_t value) {
  char* const start = Room(kDecimalBytes);
  size_ += static_cast<size_t>(std::to_chars(start, start + kDecimalBytes, value).ptr - start);
}

void TextBuffer::AppendDecimal(uint64_t value) {
  char* const start = Room(kDecimalBytes);
  size_ += static_cast<size_t>(std::to_chars(start, start + kDecimalBytes, value).ptr - start);
}

bool TextBuffer::AppendJsonEscaped(std::string_view bytes) {
  if (CopyPlain(bytes, Room(bytes.size()))) {
    size_ += bytes.size();
    return true;
  }
  std::string escaped;
  ekshume::AppendJsonEscaped(escaped, bytes);
  Append(escaped);
  return IsUtf8(bytes);
}

void TextBuffer::Grow(size_t byte_count) {
  const size_t capacity = std::max({kFirstBytes, 2 * capacity_, size_ + byte_count});
  auto data = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
  data_ = std::move(data);
  capacity_ = capacity;
}

}  // namespace ekshume
