// SPDX-License-Identifier: Apache-2.0
#include "image/zstd/decoder.h"

#include <fmt/format.h>
#include <zstd.h>

#include <bit>

#include "base/check.h"
#include "base/limits.h"

namespace ekshume::image::zstd {
namespace {

static_assert(std::has_single_bit(limits::kMaxZstdWindowBytes));
constexpr int kMaxWindowLog = std::bit_width(limits::kMaxZstdWindowBytes) - 1;

}  // namespace

void Decoder::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

Decoder::Decoder() : context_(ZSTD_createDCtx()) {
  EKSHUME_CHECK(context_ != nullptr);
  EKSHUME_CHECK(ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax,
                                                    kMaxWindowLog)) == 0);
}

Result<Decoder::Step> Decoder::Run(ByteView in, std::span<std::byte> out) {
  ZSTD_inBuffer source{in.data(), in.size(), 0};
  ZSTD_outBuffer target{out.data(), out.size(), 0};
  const size_t left = ZSTD_decompressStream(context_.get(), &target, &source);
  if (ZSTD_isError(left) != 0) {
    return Fail(ErrorCode::kCorrupt, fmt::format("zstd: {}", ZSTD_getErrorName(left)));
  }
  return Step{source.pos, target.pos, left == 0};
}

void Decoder::Restart() { ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only); }

Result<std::vector<std::byte>> DecodeFrame(ByteView stored, size_t size_bytes) {
  std::vector<std::byte> content(size_bytes);
  const size_t count =
      ZSTD_decompress(content.data(), content.size(), stored.data(), stored.size());
  if (ZSTD_isError(count) != 0) {
    return Fail(ErrorCode::kCorrupt, fmt::format("zstd: {}", ZSTD_getErrorName(count)));
  }
  if (count != size_bytes) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("zstd: frame of {} bytes declares {}", count, size_bytes));
  }
  return content;
}

std::vector<std::byte> DecodeWhatIsThere(ByteView stored, size_t size_bytes) {
  std::vector<std::byte> content(size_bytes);
  Decoder decoder;
  size_t produced = 0;
  while (produced < size_bytes) {
    const auto step = decoder.Run(stored, std::span(content).subspan(produced));
    if (!step) break;
    produced += step->produced;
    stored = stored.From(step->consumed);
    if (step->frame_ended || (step->consumed == 0 && step->produced == 0)) break;
  }
  content.resize(produced);
  return content;
}

}  // namespace ekshume::image::zstd
