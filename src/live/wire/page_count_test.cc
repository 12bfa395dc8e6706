// SPDX-License-Identifier: Apache-2.0
#include "live/wire/page_count.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekshume::live::wire {
namespace {

// A service that says "next page" for ever is left after limits::kMaxAnswerPages.
TEST(PageCount, EndsListsThatDoNot) {
  PageCount pages("logs:FilterLogEvents");
  for (size_t i = 0; i < limits::kMaxAnswerPages; ++i) ASSERT_TRUE(pages.Another());
  const auto another = pages.Another();
  ASSERT_FALSE(another);
  EXPECT_EQ(another.error().code, ErrorCode::kLimit);
  EXPECT_THAT(another.error().message, testing::HasSubstr("logs:FilterLogEvents"));
}

}  // namespace
}  // namespace ekshume::live::wire
