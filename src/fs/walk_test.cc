// SPDX-License-Identifier: Apache-2.0
#include "fs/walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "fs/overlay/memory_filesystem.h"

namespace ekshume::fs {
namespace {

using testing::ElementsAre;

class WalkTest : public testing::Test {
 protected:
  std::vector<std::string> Paths() {
    std::vector<std::string> paths;
    const auto visit = [&](const WalkItem& item) {
      paths.push_back(item.path);
      return WalkStep::kContinue;
    };
    EXPECT_TRUE(Walk(files_, files_.root(), diagnostics_, visit));
    return paths;
  }
  overlay::MemoryFilesystem files_;
  DiagnosticSink diagnostics_;
};

TEST_F(WalkTest, ParentsFirstNamesInByteOrder) {
  files_.File("b/2", "x");
  files_.File("b/1", "x");
  files_.File("a", "x");
  EXPECT_THAT(Paths(), ElementsAre("", "a", "b", "b/1", "b/2"));
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(WalkTest, DirectoryInsideItselfIsReportedAndNotEnteredAgain) {
  const NodeId directory = files_.Directory("d");
  files_.Link(directory, "again", directory);
  EXPECT_THAT(Paths(), ElementsAre("", "d", "d/again"));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kFilesystemLoop), 1U);
}

TEST_F(WalkTest, DepthIsBounded) {
  NodeId at = files_.root();
  for (int i = 0; i < limits::kMaxDirectoryDepth + 10; ++i) {
    const NodeId next = files_.Add(NodeType::kDirectory);
    files_.Link(at, "d", next);
    at = next;
  }
  EXPECT_EQ(Paths().size(), static_cast<size_t>(limits::kMaxDirectoryDepth) + 1);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kFilesystemLimit), 1U);
}

// Everything of another filesystem but the metadata of one node.
class OneBroken final : public Filesystem {
 public:
  OneBroken(const Filesystem& base, NodeId broken) : base_(base), broken_(broken) {}
  const FilesystemInfo& info() const override { return base_.info(); }
  Result<Stat> GetStat(NodeId node) const override {
    if (node == broken_) return Fail(ErrorCode::kCorrupt, "broken");
    return base_.GetStat(node);
  }
  Result<void> ReadDirectory(NodeId directory, const Visitor& visit) const override {
    return base_.ReadDirectory(directory, visit);
  }
  Result<std::unique_ptr<File>> OpenFile(NodeId node) const override {
    return base_.OpenFile(node);
  }
  Result<std::string> ReadSymlink(NodeId node) const override { return base_.ReadSymlink(node); }
  Result<std::vector<Xattr>> ReadXattrs(NodeId node) const override {
    return base_.ReadXattrs(node);
  }

 private:
  const Filesystem& base_;
  const NodeId broken_;
};

TEST_F(WalkTest, UnreadableNodesAreReportedAndTheRestIsVisited) {
  files_.File("a", "x");
  const OneBroken broken(files_, files_.File("b", "x"));
  files_.File("c", "x");
  std::vector<std::string> paths;
  EXPECT_TRUE(Walk(broken, broken.root(), diagnostics_, [&](const WalkItem& item) {
    paths.push_back(item.path);
    return WalkStep::kContinue;
  }));
  EXPECT_THAT(paths, ElementsAre("", "a", "c"));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kFilesystemNodeUnreadable), 1U);
}

TEST_F(WalkTest, NodesAreLeftToTheVisitorWhenItWantsThem) {
  files_.File("a", "x");
  files_.Directory("d");
  const OneBroken broken(files_, files_.File("b", "x"));
  std::string types;
  EXPECT_TRUE(Walk(
      broken, broken.root(), diagnostics_,
      [&](const WalkItem& item) {
        types.push_back(NodeTypeLetter(item.stat.type));
        return WalkStep::kContinue;
      },
      nullptr, WalkStat::kDirectories));
  EXPECT_EQ(types, "dffd");
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(WalkTest, SkipsAndStops) {
  files_.File("a/1", "x");
  files_.File("b/1", "x");
  files_.File("c", "x");
  std::vector<std::string> paths;
  EXPECT_TRUE(Walk(files_, files_.root(), diagnostics_, [&](const WalkItem& item) {
    paths.push_back(item.path);
    if (item.path == "a") return WalkStep::kSkipChildren;
    return item.path == "b/1" ? WalkStep::kStop : WalkStep::kContinue;
  }));
  EXPECT_THAT(paths, ElementsAre("", "a", "b", "b/1"));
}

TEST_F(WalkTest, EndsWhenTheUserStops) {
  files_.File("a", "x");
  Progress progress;
  progress.Cancel();
  const auto result = Walk(
      files_, files_.root(), diagnostics_, [](const WalkItem&) { return WalkStep::kContinue; },
      &progress);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace ekshume::fs
