// SPDX-License-Identifier: Apache-2.0
#include "base/hex.h"

#include <gtest/gtest.h>

namespace ekshume {
namespace {

TEST(Hex, ReadsDigitsInEitherCase) {
  EXPECT_EQ(HexDigit('0'), 0);
  EXPECT_EQ(HexDigit('f'), 15);
  EXPECT_EQ(HexDigit('A'), 10);
  for (const char c : {'g', 'G', '/', ':', '@', '`', ' ', '\0', '\xff'}) EXPECT_EQ(HexDigit(c), -1);
}

TEST(Hex, ReadsPairs) {
  EXPECT_EQ(FromHex("00fFa1"), std::string("\0\xff\xa1", 3));
  EXPECT_EQ(FromHex(""), "");
  EXPECT_EQ(FromHex("0"), std::nullopt);
  EXPECT_EQ(FromHex("0g"), std::nullopt);
  EXPECT_EQ(FromHex("-1"), std::nullopt);
}

TEST(Hex, DecodesForms) {
  EXPECT_EQ(DecodeForm("a%2Fb+c%2fd"), "a/b c/d");
  EXPECT_EQ(DecodeForm("100%"), "100%");
  EXPECT_EQ(DecodeForm("%4"), "%4");
  EXPECT_EQ(DecodeForm("%zz%41"), "%zzA");
}

}  // namespace
}  // namespace ekshume
