// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/byte_view.h"
#include "base/result.h"

struct z_stream_s;  // NOLINT(readability-identifier-naming): the name is of zlib

namespace ekshume::image::gzip {

inline constexpr size_t kWindowBytes = size_t{32} << 10;  // RFC 1951: how far back deflate refers

// zlib's decoder of one raw deflate stream. One thread at a time.
class Inflater {
 public:
  Inflater();

  // Begins a deflate stream.
  void Start();
  // Begins inside one, at a block: `bits` of `byte` come first, and `window` is the content before.
  Result<void> StartInside(int bits, std::byte byte, ByteView window);

  struct Step {
    size_t consumed = 0;
    size_t produced = 0;
    bool at_block = false;  // stands before a block that is not the stream's first
    bool ended = false;     // the stream's last block is done
  };
  // Decodes until either side ends, or, with `stop_at_blocks`, up to the next block. kCorrupt.
  Result<Step> Run(ByteView in, std::span<std::byte> out, bool stop_at_blocks);

  // At a block: the bits of the last consumed byte that belong to it, and the content before it.
  int unused_bits() const;
  Result<std::vector<std::byte>> Window() const;

 private:
  struct Free {
    void operator()(z_stream_s* stream) const;
  };
  std::unique_ptr<z_stream_s, Free> stream_;
};

// A window for keeping, and back. kCorrupt.
std::vector<std::byte> PackWindow(ByteView window);
Result<std::vector<std::byte>> UnpackWindow(ByteView stored);
// RFC 1952's CRC, continued.
uint32_t ContinueCrc(uint32_t crc, ByteView bytes);

}  // namespace ekshume::image::gzip
