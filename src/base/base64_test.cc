// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

namespace ekshume {
namespace {

// RFC 4648, section 10.
TEST(Base64Test, VectorsOfTheSpecification) {
  for (const auto& [bytes, text] : {std::pair{"", ""},
                                    {"f", "Zg"},
                                    {"fo", "Zm8"},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg"},
                                    {"fooba", "Zm9vYmE"},
                                    {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(EncodeBase64Unpadded(ByteView::Of(bytes)), text);
    EXPECT_EQ(DecodeBase64(text), bytes);
  }
  EXPECT_EQ(DecodeBase64("Zg==\n"), "f");
  EXPECT_EQ(EncodeBase64(ByteView::Of("\xff\xfe\xfd")), "//79");
  EXPECT_EQ(EncodeBase64(ByteView::Of("f")), "Zg==");
  EXPECT_EQ(EncodeBase64(ByteView::Of("fooba")), "Zm9vYmE=");
}

TEST(Base64Test, RefusesWhatIsNone) {
  EXPECT_FALSE(DecodeBase64("Zm9v!"));
  EXPECT_FALSE(DecodeBase64("Zg==Zg"));
  EXPECT_FALSE(DecodeBase64("Z"));
}

}  // namespace
}  // namespace ekshume
