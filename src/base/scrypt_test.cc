// SPDX-License-Identifier: Apache-2.0
#include "base/scrypt.h"

#include <gtest/gtest.h>

namespace ekshume {
namespace {

std::optional<Sha256Digest> Of(std::string_view password, std::string_view salt, unsigned cost) {
  return Scrypt(ByteView::Of(password), ByteView::Of(salt), cost);
}

// From Python's hashlib.scrypt; RFC 7914's own vectors (section 12) are of 64 bytes or p = 16, and
// the first half of 64 bytes is what 32 bytes are.
TEST(Scrypt, IsThatOfTheStandard) {
  EXPECT_EQ(ToHex(*Of("pleaseletmein", "SodiumChloride", 14)),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
  EXPECT_EQ(ToHex(*Of("", "", 4)),
            "e2b1883717d879f495cb7d86aa1eb8697e724978e8fc819881b007fbba2cf86b");
}

TEST(Scrypt, AsksForNoMemoryWithoutEnd) {
  EXPECT_FALSE(Of("a", "b", 0));
  EXPECT_FALSE(Of("a", "b", 21));
}

TEST(Scrypt, DigestsAreCompared) {
  const Sha256Digest one = *Of("a", "b", 2);
  Sha256Digest other = one;
  EXPECT_TRUE(AreSame(one, other));
  other.back() ^= std::byte{1};
  EXPECT_FALSE(AreSame(one, other));
}

}  // namespace
}  // namespace ekshume
