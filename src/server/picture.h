// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/byte_view.h"
#include "base/result.h"

namespace ekshume::server {

// What the first bytes of a raster image say about it. Nothing here decodes a picture: the browser
// does, and only after the size that is declared was found to be bearable.
struct Picture {
  std::string_view type;  // "image/png", "image/jpeg", "image/gif", "image/webp" or "image/bmp"
  uint32_t width = 0;     // in pixels, as declared; neither is 0
  uint32_t height = 0;
};

// By magic bytes, never by a name, and never SVG, which is a document that can hold scripts.
// `bytes` is the whole file, or as much of its beginning as there is. kUnsupported for anything
// that is no such image, kCorrupt for one without a size.
Result<Picture> ReadPicture(ByteView bytes);

}  // namespace ekshume::server
