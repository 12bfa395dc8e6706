// SPDX-License-Identifier: Apache-2.0
#include "fs/path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "fs/overlay/memory_filesystem.h"

namespace ekshume::fs {
namespace {

using testing::HasSubstr;

class PathTest : public testing::Test {
 protected:
  NodeId Symlink(std::string_view path, const std::string& target) {
    const NodeId node = files_.Make(path, NodeType::kSymlink, target);
    files_.StatOf(node).size_bytes = target.size();
    return node;
  }
  overlay::MemoryFilesystem files_;
};

TEST_F(PathTest, ResolvesDotsAndSlashes) {
  const NodeId file = files_.File("etc/ssh/config", "x");
  EXPECT_EQ(ResolvePath(files_, "//etc/./ssh/../ssh//config").value(), file);
  EXPECT_EQ(ResolvePath(files_, "/").value(), files_.root());
}

TEST_F(PathTest, DotDotNeverLeavesTheRoot) {
  const NodeId file = files_.File("secret", "x");
  EXPECT_EQ(ResolvePath(files_, "../../../../secret").value(), file);
}

TEST_F(PathTest, SymbolicLinksStayInside) {
  const NodeId file = files_.File("real/file", "x");
  Symlink("absolute", "/real/file");
  Symlink("real/relative", "../real/file");
  Symlink("outside", "../../../../real/file");
  EXPECT_EQ(ResolvePath(files_, "/absolute").value(), file);
  EXPECT_EQ(ResolvePath(files_, "/real/relative").value(), file);
  EXPECT_EQ(ResolvePath(files_, "/outside").value(), file);
  EXPECT_NE(ResolvePath(files_, "/absolute", FollowLast::kNo).value(), file);
}

TEST_F(PathTest, LoopsOfLinksEndAtTheLimit) {
  Symlink("a", "b");
  Symlink("b", "a");
  const auto result = ResolvePath(files_, "/a");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kLimit);
  EXPECT_THAT(result.error().message, HasSubstr(std::to_string(limits::kMaxSymlinkHops)));
}

TEST_F(PathTest, LinksThatExpandWithoutEndAreRefused) {
  std::string target;
  for (int i = 0; i < limits::kMaxDirectoryDepth; ++i) target += "x/";
  Symlink("x", target);
  const auto result = ResolvePath(files_, "/x/y");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kLimit);
}

TEST_F(PathTest, NamesTheMissingComponent) {
  files_.File("etc/hosts", "x");
  const auto missing = ResolvePath(files_, "/etc/none/deeper");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("/etc/none"));
  EXPECT_EQ(ResolvePath(files_, "/etc/hosts/below").error().code, ErrorCode::kNotFound);
}

TEST_F(PathTest, WholeFileIsBounded) {
  files_.File("small", "12345");
  EXPECT_EQ(ReadWholeFile(files_, "/small", 5).value(), "12345");
  EXPECT_EQ(ReadWholeFile(files_, "/small", 4).error().code, ErrorCode::kLimit);
}

TEST_F(PathTest, ListsByByteOrder) {
  for (const char* name : {"b", "a", "\xff", "Z"}) files_.File(name, "");
  std::vector<std::string> names;
  const auto entries = ListDirectory(files_, files_.root());
  ASSERT_TRUE(entries);
  for (const auto& entry : *entries) names.push_back(entry.name);
  EXPECT_THAT(names, testing::ElementsAre("Z", "a", "b", "\xff"));
}

TEST(JoinPathTest, PutsOneSlashBetween) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(JoinPath("a", ""), "a");
}

}  // namespace
}  // namespace ekshume::fs
