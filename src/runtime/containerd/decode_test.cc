// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/decode.h"

#include <gtest/gtest.h>

#include <string>

namespace ekshume::runtime::containerd {
namespace {

std::string Bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes.push_back(static_cast<char>(value));
  return bytes;
}

TEST(DecodeTest, GoTime) {
  // From a meta.db of containerd 1.6: 2026-11-24T21:40:20.809922066Z.
  const std::string v1 =
      Bytes({1, 0, 0, 0, 0x0e, 0xe2, 0x97, 0xfb, 0x44, 0x30, 0x46, 0x6e, 0x12, 0xff, 0xff});
  ASSERT_EQ(v1.size(), 15U);
  EXPECT_EQ(DecodeGoTime(v1), (Timestamp{1795556420, 809922066}));
  std::string v2 = v1 + '\0';
  v2[0] = 2;
  EXPECT_EQ(DecodeGoTime(v2), DecodeGoTime(v1));
  EXPECT_FALSE(DecodeGoTime(v1.substr(0, 14)));
  std::string unknown = v1;
  unknown[0] = 3;
  EXPECT_FALSE(DecodeGoTime(unknown));
  EXPECT_FALSE(DecodeGoTime(Bytes({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})));
  EXPECT_FALSE(
      DecodeGoTime(Bytes({1, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})));
}

TEST(DecodeTest, Varints) {
  EXPECT_EQ(DecodeUvarint(Bytes({0})), 0U);
  EXPECT_EQ(DecodeUvarint(Bytes({0xac, 0x02})), 300U);
  EXPECT_EQ(DecodeUvarint(Bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})),
            UINT64_MAX);
  EXPECT_FALSE(DecodeUvarint(Bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2})));
  EXPECT_FALSE(DecodeUvarint(Bytes({0x80})));
  EXPECT_FALSE(DecodeUvarint(""));
  EXPECT_EQ(DecodeVarint(Bytes({6})), 3);
  EXPECT_EQ(DecodeVarint(Bytes({5})), -3);
  EXPECT_EQ(DecodeVarint(Bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})),
            INT64_MIN);
}

TEST(DecodeTest, Any) {
  const auto any = DecodeAny("\x0a\x03url\x12\x04{\"a}");
  ASSERT_TRUE(any);
  EXPECT_EQ(any->type_url, "url");
  EXPECT_EQ(any->value, "{\"a}");
  EXPECT_TRUE(DecodeAny("")->value.empty());
  EXPECT_FALSE(DecodeAny("\x0a\x30url"));                  // longer than what is there
  EXPECT_FALSE(DecodeAny(Bytes({0x08, 0x01})));            // another wire type
  EXPECT_FALSE(DecodeAny(Bytes({0x0a})));                  // no length
  EXPECT_EQ(DecodeAny("\x1a\x01x\x12\x01y")->value, "y");  // an unknown field
}

}  // namespace
}  // namespace ekshume::runtime::containerd
