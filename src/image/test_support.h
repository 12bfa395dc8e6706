// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "image/format.h"

// What the tests of several folders need; used by tests only.
namespace ekshume::image::testing {

// A folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ekshume-XXXXXX").string();
    const char* const made = mkdtemp(name.data());
    EXPECT_NE(made, nullptr);
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }
  std::string Write(std::string_view name, std::string_view content) const {
    WriteTo(File(name), content);
    return File(name);
  }
  static void WriteTo(const std::string& path, std::string_view content) {
    std::ofstream(path, std::ios::binary)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
  }

 private:
  std::string path_;
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// A Scratch in a folder.
class FolderScratch final : public Scratch {
 public:
  explicit FolderScratch(std::string folder) : folder_(std::move(folder)) {}
  Result<int> Open(std::string_view file_name, bool& existed) override {
    const std::string path = folder_ + "/" + std::string(file_name);
    existed = std::filesystem::exists(path);
    const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return Fail(ErrorCode::kIo, path);
    return descriptor;
  }

 private:
  const std::string folder_;
};

// Reproducible bytes: a mixture of zeros, text that compresses, and noise that does not.
inline std::string MakeContent(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::string content;
  content.reserve(size + (size_t{1} << 20));
  while (content.size() < size) {
    const size_t length = 1 + random() % (size_t{256} << 10);
    switch (random() % 4) {
      case 0: content.append(length * 4, '\0'); break;
      case 1:
        for (size_t i = 0; i < length; i += 16)
          content += "the same words " + std::to_string(i % 9);
        break;
      default:
        for (size_t i = 0; i < length / 4; ++i) content.push_back(static_cast<char>(random()));
    }
  }
  content.resize(size);
  return content;
}

// The image's bytes as text; a failure to read is a test failure.
inline std::string ReadText(const Image& image, uint64_t offset_bytes, size_t length) {
  const auto bytes = ReadBytes(image, offset_bytes, length);
  if (!bytes) {
    ADD_FAILURE() << bytes.error().message;
    return {};
  }
  return std::string(ByteView(*bytes).AsText());
}

inline std::unique_ptr<Image> MakeTextImage(std::string_view text, std::string name = "memory") {
  const auto bytes = ByteView::Of(text).AsSpan();
  return MakeMemory({bytes.begin(), bytes.end()}, std::move(name));
}

// Compares random pieces of `image` with `content`, and NextData with its zeros.
inline void ExpectRandomReadsMatch(const Image& image, const std::string& content, uint32_t seed,
                                   int reads = 100) {
  ASSERT_EQ(image.size_bytes(), content.size());
  std::mt19937_64 random(seed);
  for (int i = 0; i < reads; ++i) {
    const size_t offset = random() % content.size();
    const size_t largest = std::min<size_t>(content.size() - offset, i % 8 == 0 ? 3 << 20 : 5000);
    const size_t length = 1 + random() % largest;
    ASSERT_EQ(ReadText(image, offset, length), content.substr(offset, length))
        << offset << " " << length;
    const uint64_t next = image.NextData(offset);
    ASSERT_GE(next, offset);
    ASSERT_LE(next, content.size());
    ASSERT_EQ(std::min(content.find_first_not_of('\0', offset), content.size()) >= next, true)
        << offset << " " << next;
  }
}

}  // namespace ekshume::image::testing
