// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "image/evidence_file.h"
#include "image/format.h"

namespace ekshume::fuzz {

// The fuzzer's input as a file that never touches a disk.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : descriptor_(memfd_create("fuzz", MFD_CLOEXEC)) {
    EKSHUME_CHECK(descriptor_.number() >= 0);
    EKSHUME_CHECK(image::WriteFully(descriptor_.number(), 0, std::as_bytes(std::span(data, size)),
                                    "the input")
                      .has_value());
  }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_.number()); }

 private:
  image::FileDescriptor descriptor_;
};

// Indexes in memory as well.
class MemoryScratch final : public image::Scratch {
 public:
  Result<int> Open(std::string_view, bool& existed) override {
    existed = false;
    return memfd_create("index", MFD_CLOEXEC);
  }
};

// Reads pieces all over an opened image, and its first bytes twice: what is read twice is the same.
inline void ReadAllOver(const image::Image& image) {
  constexpr uint64_t kPieces = 8;
  const size_t length = std::min<uint64_t>(image.size_bytes(), 70000);
  std::vector<std::byte> first(length);
  std::vector<std::byte> again(length);
  const bool there = image.ReadAt(0, first).has_value();
  for (uint64_t i = 0; i <= kPieces; ++i) {
    const uint64_t offset_bytes = (image.size_bytes() - length) / kPieces * i;
    static_cast<void>(image.ReadAt(offset_bytes, again));
    const uint64_t next = image.NextData(offset_bytes);
    EKSHUME_CHECK(next >= offset_bytes && next <= image.size_bytes());
  }
  EKSHUME_CHECK(image.ReadAt(0, again).has_value() == there);
  EKSHUME_CHECK(!there || first == again);
}

}  // namespace ekshume::fuzz
