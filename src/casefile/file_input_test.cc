// SPDX-License-Identifier: Apache-2.0
#include "casefile/file_input.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace ekshume::casefile {
namespace {

class ContentHashTest : public testing::Test {
 protected:
  ContentHashTest() {
    std::string content(3 << 20, 'x');
    for (size_t i = 0; i < content.size(); i += 7) content[i] = static_cast<char>(i);
    std::ofstream(path_, std::ios::binary) << content;
    expected_ = HashFileContent(path_, nullptr).value();
  }
  ~ContentHashTest() override { std::filesystem::remove(path_); }

  // Reads as much as `bytes` in pieces; then the rest for the hash alone.
  static void Read(FileSource& file, ContentHash& hash, size_t bytes) {
    HashedSource source(file, hash);
    std::string block(1000, '\0');
    for (size_t done = 0; done < bytes; done += block.size()) {
      ASSERT_TRUE(source.Read(block));
    }
    EXPECT_TRUE(source.ReadRest());
  }

  // Tests run side by side.
  const std::string path_ = testing::TempDir() + "content_hash_test." +
                            testing::UnitTest::GetInstance()->current_test_info()->name();
  std::string expected_;
};

TEST_F(ContentHashTest, IsMadeOfWhatIsRead) {
  for (const size_t bytes : {size_t{0}, size_t{100000}, size_t{3} << 20}) {
    const auto file = FileSource::Open(path_).value_or(nullptr);
    ASSERT_TRUE(file);
    ContentHash hash(path_);
    Read(*file, hash, bytes);
    std::filesystem::rename(path_, path_ + ".away");  // it is not read once more
    EXPECT_EQ(hash.Get().value_or(""), expected_) << bytes;
    EXPECT_EQ(hash.Get().value_or(""), expected_) << "asked again";
    std::filesystem::rename(path_ + ".away", path_);
  }
}

TEST_F(ContentHashTest, IsThereBeforeTheEndForWhoAsks) {
  const auto file = FileSource::Open(path_).value_or(nullptr);
  ASSERT_TRUE(file);
  ContentHash hash(path_);
  HashedSource source(*file, hash);
  std::string block(1000, '\0');
  ASSERT_TRUE(source.Read(block));
  EXPECT_EQ(hash.Get().value_or(""), expected_);
  EXPECT_TRUE(source.ReadRest());
  EXPECT_EQ(hash.Get().value_or(""), expected_);
}

TEST_F(ContentHashTest, IsTheSameForAllThreads) {
  const auto file = FileSource::Open(path_).value_or(nullptr);
  ASSERT_TRUE(file);
  ContentHash hash(path_);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(hash.Get().value_or(""), expected_); });
  }
  Read(*file, hash, 100000);
}

TEST_F(ContentHashTest, FailsWhenTheFileCannotBeRead) {
  ContentHash hash(path_ + ".none");
  const Result<std::string> result = hash.Get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ekshume::casefile
