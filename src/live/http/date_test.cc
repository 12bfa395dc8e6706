// SPDX-License-Identifier: Apache-2.0
#include "live/http/date.h"

#include <gtest/gtest.h>

namespace ekshume::live::http {
namespace {

TEST(HttpDate, IsParsed) {
  EXPECT_EQ(ParseHttpDate("Tue, 24 Nov 2026 21:39:08 GMT"), ParseTimestamp("2026-11-24T21:39:08Z"));
  for (const char* text : {"", "Tue, 24 Foo 2026 21:39:08 GMT", "Tue, 24 Nov 2026 21:39:08 CET",
                           "Tue, 99 Nov 2026 21:39:08 GMT"}) {
    EXPECT_FALSE(ParseHttpDate(text)) << text;
  }
}

}  // namespace
}  // namespace ekshume::live::http
