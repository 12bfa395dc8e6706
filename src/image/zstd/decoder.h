// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/byte_view.h"
#include "base/result.h"

struct ZSTD_DCtx_s;

namespace ekshume::image::zstd {

// libzstd's streaming decoder, one frame after the other. Takes up to limits::kMaxZstdWindowBytes
// of memory, as much as the frame's window. One thread at a time.
class Decoder {
 public:
  Decoder();

  struct Step {
    size_t consumed = 0;
    size_t produced = 0;
    bool frame_ended = false;
  };
  // Decodes from `in` to `out`, either of which may end first. kCorrupt as libzstd finds it; then
  // Restart before the next frame.
  Result<Step> Run(ByteView in, std::span<std::byte> out);
  void Restart();

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
};

// Decodes one frame in memory; `size_bytes` is its content's size. kCorrupt.
Result<std::vector<std::byte>> DecodeFrame(ByteView stored, size_t size_bytes);
// As much of a damaged or cut off frame as can be decoded, up to `size_bytes`.
std::vector<std::byte> DecodeWhatIsThere(ByteView stored, size_t size_bytes);

}  // namespace ekshume::image::zstd
