// SPDX-License-Identifier: Apache-2.0
#include "base/least_of.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>

namespace ekshume {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(LeastOfTest, KeepsTheLeastInOrderWhateverTheOrderTheyComeIn) {
  for (const auto& order : {std::vector<int>{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}, {3, 5, 1, 4, 2}}) {
    LeastOf<int, std::less<>> least(3, {});
    for (const int value : order) least.Add(value);
    EXPECT_EQ(least.added(), 5);
    EXPECT_THAT(least.Take(), ElementsAre(1, 2, 3));
    EXPECT_THAT(least.Take(), IsEmpty());
  }
}

TEST(LeastOfTest, KeepsTheFirstOfEqualOnes) {
  const auto shorter = [](const std::string& a, const std::string& b) {
    return a.size() < b.size();
  };
  LeastOf<std::string, decltype(shorter)> least(3, shorter);
  for (const char* text : {"bb", "c", "aa", "a", "dd"}) least.Add(text);
  EXPECT_THAT(least.Take(), ElementsAre("c", "a", "bb"));
}

TEST(LeastOfTest, KeepsNothingWhenNothingIsWanted) {
  LeastOf<int, std::less<>> least(0, {});
  least.Add(1);
  EXPECT_EQ(least.added(), 1);
  EXPECT_THAT(least.Take(), IsEmpty());
}

}  // namespace
}  // namespace ekshume
