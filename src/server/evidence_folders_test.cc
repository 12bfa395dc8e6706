// SPDX-License-Identifier: Apache-2.0
#include "server/evidence_folders.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "server/limits.h"

namespace ekshume::server {
namespace {

namespace fs = std::filesystem;

class EvidenceFoldersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ekshume-folders-XXXXXX").string();
    root_ = fs::canonical(mkdtemp(name.data()));
    Write("in/a.log");
    Write("in/deep/b.log");
    Write("in/my.case/case.json");
    Write("in/my.case/report.json");
    Write("in/my.case/acquired/c.log");
    Write("in/other.case/case.json");
    Write("in-2/d.log");
    Write("secret");
    fs::create_symlink(root_ / "secret", root_ / "in/link");
    fs::create_directory_symlink(root_ / "in/deep", root_ / "in/inner");
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const char* name) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << "{}";
  }
  std::string At(const char* name) const { return (root_ / name).string(); }
  EvidenceFolders Open() const {
    return EvidenceFolders::Open({At("in")}, At("in/my.case")).value();
  }

  fs::path root_;
};

TEST_F(EvidenceFoldersTest, WhatLiesBelowMayBeChosen) {
  const EvidenceFolders folders = Open();
  for (const char* name : {"in/a.log", "in/deep", "in/deep/b.log", "in/my.case/acquired/c.log"}) {
    const auto found = folders.Check(At(name));
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(*found, At(name));
  }
  EXPECT_EQ(folders.Check(At("in/inner/b.log")).value(), At("in/deep/b.log"));
  EXPECT_EQ(folders.Check(At("in/deep/../a.log")).value(), At("in/a.log"));
}

TEST_F(EvidenceFoldersTest, NothingElse) {
  const EvidenceFolders folders = Open();
  for (const std::string& path :
       {At("secret"), At("in/link"), At("in/../secret"), At("in-2/d.log"), At("in/missing"),
        At("in/other.case"), At("in/my.case"), At("in/my.case/report.json"), At("in"),
        std::string("in/a.log"), std::string("a.log"), std::string(), std::string("/"),
        std::string("/dev/null"), At("in/a.log") + std::string("\0.x", 3)}) {
    const auto found = folders.Check(path);
    ASSERT_FALSE(found) << path;
    EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument) << path;
  }
  EXPECT_TRUE(EvidenceFolders::Open({}, At("in/my.case"))->empty());
  EXPECT_FALSE(EvidenceFolders::Open({}, At("in/my.case"))->Check(At("in/a.log")));
  EXPECT_FALSE(EvidenceFolders::Open({At("nowhere")}, At("in/my.case")));
  EXPECT_FALSE(EvidenceFolders::Open({At("secret")}, At("in/my.case")));
}

TEST_F(EvidenceFoldersTest, ListsWithoutLookingElsewhere) {
  const EvidenceFolders folders = Open();
  const auto listed = folders.List(At("in")).value();
  std::map<std::string, std::pair<std::string, bool>> found;
  for (const auto& row : listed["entries"]) {
    found[row["name"].get<std::string>()] = {row["kind"].get<std::string>(),
                                             row["may"].get<bool>()};
    if (row["name"] == "link") {
      EXPECT_TRUE(row["size"].is_null());
    }
  }
  const std::map<std::string, std::pair<std::string, bool>> expected = {
      {"a.log", {"file", true}},      {"deep", {"folder", true}},
      {"inner", {"folder", true}},    {"link", {"other", false}},
      {"my.case", {"folder", false}}, {"other.case", {"folder", false}}};
  EXPECT_EQ(found, expected);
  EXPECT_TRUE(listed["parent"].is_null());
  EXPECT_EQ(folders.List(At("in/deep")).value()["parent"], At("in"));
  EXPECT_FALSE(folders.List(root_.string()));
  EXPECT_FALSE(folders.List(At("in-2")));
}

TEST_F(EvidenceFoldersTest, AListHasAnEnd) {
  for (size_t i = 0; i < limits::kMostFolderRows + 3; ++i) {
    Write(("in/many/" + std::to_string(i)).c_str());
  }
  const auto listed = Open().List(At("in/many")).value();
  EXPECT_EQ(listed["entries"].size(), limits::kMostFolderRows);
  EXPECT_EQ(listed["is_cut"], true);
}

}  // namespace
}  // namespace ekshume::server
