// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "image/evidence_file.h"

namespace ekshume::image {

// Reads a file of evidence from front to back through a buffer: the input of decompressors. `file`
// must outlive it. One thread at a time.
class SequentialReader {
 public:
  explicit SequentialReader(const EvidenceFile& file, uint64_t position = 0)
      : file_(file), position_(position) {}

  // The bytes at position(): at least `count` of them, fewer only where the file ends. Valid until
  // the next call. `count` is at most kBufferBytes.
  Result<ByteView> Peek(size_t count = 1);
  // Moves on; past the end of the file stops there.
  void Skip(uint64_t count);
  // Goes to any position in the file.
  void Rewind(uint64_t position) { position_ = position; }

  uint64_t position() const { return position_; }
  bool at_end() const { return position_ >= file_.size_bytes(); }

  static constexpr size_t kBufferBytes = size_t{256} << 10;

 private:
  const EvidenceFile& file_;
  uint64_t position_;
  std::vector<std::byte> buffer_;
  uint64_t buffer_position_ = 0;  // in the file
};

}  // namespace ekshume::image
