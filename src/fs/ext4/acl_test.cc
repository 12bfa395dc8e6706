// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/acl.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace ekshume::fs::ext4 {
namespace {

std::string Bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes.push_back(static_cast<char>(value));
  return bytes;
}

TEST(AclTest, WidensEveryEntry) {
  const std::string on_disk = Bytes({1,
                                     0,
                                     0,
                                     0,
                                     /*user_obj*/ 1,
                                     0,
                                     6,
                                     0,
                                     /*user 1000*/ 2,
                                     0,
                                     4,
                                     0,
                                     0xE8,
                                     3,
                                     0,
                                     0,
                                     /*group_obj*/ 4,
                                     0,
                                     4,
                                     0,
                                     /*mask*/ 16,
                                     0,
                                     6,
                                     0,
                                     /*other*/ 32,
                                     0,
                                     0,
                                     0});
  const auto converted = ConvertAcl(on_disk);
  ASSERT_TRUE(converted.has_value());
  EXPECT_EQ(ToHex(ByteView::Of(*converted)),
            "02000000"
            "01000600ffffffff"
            "02000400e8030000"
            "04000400ffffffff"
            "10000600ffffffff"
            "20000000ffffffff");
}

TEST(AclTest, RefusesOtherBytes) {
  EXPECT_EQ(ConvertAcl("").error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(ConvertAcl(Bytes({2, 0, 0, 0})).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ConvertAcl(Bytes({1, 0, 0, 0, 2, 0, 4, 0, 1})).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(ConvertAcl(Bytes({1, 0, 0, 0, 3, 0, 4, 0})).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace ekshume::fs::ext4
