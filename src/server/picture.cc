// SPDX-License-Identifier: Apache-2.0
#include "server/picture.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/endian.h"

namespace ekshume::server {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kPng = "\x89PNG\r\n\x1a\n";
constexpr size_t kMostJpegSegments = 4096;
constexpr size_t kMostGifBlocks = size_t{1} << 20;

template <typename T>
Result<uint32_t> NumberAt(ByteView bytes, size_t offset) {
  const T number = EKSHUME_TRY(bytes.Read<T>(offset));
  return number.value();
}

Result<uint8_t> ByteAt(ByteView bytes, size_t offset) {
  const ByteView one = EKSHUME_TRY(bytes.Sub(offset, 1));
  return std::to_integer<uint8_t>(one.data()[0]);
}

// PNG 11.2.2: IHDR is the first chunk.
Result<Picture> ReadPng(ByteView bytes) {
  const ByteView name = EKSHUME_TRY(bytes.Sub(12, 4));
  if (name.AsText() != "IHDR") return Fail(ErrorCode::kCorrupt, "png: the first chunk is no IHDR");
  return Picture{"image/png", EKSHUME_TRY(NumberAt<be32>(bytes, 16)),
                 EKSHUME_TRY(NumberAt<be32>(bytes, 20))};
}

// ITU T.81, B.1 and B.2.2: segments until the frame's header (SOF0 to SOF15 but DHT, JPG and DAC).
Result<Picture> ReadJpeg(ByteView bytes) {
  size_t at = 2;
  for (size_t i = 0; i < kMostJpegSegments; ++i) {
    if (EKSHUME_TRY(ByteAt(bytes, at)) != 0xff) break;
    const uint8_t marker = EKSHUME_TRY(ByteAt(bytes, at + 1));
    if (marker == 0xff) {  // a byte that fills
      ++at;
      continue;
    }
    const bool is_frame =
        marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (is_frame) {
      return Picture{"image/jpeg", EKSHUME_TRY(NumberAt<be16>(bytes, at + 7)),
                     EKSHUME_TRY(NumberAt<be16>(bytes, at + 5))};
    }
    const uint32_t length = EKSHUME_TRY(NumberAt<be16>(bytes, at + 2));
    if (length < 2) break;
    at += 2 + length;
  }
  return Fail(ErrorCode::kCorrupt, fmt::format("jpeg: no frame header, looked until {:#x}", at));
}

// GIF89a, 18 and 20: browsers enlarge the screen to what the first image needs, so that counts too.
Result<Picture> ReadGif(ByteView bytes) {
  Picture picture{"image/gif", EKSHUME_TRY(NumberAt<le16>(bytes, 6)),
                  EKSHUME_TRY(NumberAt<le16>(bytes, 8))};
  const uint8_t flags = EKSHUME_TRY(ByteAt(bytes, 10));
  size_t at = 13;
  if ((flags & 0x80) != 0) at += size_t{3} << ((flags & 7) + 1);
  bool in_extension = false;
  for (size_t i = 0; i < kMostGifBlocks; ++i) {
    const uint8_t first = EKSHUME_TRY(ByteAt(bytes, at));
    if (in_extension) {  // sub-blocks, until one of no bytes
      in_extension = first != 0;
      at += 1 + size_t{first};
    } else if (first == 0x21) {
      in_extension = true;
      at += 2;
    } else if (first == 0x2c) {
      const uint32_t left = EKSHUME_TRY(NumberAt<le16>(bytes, at + 1));
      const uint32_t top = EKSHUME_TRY(NumberAt<le16>(bytes, at + 3));
      const uint32_t width = EKSHUME_TRY(NumberAt<le16>(bytes, at + 5));
      const uint32_t height = EKSHUME_TRY(NumberAt<le16>(bytes, at + 7));
      picture.width = std::max(picture.width, left + width);
      picture.height = std::max(picture.height, top + height);
      return picture;
    } else {
      break;
    }
  }
  return Fail(ErrorCode::kCorrupt, fmt::format("gif: no image, looked until {:#x}", at));
}

// RFC 9649, 2.4 to 2.7: the canvas of VP8X, or the size of the only frame.
Result<Picture> ReadWebp(ByteView bytes) {
  const ByteView chunk = EKSHUME_TRY(bytes.Sub(12, 4));
  Picture picture{"image/webp", 0, 0};
  if (chunk.AsText() == "VP8X") {
    picture.width = (EKSHUME_TRY(NumberAt<le32>(bytes, 24)) & 0xffffff) + 1;
    picture.height = (EKSHUME_TRY(NumberAt<le32>(bytes, 26)) >> 8) + 1;
  } else if (chunk.AsText() == "VP8L") {
    const uint32_t bits = EKSHUME_TRY(NumberAt<le32>(bytes, 21));
    picture.width = (bits & 0x3fff) + 1;
    picture.height = ((bits >> 14) & 0x3fff) + 1;
  } else if (chunk.AsText() == "VP8 ") {
    picture.width = EKSHUME_TRY(NumberAt<le16>(bytes, 26)) & 0x3fff;
    picture.height = EKSHUME_TRY(NumberAt<le16>(bytes, 28)) & 0x3fff;
  } else {
    return Fail(ErrorCode::kCorrupt, "webp: the first chunk is no VP8");
  }
  return picture;
}

// BITMAPCOREHEADER has 12 bytes; a negative height says that the first row is the top one.
Result<Picture> ReadBmp(ByteView bytes) {
  const uint32_t header = EKSHUME_TRY(NumberAt<le32>(bytes, 14));
  if (header == 12) {
    return Picture{"image/bmp", EKSHUME_TRY(NumberAt<le16>(bytes, 18)),
                   EKSHUME_TRY(NumberAt<le16>(bytes, 20))};
  }
  if (header < 16 || header > 124) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("no picture: a BMP header of {} bytes, expected 12 to 124", header));
  }
  const uint32_t height = EKSHUME_TRY(NumberAt<le32>(bytes, 22));
  return Picture{"image/bmp", EKSHUME_TRY(NumberAt<le32>(bytes, 18)),
                 height > 0x80000000U ? 0U - height : height};
}

Result<Picture> ReadAny(ByteView bytes) {
  const std::string_view text = bytes.First(16).AsText();
  if (text.starts_with(kPng)) return ReadPng(bytes);
  if (text.starts_with("\xff\xd8\xff")) return ReadJpeg(bytes);
  if (text.starts_with("GIF87a") || text.starts_with("GIF89a")) return ReadGif(bytes);
  if (text.starts_with("RIFF") && bytes.From(8).AsText().starts_with("WEBP"))
    return ReadWebp(bytes);
  // Two letters are little: the four bytes that are reserved are 0 as well.
  if (text.starts_with("BM") && bytes.From(6).AsText().starts_with("\0\0\0\0"sv))
    return ReadBmp(bytes);
  return Fail(ErrorCode::kUnsupported, "no picture: neither PNG, JPEG, GIF, WebP nor BMP");
}

}  // namespace

Result<Picture> ReadPicture(ByteView bytes) {
  Picture picture = EKSHUME_TRY(ReadAny(bytes));
  if (picture.width == 0 || picture.height == 0) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("a picture of {} × {} pixels", picture.width, picture.height));
  }
  return picture;
}

}  // namespace ekshume::server
