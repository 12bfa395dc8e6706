// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <gtest/gtest.h>

namespace ekshume {
namespace {

TEST(Clock, CountsMilliseconds) {
  EXPECT_EQ(Milliseconds(ParseTimestamp("2026-11-24T21:00:00.0019Z").value()), 1795554000001);
}

}  // namespace
}  // namespace ekshume
