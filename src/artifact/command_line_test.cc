// SPDX-License-Identifier: Apache-2.0
#include "artifact/command_line.h"

#include <gtest/gtest.h>

#include <vector>

namespace ekshume::artifact {
namespace {

TEST(CommandLineTest, QuotesWhatAShellWouldTouch) {
  const std::vector<std::string> words = {"sh", "-c", "echo 'a' $b", "", "--x=1,2"};
  EXPECT_EQ(CommandLine(words), "sh -c 'echo '\\''a'\\'' $b' '' --x=1,2");
  EXPECT_EQ(CommandLine({}), "");
}

}  // namespace
}  // namespace ekshume::artifact
