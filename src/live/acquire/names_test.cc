// SPDX-License-Identifier: Apache-2.0
#include "live/acquire/names.h"

#include <gtest/gtest.h>

namespace ekshume::live {
namespace {

TEST(Names, AreMadeOfTimesAndTexts) {
  EXPECT_EQ(NameOf(ParseTimestamp("2026-11-24T21:00:00Z").value()), "20261124T210000Z");
  EXPECT_EQ(NameOf("/aws/eks/prod/cluster"), "aws-eks-prod-cluster");
  EXPECT_EQ(NameOf("../.."), "..-..");
  EXPECT_EQ(NameOf("///"), "unnamed");
}

}  // namespace
}  // namespace ekshume::live
