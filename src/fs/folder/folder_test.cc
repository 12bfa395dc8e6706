// SPDX-License-Identifier: Apache-2.0
#include "fs/folder/folder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fs/path.h"
#include "fs/walk.h"

namespace ekshume::fs {
namespace {

class FolderTest : public testing::Test {
 protected:
  FolderTest() : outer_(Make()), path_(outer_ + "/evidence") {
    std::filesystem::create_directories(path_ + "/a/b");
    Write(outer_ + "/secret", "outside");
    Write(path_ + "/a/b/file", "hello");
    std::filesystem::create_symlink("../a/b/file", path_ + "/a/link");
    std::filesystem::create_symlink(outer_, path_ + "/out");
    std::filesystem::create_symlink("../../../../../secret", path_ + "/up");
    mkfifo((path_ + "/fifo").c_str(), 0600);
    auto opened = OpenFolder(path_, diagnostics_);
    EXPECT_TRUE(opened.has_value());
    folder_ = *std::move(opened);
  }
  ~FolderTest() override { std::filesystem::remove_all(outer_); }

  static std::string Make() {
    std::string pattern = testing::TempDir() + "/ekshume-folder-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    return pattern;
  }
  static void Write(const std::string& path, std::string_view text) { std::ofstream(path) << text; }

  std::string outer_;
  std::string path_;
  DiagnosticSink diagnostics_;
  std::unique_ptr<Filesystem> folder_;
};

TEST_F(FolderTest, WalksEveryNameInOrder) {
  std::vector<std::string> paths;
  ASSERT_TRUE(Walk(*folder_, folder_->root(), diagnostics_, [&](const WalkItem& item) {
    paths.push_back(fmt::format("{} {}", NodeTypeLetter(item.stat.type), item.path));
    return WalkStep::kContinue;
  }));
  EXPECT_EQ(paths, (std::vector<std::string>{"d ", "d a", "d a/b", "f a/b/file", "l a/link",
                                             "p fifo", "l out", "l up"}));
  EXPECT_FALSE(diagnostics_.HasLoss());
}

TEST_F(FolderTest, StatIsTheOperatingSystems) {
  const auto node = ResolvePath(*folder_, "a/b/file");
  ASSERT_TRUE(node);
  const auto stat = folder_->GetStat(*node);
  ASSERT_TRUE(stat);
  struct stat expected{};
  ASSERT_EQ(::stat((path_ + "/a/b/file").c_str(), &expected), 0);
  EXPECT_EQ(stat->inode, expected.st_ino);
  EXPECT_EQ(stat->size_bytes, 5U);
  EXPECT_EQ(stat->permissions, expected.st_mode & 07777U);
  EXPECT_EQ(stat->modified.seconds, expected.st_mtim.tv_sec);
  EXPECT_EQ(stat->modified.nanoseconds, static_cast<uint32_t>(expected.st_mtim.tv_nsec));
}

TEST_F(FolderTest, ReadsFilesInPartsAndPastTheEnd) {
  const auto node = ResolvePath(*folder_, "a/b/file");
  ASSERT_TRUE(node);
  const auto file = folder_->OpenFile(*node);
  ASSERT_TRUE(file);
  std::string part(10, '\0');
  EXPECT_EQ((*file)->ReadAt(3, AsWritableBytes(part)).value_or(99), 2U);
  EXPECT_EQ(part.substr(0, 2), "lo");
  EXPECT_EQ((*file)->ReadAt(5, AsWritableBytes(part)).value_or(99), 0U);
  EXPECT_TRUE((*file)->runs().empty());
}

TEST_F(FolderTest, LinksStayInside) {
  EXPECT_EQ(ReadWholeFile(*folder_, "a/link", 100).value_or(""), "hello");
  EXPECT_EQ(ReadWholeFile(*folder_, "out/secret", 100).value_or("none"), "none");
  EXPECT_EQ(ReadWholeFile(*folder_, "up", 100).value_or("none"), "none");
  // A directory that becomes a link after it was listed is not followed either.
  const auto node = ResolvePath(*folder_, "a/b");
  ASSERT_TRUE(node);
  std::filesystem::remove_all(path_ + "/a");
  std::filesystem::create_symlink(outer_, path_ + "/a");
  std::filesystem::create_directory(outer_ + "/b");
  auto again = OpenFolder(path_, diagnostics_);
  ASSERT_TRUE(again);
  EXPECT_FALSE(ResolvePath(**again, "a/b"));
}

TEST_F(FolderTest, RefusesWhatIsOfAnotherKind) {
  const auto fifo = ResolvePath(*folder_, "fifo");
  ASSERT_TRUE(fifo);
  EXPECT_EQ(folder_->OpenFile(*fifo).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(folder_->ReadSymlink(*fifo).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(folder_->ReadDirectory(*fifo, [](auto&&) { return true; }).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(folder_->GetStat(NodeId{12345}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(FolderTest, ReadsXattrs) {
  const std::string file = path_ + "/a/b/file";
  if (setxattr(file.c_str(), "user.z", "1", 1, 0) != 0) GTEST_SKIP() << "no user xattrs here";
  ASSERT_EQ(setxattr(file.c_str(), "user.a", "two", 3, 0), 0);
  const auto node = ResolvePath(*folder_, "a/b/file");
  ASSERT_TRUE(node);
  const auto xattrs = folder_->ReadXattrs(*node);
  ASSERT_TRUE(xattrs);
  ASSERT_EQ(xattrs->size(), 2U);
  EXPECT_EQ((*xattrs)[0].name, "user.a");
  EXPECT_EQ((*xattrs)[0].value, "two");
  EXPECT_EQ((*xattrs)[1].name, "user.z");
}

TEST_F(FolderTest, NodesAreBounded) {
  static_assert(FolderLimits().nodes == limits::kMaxFolderNodes);
  // The root and its names a, fifo, out and up.
  const auto small = OpenFolder(path_, diagnostics_, {.nodes = 5});
  ASSERT_TRUE(small);
  const auto count = [&](std::string_view path) -> Result<size_t> {
    const NodeId node = EKSHUME_TRY(ResolvePath(**small, path));
    size_t names = 0;
    EKSHUME_TRY((*small)->ReadDirectory(node, [&](auto&&) {
      ++names;
      return true;
    }));
    return names;
  };
  EXPECT_EQ(count("").value_or(99), 4U);
  EXPECT_EQ(count("").value_or(99), 4U) << "the same names cost nothing again";
  EXPECT_FALSE(diagnostics_.HasLoss());
  const auto refused = count("a");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, DiagnosticCode::kFilesystemLimit);
  EXPECT_EQ(reported[0].evidence, "/a");
  EXPECT_EQ(reported[0].detail, "kMaxFolderNodes");
}

TEST_F(FolderTest, SymlinkTargetsAreBounded) {
  static_assert(FolderLimits().symlink_target_bytes == limits::kMaxSymlinkTargetBytes);
  const std::string_view target = "../a/b/file";
  for (const size_t most : {target.size() - 1, target.size()}) {
    const auto small = OpenFolder(path_, diagnostics_, {.symlink_target_bytes = most});
    ASSERT_TRUE(small);
    const auto node = ResolvePath(**small, "a/link", FollowLast::kNo);
    ASSERT_TRUE(node);
    const auto read = (*small)->ReadSymlink(*node);
    if (most == target.size()) {
      EXPECT_EQ(read.value_or(""), target);
    } else {
      ASSERT_FALSE(read.has_value()) << "a target that is cut would lead elsewhere";
      EXPECT_EQ(read.error().code, ErrorCode::kLimit);
      EXPECT_TRUE(read.error().message.contains("kMaxSymlinkTargetBytes")) << read.error().message;
    }
  }
}

TEST_F(FolderTest, XattrsAreBounded) {
  static_assert(FolderLimits().xattrs_per_node == limits::kMaxXattrsPerNode);
  const std::string file = path_ + "/a/b/file";
  if (setxattr(file.c_str(), "user.a", "1", 1, 0) != 0) GTEST_SKIP() << "no user xattrs here";
  ASSERT_EQ(setxattr(file.c_str(), "user.b", "2", 1, 0), 0);
  ASSERT_EQ(setxattr(file.c_str(), "user.c", "3", 1, 0), 0);
  const auto count = [&](size_t most) {
    const auto small = OpenFolder(path_, diagnostics_, {.xattrs_per_node = most});
    return (*small)->ReadXattrs(*ResolvePath(**small, "a/b/file"))->size();
  };
  EXPECT_EQ(count(3), 3U);
  EXPECT_FALSE(diagnostics_.HasLoss());
  EXPECT_EQ(count(2), 2U);
  const auto reported = diagnostics_.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, DiagnosticCode::kFilesystemLimit);
  EXPECT_EQ(reported[0].evidence, "/a/b/file");
  EXPECT_EQ(reported[0].detail, "kMaxXattrsPerNode");
}

TEST_F(FolderTest, SaysWhyItCannotOpen) {
  EXPECT_EQ(OpenFolder(path_ + "/none", diagnostics_).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(OpenFolder(path_ + "/a/b/file", diagnostics_).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace ekshume::fs
