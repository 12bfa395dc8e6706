// SPDX-License-Identifier: Apache-2.0
#include "base/folded_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace ekshume {
namespace {

std::string Small(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

TEST(FoldedSearchTest, FindsLettersInEitherCase) {
  EXPECT_TRUE(ContainsFolded("/usr/bin/CURL --Help", "curl"));
  EXPECT_TRUE(ContainsFolded("x", "x"));
  EXPECT_TRUE(ContainsFolded("anything", ""));
  EXPECT_TRUE(ContainsFolded("", ""));
  EXPECT_FALSE(ContainsFolded("", "x"));
  EXPECT_FALSE(ContainsFolded("cur", "curl"));
}

TEST(FoldedSearchTest, FoldsNothingButLetters) {
  // With the bit that makes small letters of capitals, these would be the same.
  EXPECT_FALSE(ContainsFolded("[", "{"));
  EXPECT_FALSE(ContainsFolded(std::string_view("\0", 1), " "));
  EXPECT_FALSE(ContainsFolded("a@b", "a`b"));
  EXPECT_TRUE(ContainsFolded("\xc3\x84 B", "\xc3\x84 b"));
  EXPECT_FALSE(ContainsFolded("\xc3\x84", "\xc3\xa4")) << "other letters are the caller's";
}

// Texts lie at the end of their own allocation, where the sanitizer sees each byte too far.
TEST(FoldedSearchTest, AgreesWithTheSlowWayAtEveryLengthAndPlace) {
  std::mt19937 random(1);
  size_t found = 0;
  for (size_t length = 0; length < 130; ++length) {
    for (size_t size = 1; size < 100; size += 1 + size / 8) {
      const std::string_view letters = "aAbB-";
      std::vector<char> text(length);
      for (char& c : text) c = letters[random() % letters.size()];
      std::string wanted;
      for (size_t i = 0; i < size; ++i) wanted += letters[random() % letters.size()];
      if (size <= length && random() % 2 == 0) {
        const size_t at = random() % (length - size + 1);
        wanted.assign(text.begin() + static_cast<ptrdiff_t>(at),
                      text.begin() + static_cast<ptrdiff_t>(at + size));
      }
      wanted = Small(wanted);
      const std::string_view view(text.data(), text.size());
      const bool slow = Small(std::string(view)).contains(wanted);
      EXPECT_EQ(slow, ContainsFolded(view, wanted)) << view << " / " << wanted;
      found += slow ? 1 : 0;
    }
  }
  EXPECT_GT(found, 1000U);
}

}  // namespace
}  // namespace ekshume
