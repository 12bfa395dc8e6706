// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ekshume {
namespace {

std::string Sha256Hex(std::string_view text) { return ToHex(Sha256::Of(ByteView::Of(text))); }

TEST(HashTest, Sha256MeetsTheStandardsVectors) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(HashTest, Sha256InPiecesIsTheSameAndStartsAnew) {
  Sha256 hash;
  for (const char c : std::string_view("abc")) hash.Update(ByteView::Of(std::string_view(&c, 1)));
  EXPECT_EQ(ToHex(hash.Finish()), Sha256Hex("abc"));
  hash.Update(ByteView::Of("abc"));
  EXPECT_EQ(ToHex(hash.Finish()), Sha256Hex("abc"));
  EXPECT_EQ(ToHex(hash.Finish()), Sha256Hex(""));
}

TEST(HashTest, Sha256CanBeMoved) {
  Sha256 first;
  first.Update(ByteView::Of("ab"));
  Sha256 second = std::move(first);
  second.Update(ByteView::Of("c"));
  EXPECT_EQ(ToHex(second.Finish()), Sha256Hex("abc"));
}

TEST(HashTest, Crc32cMeetsItsVectors) {
  // RFC 3720, B.4, and the usual check value.
  EXPECT_EQ(~Crc32c(~0U, ByteView::Of("123456789")), 0xE3069283U);
  EXPECT_EQ(~Crc32c(~0U, ByteView::Of(std::string(32, '\0'))), 0x8A9136AAU);
  EXPECT_EQ(~Crc32c(~0U, ByteView::Of(std::string(32, '\xff'))), 0x62A8AB43U);
  // One step, without inversions: chaining is plain composition.
  EXPECT_EQ(Crc32c(Crc32c(~0U, ByteView::Of("1234")), ByteView::Of("56789")),
            Crc32c(~0U, ByteView::Of("123456789")));
  EXPECT_EQ(Crc32c(5, ByteView()), 5U);
}

TEST(HashTest, Crc32MeetsItsVectors) {
  EXPECT_EQ(Crc32(ByteView::Of("123456789")), 0xCBF43926U);
  EXPECT_EQ(Crc32(ByteView()), 0U);
  EXPECT_EQ(Crc32(ByteView::Of(std::string(32, '\0'))), 0x190A55ADU);
}

TEST(HashTest, HexIsLowerCase) { EXPECT_EQ(ToHex(ByteView::Of("\x01\xAB\xff")), "01abff"); }

}  // namespace
}  // namespace ekshume
