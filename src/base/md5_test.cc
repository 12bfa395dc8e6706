// SPDX-License-Identifier: Apache-2.0
#include "base/md5.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace ekshume {
namespace {

// RFC 1321, A.5.
TEST(Md5, KnownAnswers) {
  Md5 md5;
  EXPECT_EQ(ToHex(ByteView(md5.Finish())), "d41d8cd98f00b204e9800998ecf8427e");
  md5.Update(ByteView::Of("message "));
  md5.Update(ByteView::Of("digest"));
  EXPECT_EQ(ToHex(ByteView(md5.Finish())), "f96b697d7cb7938d525a2f31aaf161d0");
}

}  // namespace
}  // namespace ekshume
