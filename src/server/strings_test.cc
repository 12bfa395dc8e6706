// SPDX-License-Identifier: Apache-2.0
#include "server/strings.h"

#include <gtest/gtest.h>

namespace ekshume::server {
namespace {

using namespace std::string_literals;

TEST(FindStrings, FindsAsciiAndWideTexts) {
  const std::string bytes = "\x01\x02hello world\x00\xffw\0i\0d\0e\0 \0o\0n\0e\0\x03tiny\0"s;
  const std::vector<FoundString> found = FindStrings(bytes, 6);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].text, "hello world");
  EXPECT_EQ(found[0].offset, 2U);
  EXPECT_FALSE(found[0].is_wide);
  EXPECT_EQ(found[1].text, "wide one");
  EXPECT_EQ(found[1].offset, 15U);
  EXPECT_TRUE(found[1].is_wide);
}

TEST(FindStrings, CutsLongOnesAndEndsAtTheEnd) {
  const std::vector<FoundString> found = FindStrings(std::string(5000, 'a'), 6);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text.size(), kMostStringBytes);
  EXPECT_TRUE(FindStrings("", 6).empty());
  EXPECT_TRUE(FindStrings("short", 6).empty());
  EXPECT_EQ(FindStrings("a\0"s, 1).size(), 1U);
}

}  // namespace
}  // namespace ekshume::server
