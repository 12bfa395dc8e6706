// SPDX-License-Identifier: Apache-2.0
#include "base/hmac.h"

#include <gtest/gtest.h>

namespace ekshume {
namespace {

// RFC 4231, test cases 1, 2 and 6.
TEST(Hmac, KnownAnswers) {
  EXPECT_EQ(ToHex(HmacSha256(ByteView::Of(std::string(20, '\x0b')), ByteView::Of("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(ToHex(HmacSha256(ByteView::Of("Jefe"), ByteView::Of("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      ToHex(HmacSha256(ByteView::Of(std::string(131, '\xaa')),
                       ByteView::Of("Test Using Larger Than Block-Size Key - Hash Key First"))),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, TakesAnEmptyKeyAndMessage) {
  EXPECT_EQ(ToHex(HmacSha256(ByteView(), ByteView())),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

}  // namespace
}  // namespace ekshume
