// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/checksum.h"

#include <gtest/gtest.h>

namespace ekshume::fs::ext4 {
namespace {

// The check values of the catalogue of CRC algorithms for "123456789".
TEST(ChecksumTest, MeetsTheCheckValues) {
  const ByteView check = ByteView::Of("123456789");
  EXPECT_EQ(Crc16(0xFFFF, check), 0x4B37);             // CRC-16/MODBUS
  EXPECT_EQ(~Crc32MsbFirst(~0U, check), 0xFC891918U);  // CRC-32/BZIP2
  EXPECT_EQ(~Crc32c(~0U, check), 0xE3069283U);         // CRC-32/ISCSI
}

TEST(ChecksumTest, TakesTheFieldAsZero) {
  EXPECT_EQ(Crc32cWithoutField(~0U, ByteView::Of("abXYcd"), 2, 2),
            Crc32c(~0U, ByteView::Of(std::string_view("ab\0\0cd", 6))));
  EXPECT_EQ(Crc32cWithoutField(~0U, ByteView::Of("abcd"), 0, 4),
            Crc32c(~0U, ByteView::Of(std::string_view("\0\0\0\0", 4))));
}

}  // namespace
}  // namespace ekshume::fs::ext4
