// SPDX-License-Identifier: Apache-2.0
#include "artifact/packages/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "base/byte_view.h"

namespace ekshume::artifact::packages {

Unpacked Gunzip(std::string_view packed, size_t most_bytes) {
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  Unpacked result;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return result;
  // zlib's interface is not const; it does not write to its input.
  stream.next_in = const_cast<unsigned char*>(AsUnsignedChars(ByteView::Of(packed)));
  stream.avail_in = static_cast<uInt>(std::min<size_t>(packed.size(), UINT32_MAX));
  std::array<std::byte, 1 << 16> block{};
  for (;;) {
    stream.next_out = AsUnsignedChars(std::span<std::byte>(block));
    stream.avail_out = block.size();
    const int status = inflate(&stream, Z_NO_FLUSH);
    const ByteView out = ByteView(block).First(block.size() - stream.avail_out);
    result.content.append(out.AsText().substr(0, most_bytes - result.content.size()));
    if (result.content.size() == most_bytes) break;
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0) {
        result.complete = true;
        break;
      }
      if (inflateReset(&stream) != Z_OK) break;
    } else if (status != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) {
      break;
    }
  }
  inflateEnd(&stream);
  return result;
}

}  // namespace ekshume::artifact::packages
