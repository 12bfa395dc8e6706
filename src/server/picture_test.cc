// SPDX-License-Identifier: Apache-2.0
#include "server/picture.h"

#include <gtest/gtest.h>

#include <string>

namespace ekshume::server {
namespace {

using namespace std::string_literals;

const std::string kPng = "\x89PNG\r\n\x1a\n"s + "\0\0\0\x0dIHDR\0\0\1\2\0\0\0\3\x08\2\0\0\0"s;
const std::string kGif = "GIF89a\x20\0\x10\0\x80\0\0"s + std::string(6, 'c') +
                         "\x21\xf9\4\0\0\0\0\0"s + "\x2c\0\0\0\0\x20\0\x10\0\0"s;
const std::string kJpeg = "\xff\xd8\xff\xe0\0\4ab\xff\xff\xc4\0\3x\xff\xc2\0\x11\x08\1\0\2\0"s;
const std::string kWebpLossy = "RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\1\x2a\x40\1\xf0\0"s;
const std::string kWebpLossless = "RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x3f\xc1\x3b\0"s;
const std::string kWebpExtended = "RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\1\0\xef\0\0"s;
const std::string kBmp =
    "BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x05\0\0\0\xfa\xff\xff\xff\1\0\x18\0"s;

struct Case {
  std::string bytes;
  std::string_view type;
  uint32_t width, height;
};

TEST(ReadPicture, TheDeclaredSizes) {
  for (const Case& one :
       {Case{kPng, "image/png", 258, 3}, Case{kGif, "image/gif", 32, 16},
        Case{kJpeg, "image/jpeg", 512, 256}, Case{kWebpLossy, "image/webp", 320, 240},
        Case{kWebpLossless, "image/webp", 320, 240}, Case{kWebpExtended, "image/webp", 320, 240},
        Case{kBmp, "image/bmp", 5, 6}}) {
    const Result<Picture> picture = ReadPicture(ByteView::Of(one.bytes));
    ASSERT_TRUE(picture) << one.type << picture.error().message;
    EXPECT_EQ(picture->type, one.type);
    EXPECT_EQ(picture->width, one.width) << one.type;
    EXPECT_EQ(picture->height, one.height) << one.type;
  }
}

TEST(ReadPicture, AnImageOfAGifThatIsLargerThanItsScreenCounts) {
  std::string gif = kGif;
  gif.replace(gif.size() - 5, 4, "\xff\xff\xff\xff");
  const Result<Picture> picture = ReadPicture(ByteView::Of(gif));
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->width, 65535U);
  EXPECT_EQ(picture->height, 65535U);
}

TEST(ReadPicture, DocumentsAreNoPictures) {
  for (const std::string& bytes :
       {""s, "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"x()\"/>"s,
        "<?xml version=\"1.0\"?><svg/>"s, "<html><script>x()</script>"s,
        "\x7f"
        "ELF"s,
        "BM, a text"s, "\0\0\1\0\1\0"s}) {
    const Result<Picture> picture = ReadPicture(ByteView::Of(bytes));
    ASSERT_FALSE(picture) << bytes;
    EXPECT_EQ(picture.error().code, ErrorCode::kUnsupported) << bytes;
  }
}

TEST(ReadPicture, EveryTruncationAndByteOfDamageHasAnEnd) {
  for (const std::string& whole :
       {kPng, kGif, kJpeg, kWebpLossy, kWebpLossless, kWebpExtended, kBmp}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      const Result<Picture> picture = ReadPicture(ByteView::Of(whole.substr(0, size)));
      EXPECT_TRUE(!picture || (picture->width != 0 && picture->height != 0));
    }
    EXPECT_FALSE(ReadPicture(ByteView::Of(whole.substr(0, 12))));
    for (size_t at = 0; at < whole.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(value);
        const Result<Picture> picture = ReadPicture(ByteView::Of(damaged));
        EXPECT_TRUE(!picture || (picture->width != 0 && picture->height != 0));
      }
    }
  }
}

TEST(ReadPicture, SizesOfNothing) {
  std::string png = kPng;
  png.replace(16, 4, "\0\0\0\0"s);
  const Result<Picture> picture = ReadPicture(ByteView::Of(png));
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace ekshume::server
