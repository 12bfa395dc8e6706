// SPDX-License-Identifier: Apache-2.0
#include "image/gzip/inflater.h"

#define ZLIB_CONST  // next_in points to const
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace ekshume::image::gzip {
namespace {

constexpr int kRawDeflate = -15;  // no zlib or gzip wrapper, the largest window

unsigned int Length(size_t size) {
  return static_cast<unsigned int>(
      std::min<size_t>(size, std::numeric_limits<unsigned int>::max()));
}

}  // namespace

void Inflater::Free::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  std::default_delete<z_stream_s>()(stream);
}

Inflater::Inflater() : stream_(new z_stream_s{}) {
  EKSHUME_CHECK(inflateInit2(stream_.get(), kRawDeflate) == Z_OK);
}

void Inflater::Start() { EKSHUME_CHECK(inflateReset(stream_.get()) == Z_OK); }

Result<void> Inflater::StartInside(int bits, std::byte byte, ByteView window) {
  Start();
  if (bits != 0 &&
      inflatePrime(stream_.get(), bits, std::to_integer<int>(byte) >> (8 - bits)) != Z_OK) {
    return Fail(ErrorCode::kCorrupt, fmt::format("gzip: cannot start with {} bits", bits));
  }
  if (inflateSetDictionary(stream_.get(), AsUnsignedChars(window), Length(window.size())) != Z_OK) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("gzip: cannot start with a window of {} bytes", window.size()));
  }
  return {};
}

Result<Inflater::Step> Inflater::Run(ByteView in, std::span<std::byte> out, bool stop_at_blocks) {
  stream_->next_in = AsUnsignedChars(in);
  stream_->avail_in = Length(in.size());
  stream_->next_out = AsUnsignedChars(out);
  stream_->avail_out = Length(out.size());
  const unsigned int in_length = stream_->avail_in;
  const unsigned int out_length = stream_->avail_out;
  const int status = inflate(stream_.get(), stop_at_blocks ? Z_BLOCK : Z_NO_FLUSH);
  // Z_BUF_ERROR: no progress was possible, which the caller sees.
  if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format("gzip: {}", stream_->msg != nullptr ? stream_->msg : "damaged deflate data"));
  }
  Step step;
  step.consumed = in_length - stream_->avail_in;
  step.produced = out_length - stream_->avail_out;
  step.ended = status == Z_STREAM_END;
  // zlib.h, inflate(): 128 is set at the end of a block, 64 in the last block.
  step.at_block = !step.ended && (stream_->data_type & 128) != 0 && (stream_->data_type & 64) == 0;
  return step;
}

int Inflater::unused_bits() const { return stream_->data_type & 7; }

Result<std::vector<std::byte>> Inflater::Window() const {
  std::vector<std::byte> window(kWindowBytes);
  unsigned int length = 0;
  if (inflateGetDictionary(stream_.get(), AsUnsignedChars(std::span(window)), &length) != Z_OK) {
    return Fail(ErrorCode::kCorrupt, "gzip: no window");
  }
  window.resize(length);
  return window;
}

std::vector<std::byte> PackWindow(ByteView window) {
  uLongf length = compressBound(window.size());
  std::vector<std::byte> stored(length);
  EKSHUME_CHECK(compress2(AsUnsignedChars(std::span(stored)), &length, AsUnsignedChars(window),
                          window.size(), Z_BEST_SPEED) == Z_OK);
  stored.resize(length);
  return stored;
}

Result<std::vector<std::byte>> UnpackWindow(ByteView stored) {
  std::vector<std::byte> window(kWindowBytes);
  uLongf length = window.size();
  if (uncompress(AsUnsignedChars(std::span(window)), &length, AsUnsignedChars(stored),
                 stored.size()) != Z_OK) {
    return Fail(ErrorCode::kCorrupt, "gzip: a window in the index is damaged");
  }
  window.resize(length);
  return window;
}

uint32_t ContinueCrc(uint32_t crc, ByteView bytes) {
  return static_cast<uint32_t>(crc32_z(crc, AsUnsignedChars(bytes), bytes.size()));
}

}  // namespace ekshume::image::gzip
