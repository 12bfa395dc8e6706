// SPDX-License-Identifier: Apache-2.0
#include "casefile/file_hash.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "fs/overlay/memory_filesystem.h"

namespace ekshume::casefile {
namespace {

// A file that claims to be one hole.
class HoleFile final : public fs::File {
 public:
  explicit HoleFile(uint64_t size) : run_{0, size, fs::Run::Kind::kHole, 0} {}
  uint64_t size_bytes() const override { return run_.length_bytes; }
  Result<size_t> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override {
    const uint64_t left = offset_bytes < size_bytes() ? size_bytes() - offset_bytes : 0;
    const size_t count = std::min<uint64_t>(left, out.size());
    std::fill_n(out.begin(), count, std::byte{0});
    return count;
  }
  std::span<const fs::Run> runs() const override { return {&run_, 1}; }

 private:
  fs::Run run_;
};

class HoleFilesystem final : public fs::Filesystem {
 public:
  explicit HoleFilesystem(uint64_t size) : size_(size) {}
  const fs::FilesystemInfo& info() const override { return info_; }
  Result<fs::Stat> GetStat(fs::NodeId) const override { return fs::Stat{}; }
  Result<void> ReadDirectory(fs::NodeId, const Visitor&) const override { return {}; }
  Result<std::unique_ptr<fs::File>> OpenFile(fs::NodeId) const override {
    return std::make_unique<HoleFile>(size_);
  }
  Result<std::string> ReadSymlink(fs::NodeId) const override { return std::string(); }
  Result<std::vector<fs::Xattr>> ReadXattrs(fs::NodeId) const override {
    return std::vector<fs::Xattr>();
  }

 private:
  const uint64_t size_;
  fs::FilesystemInfo info_;
};

TEST(HashFileTest, KnownDigests) {
  fs::overlay::MemoryFilesystem files;
  const fs::NodeId abc = files.File("abc", "abc");
  const fs::NodeId empty = files.Make("empty", fs::NodeType::kRegular);
  EXPECT_EQ(HashFile(files, abc, nullptr).value(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HashFile(files, empty, nullptr).value(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(HashFileTest, FailureLeavesNothingForTheNextFile) {
  fs::overlay::MemoryFilesystem files;
  const fs::NodeId broken = files.File("broken", "some bytes");
  files.StatOf(broken).size_bytes = 5000000;
  const fs::NodeId abc = files.File("abc", "abc");
  EXPECT_FALSE(HashFile(files, broken, nullptr));
  EXPECT_EQ(HashFile(files, abc, nullptr).value().substr(0, 8), "ba7816bf");
}

TEST(HashFileTest, HolesOfAHostileFileCostNothing) {
  EXPECT_TRUE(HashFile(HoleFilesystem(1 << 20), fs::NodeId{1}, nullptr));
  for (const uint64_t size : {limits::kMaxHashedHoleBytes + 1, uint64_t{1} << 62}) {
    const auto result = HashFile(HoleFilesystem(size), fs::NodeId{1}, nullptr);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kLimit);
  }
}

TEST(HashFileTest, StopsWhenTheUserStops) {
  Progress progress;
  progress.Cancel();
  const auto result = HashFile(HoleFilesystem(1 << 30), fs::NodeId{1}, &progress);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

TEST(FileKindTest, ByTheFirstBytes) {
  fs::overlay::MemoryFilesystem files;
  EXPECT_EQ(FileKind(files, files.File("a",
                                       "\x7f"
                                       "ELF\x02"))
                .value(),
            "elf");
  EXPECT_EQ(FileKind(files, files.File("b", "#!/bin/sh\n")).value(), "script");
  EXPECT_EQ(FileKind(files, files.File("c", "plain text\n")).value(), "text");
  EXPECT_EQ(FileKind(files, files.File("d", std::string("\x01\x02\x00", 3))).value(), "data");
  EXPECT_EQ(FileKind(files, files.Make("e", fs::NodeType::kRegular)).value(), "");
}

}  // namespace
}  // namespace ekshume::casefile
