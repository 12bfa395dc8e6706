// SPDX-License-Identifier: Apache-2.0
#include "casefile/extract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fs/overlay/memory_filesystem.h"

namespace ekshume::casefile {
namespace {

using fs::NodeId;
using fs::NodeType;
using fs::overlay::MemoryFilesystem;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class ExtractTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "ekshume-extract-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<ExtractSummary> Run(const ExtractOptions& options = {}) {
    return Extract(files_, files_.root(), target(), options, diagnostics_);
  }
  std::string target() const { return (folder_ / "out").string(); }
  std::string Content(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  struct stat Status(const std::string& name) const {
    struct stat status{};
    EXPECT_EQ(lstat((folder_ / name).c_str(), &status), 0) << name;
    return status;
  }
  std::vector<std::string> FolderNames() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  std::filesystem::path folder_;
  MemoryFilesystem files_;
  DiagnosticSink diagnostics_;
};

TEST_F(ExtractTest, CopiesFilesWithModesAndTimes) {
  const NodeId file = files_.File("d/e/file", "content");
  files_.StatOf(file).permissions = 04055;
  files_.StatOf(file).modified = {1700000000, 5};
  files_.StatOf(file).links = 2;
  files_.Link(files_.Directory("d"), "second", file);
  files_.StatOf(files_.Directory("d")).permissions = 01500;
  files_.StatOf(files_.Directory("d")).modified = {1600000000, 0};
  files_.Make("link", NodeType::kSymlink, "/etc/passwd");
  const auto summary = Run();
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  EXPECT_EQ(summary->files, 2U);
  EXPECT_EQ(Content("out/d/e/file"), "content");
  const auto status = Status("out/d/e/file");
  EXPECT_EQ(status.st_mode & 07777U, 0455U);  // readable for the owner, not set-uid
  EXPECT_EQ(status.st_mtim.tv_sec, 1700000000);
  EXPECT_EQ(status.st_mtim.tv_nsec, 5);
  EXPECT_EQ(Status("out/d/second").st_ino, status.st_ino);
  EXPECT_EQ(Status("out/d").st_mode & 07777U, 0700U);
  EXPECT_EQ(Status("out/d").st_mtim.tv_sec, 1600000000);
  EXPECT_EQ(std::filesystem::read_symlink(folder_ / "out/link"), "/etc/passwd");
  EXPECT_THAT(FolderNames(), UnorderedElementsAre("out", "out.left-out.txt"));
  EXPECT_THAT(Content("out.left-out.txt"), HasSubstr("d/e/file\tset-uid"));
}

TEST_F(ExtractTest, PreserveKeepsSetUid) {
  files_.StatOf(files_.File("f", "x")).permissions = 04755;
  ASSERT_TRUE(Run({.devices = false, .preserve = true}).has_value());
  EXPECT_EQ(Status("out/f").st_mode & 07777U, 04755U);
}

TEST_F(ExtractTest, NothingLeavesTheTarget) {
  std::filesystem::create_directory(folder_ / "outside");
  // A link to the outside, and names that lead through it or above the target.
  files_.Make("link", NodeType::kSymlink, (folder_ / "outside").string());
  for (const std::string name : {"link/evil", "../evil", "..", ".", "a/b", ""}) {
    const NodeId file = files_.Add(NodeType::kRegular);
    files_.SetContent(file, "evil");
    files_.Link(files_.root(), name, file);
  }
  // A directory of the same name as the link: whichever comes second is left out.
  const NodeId directory = files_.Add(NodeType::kDirectory);
  files_.Link(files_.root(), "link", directory);
  files_.Link(directory, "evil", files_.Add(NodeType::kRegular));
  const auto summary = Run();
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "outside"));
  EXPECT_THAT(FolderNames(), UnorderedElementsAre("out", "out.left-out.txt", "outside"));
  EXPECT_EQ(summary->left_out_count, 7U);
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kExportLeftOut), 7U);
}

TEST_F(ExtractTest, DevicesFifosAndSocketsAreLeftOut) {
  files_.Make("null", NodeType::kCharDevice);
  files_.Make("fifo", NodeType::kFifo);
  files_.Make("socket", NodeType::kSocket);
  EXPECT_EQ(Run()->left_out_count, 3U);
  std::filesystem::remove_all(target());
  EXPECT_LT(Run({.devices = true, .preserve = false})->left_out_count, 3U);
  EXPECT_TRUE(std::filesystem::is_fifo(folder_ / "out/fifo"));
}

TEST_F(ExtractTest, UnreadableBytesAreZeros) {
  files_.StatOf(files_.File("f", "start")).size_bytes = 10;
  const auto summary = Run();
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->unreadable, 1U);
  EXPECT_EQ(Content("out/f"), std::string("start\0\0\0\0\0", 10));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kFilesystemNodeUnreadable), 1U);
}

TEST_F(ExtractTest, TargetInTheWayIsRefused) {
  std::filesystem::create_directory(folder_ / "out");
  EXPECT_TRUE(Run().has_value());  // an empty folder is no obstacle
  files_.File("f", "x");
  EXPECT_TRUE(Run().has_value());
  const auto again = Run();
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Content("out/f"), "x");
  EXPECT_THAT(FolderNames(), UnorderedElementsAre("out"));
}

TEST_F(ExtractTest, FailureRemovesEverything) {
  files_.File("d/f", "x");
  Progress progress;
  progress.Cancel();
  const auto stopped = Extract(files_, files_.root(), target(), {}, diagnostics_, &progress);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(ExtractTest, SingleFileBecomesTheTarget) {
  const NodeId file = files_.File("d/f", "one file");
  ASSERT_TRUE(Extract(files_, file, target(), {}, diagnostics_).has_value());
  EXPECT_EQ(Content("out"), "one file");
  const NodeId socket = files_.Make("socket", NodeType::kSocket);
  const auto refused = Extract(files_, socket, (folder_ / "s").string(), {}, diagnostics_);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(FolderNames(), UnorderedElementsAre("out"));
}

TEST_F(ExtractTest, HugeSparseClaimCostsNothing) {
  files_.StatOf(files_.File("huge", "")).size_bytes = uint64_t{1} << 62;
  files_.File("small", "x");
  const auto summary = Run();
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(Content("out/small"), "x");
}

}  // namespace
}  // namespace ekshume::casefile
