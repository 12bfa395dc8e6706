// SPDX-License-Identifier: Apache-2.0
#include "live/cloud/moment.h"

#include <gtest/gtest.h>

namespace ekshume::live::cloud {
namespace {

const Timestamp kNow = *ParseTimestamp("2026-11-24T21:00:00Z");

TEST(Moment, TakesTimesDaysAndAges) {
  EXPECT_EQ(ParseMoment("2026-11-20T01:02:03Z", kNow), ParseTimestamp("2026-11-20T01:02:03Z"));
  EXPECT_EQ(ParseMoment("2026-11-20", kNow), ParseTimestamp("2026-11-20T00:00:00Z"));
  EXPECT_EQ(ParseMoment("90m", kNow), ParseTimestamp("2026-11-24T19:30:00Z"));
  EXPECT_EQ(ParseMoment("24h", kNow), ParseTimestamp("2026-11-23T21:00:00Z"));
  EXPECT_EQ(ParseMoment("7d", kNow), ParseTimestamp("2026-11-17T21:00:00Z"));
}

TEST(Moment, RefusesTheRest) {
  for (const char* text : {"", "d", "7", "7w", "-7d", "x7d", "2026-13-45", "99999999d", "7 d"}) {
    EXPECT_FALSE(ParseMoment(text, kNow)) << text;
  }
}

}  // namespace
}  // namespace ekshume::live::cloud
