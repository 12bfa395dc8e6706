// SPDX-License-Identifier: Apache-2.0
#include "collection/left_out.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace ekshume::collection {
namespace {

TEST(LeftOutDigest, IsOfTheNamesWhateverTheirOrder) {
  EXPECT_EQ(LeftOutDigest({}), ToHex(Sha256::Of(ByteView())));
  const std::string digest = ToHex(Sha256::Of(ByteView::Of("root/a\nroot/b\n")));
  EXPECT_EQ(LeftOutDigest({"root/b", "root/a", "root/b"}), digest);
  EXPECT_NE(LeftOutDigest({"root/a"}), digest);
}

}  // namespace
}  // namespace ekshume::collection
