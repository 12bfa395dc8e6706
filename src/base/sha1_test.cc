// SPDX-License-Identifier: Apache-2.0
#include "base/sha1.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace ekshume {
namespace {

// FIPS 180-1, appendix A.
TEST(Sha1, KnownAnswers) {
  EXPECT_EQ(ToHex(ByteView(Sha1(ByteView::Of("abc")))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(ToHex(ByteView(Sha1(ByteView()))), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

}  // namespace
}  // namespace ekshume
