// SPDX-License-Identifier: Apache-2.0
#include "casefile/running/extract_kept.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "casefile/evidence.h"

namespace ekshume::casefile {
namespace {

namespace fs = std::filesystem;

class LiveExtractTest : public testing::Test {
 protected:
  LiveExtractTest()
      : root_(fs::path(testing::TempDir()) / fmt::format("live_extract_{}", getpid())) {
    fs::remove_all(root_);
    Write("c/collection.json",
          R"({"format":"ekshume-collection","version":1,"scope":{"kind":"node"}})");
    Write("c/live/processes.jsonl",
          R"({"pid":7,"comm":"x","exe":"/tmp/x","exe_deleted":true,"exe_member":"deleted/7/exe"})"
          "\n"
          R"({"pid":8,"comm":"y","exe":"/usr/bin/y"})"
          "\n");
    Write("c/deleted/7/exe", "the program");
    Write("c/live/open_files.jsonl",
          R"({"pid":7,"fd":3,"path":"/tmp/f","deleted":true,"type":"f","member":"deleted/7/fd/3"})"
          "\n");
    Write("c/deleted/7/fd/3", "the file");
    Write("c/live/maps.jsonl",
          R"({"pid":7,"start":"10000","end":"10020","permissions":"rw-p","path":"[heap]"})"
          "\n");
    Write("c/memory/7/10000-10008", "01234567");
    Write("c/memory/7/10010-10018", "abcdefgh");
    auto opened = Evidence::Open({(root_ / "c").string()}, {}, diagnostics_);
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    evidence_ = std::move(*opened);
  }
  ~LiveExtractTest() override { fs::remove_all(root_); }

  void Write(const std::string& name, std::string_view text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  std::string Read(const std::string& name) const {
    std::ifstream stream(root_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  Result<KeptBytes> Take(std::string_view what, const std::string& target, size_t process = 0) {
    const LiveEvidence& live = *evidence_->live().front();
    return ExtractKept(live, live.state.processes[process], what, (root_ / target).string(),
                       diagnostics_, progress_);
  }

  const fs::path root_;
  DiagnosticSink diagnostics_;
  Progress progress_;
  std::unique_ptr<Evidence> evidence_;
};

TEST_F(LiveExtractTest, ProgramsAndFiles) {
  const auto program = Take("exe", "program");
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->bytes, 11U);
  EXPECT_EQ(Read("program"), "the program");
  // What was malware does not become runnable by being looked at.
  EXPECT_EQ(fs::status(root_ / "program").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_TRUE(Take("fd/3", "file"));
  EXPECT_EQ(Read("file"), "the file");
}

TEST_F(LiveExtractTest, MemoryAsAFolderAndByAddress) {
  const auto all = Take("memory", "memory");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->files, 2U);
  EXPECT_EQ(all->bytes, 16U);
  EXPECT_EQ(Read("memory/10000-10008"), "01234567");
  EXPECT_EQ(Read("memory/10010-10018"), "abcdefgh");
  EXPECT_THAT(Read("memory/maps.jsonl"), testing::HasSubstr("[heap]"));
  ASSERT_TRUE(Take("memory/10004-10014", "part"));
  EXPECT_EQ(Read("part"), "4567" + std::string(8, '\0') + "abcd");
}

TEST_F(LiveExtractTest, WhatIsNotThere) {
  const auto code = [&](std::string_view what, size_t process = 0) {
    const auto taken = Take(what, "none", process);
    EXPECT_FALSE(fs::exists(root_ / "none"));
    return taken ? ErrorCode::kCorrupt : taken.error().code;
  };
  EXPECT_EQ(code("exe", 1), ErrorCode::kNotFound);
  EXPECT_EQ(code("memory", 1), ErrorCode::kNotFound);
  EXPECT_EQ(code("fd/4"), ErrorCode::kNotFound);
  EXPECT_EQ(code("memory/20000-30000"), ErrorCode::kNotFound);
  EXPECT_EQ(code("memory/30000-20000"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("fd/x"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("maps"), ErrorCode::kInvalidArgument);
  progress_.Cancel();
  EXPECT_EQ(code("exe"), ErrorCode::kCancelled);
}

TEST_F(LiveExtractTest, NothingIsOverwritten) {
  Write("program", "mine");
  const auto taken = Take("exe", "program");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Read("program"), "mine");
}

TEST_F(LiveExtractTest, WhatTheArchiveLacksIsZerosAndNamed) {
  LiveEvidence& live = *evidence_->live().front();
  live.state.processes[0].executable_content->length_bytes = 20;
  ASSERT_TRUE(Take("exe", "program"));
  EXPECT_EQ(Read("program"), "the program" + std::string(9, '\0'));
  EXPECT_EQ(diagnostics_.Count(DiagnosticCode::kCollectionDamaged), 1U);
}

}  // namespace
}  // namespace ekshume::casefile
