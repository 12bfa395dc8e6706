// SPDX-License-Identifier: Apache-2.0
#include "casefile/member_path.h"

#include <gtest/gtest.h>

namespace ekshume::casefile {
namespace {

TEST(MemberPathTest, AcceptsAWalk) {
  MemberPath paths;
  EXPECT_TRUE(paths.Accept("a", true));
  EXPECT_TRUE(paths.Accept("a/b", true));
  EXPECT_TRUE(paths.Accept("a/b/c", false));
  EXPECT_TRUE(paths.Accept("a/d", false));
  EXPECT_TRUE(paths.Accept("a.b", false));
  EXPECT_TRUE(paths.Accept("b", false));
}

TEST(MemberPathTest, RefusesNamesThatAreNoComponents) {
  for (const char* path : {"", ".", "..", "../x", "a/b", "/", "/etc"}) {
    MemberPath paths;
    EXPECT_FALSE(paths.Accept(path, false)) << path;
  }
  MemberPath paths;
  EXPECT_TRUE(paths.Accept("d", true));
  for (const char* path : {"d/", "d/.", "d/..", "d/x/y"}) {
    EXPECT_FALSE(paths.Accept(path, false)) << path;
  }
}

TEST(MemberPathTest, RefusesASecondEntryOfOneName) {
  MemberPath paths;
  EXPECT_TRUE(paths.Accept("link", false));
  EXPECT_FALSE(paths.Accept("link", true));
  EXPECT_FALSE(paths.Accept("link/evil", false));
  EXPECT_TRUE(paths.Accept("m", true));
  EXPECT_TRUE(paths.Accept("m/link", false));
  EXPECT_TRUE(paths.Accept("m/z", false));
  EXPECT_FALSE(paths.Accept("m/link", true));  // an entry "m/link" beside m
}

}  // namespace
}  // namespace ekshume::casefile
