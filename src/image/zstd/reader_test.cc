// SPDX-License-Identifier: Apache-2.0
#include "image/zstd/reader.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <thread>

#include "base/limits.h"
#include "image/test_support.h"
#include "image/zstd/format.h"
#include "image/zstd/frames.h"

namespace ekshume::image::zstd {
namespace {

using std::string_literals::operator""s;
using std::string_view_literals::operator""sv;
using testing::ReadText;
using testing::TemporaryFolder;
using enum DiagnosticCode;

// One frame; without a declared content size when `streamed`, as of a pipe.
std::string Compress(std::string_view content, bool streamed = false, int window_log = 0) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  if (window_log != 0) ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  if (!streamed) ZSTD_CCtx_setPledgedSrcSize(context, content.size());
  std::string stored(ZSTD_compressBound(content.size()) + 64, '\0');
  ZSTD_outBuffer out{stored.data(), stored.size(), 0};
  ZSTD_inBuffer in{content.data(), content.size(), 0};
  if (streamed) {  // ending at once would declare the size after all
    ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
  }
  EXPECT_EQ(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end), 0U);
  ZSTD_freeCCtx(context);
  stored.resize(out.pos);
  return stored;
}

std::string CompressFrames(const std::string& content, size_t frame_bytes) {
  std::string stored;
  for (size_t i = 0; i < content.size(); i += frame_bytes) {
    stored += Compress(std::string_view(content).substr(i, frame_bytes));
  }
  return stored;
}

constexpr std::string_view kSkippableFrame = "\x5E\x2A\x4D\x18\x05\x00\x00\x00hello"sv;

class ZstdTest : public ::testing::Test {
 protected:
  Result<OpenedImage> OpenFile(std::string_view stored, Scratch* scratch = nullptr) {
    return image::Open(folder_.Write("disk", stored),
                       {.diagnostics = &diagnostics_, .scratch = scratch});
  }

  TemporaryFolder folder_;
  DiagnosticSink diagnostics_;
};

TEST_F(ZstdTest, SniffsContent) {
  EXPECT_TRUE(Sniff(ByteView::Of(Compress("x")), ""));
  EXPECT_TRUE(Sniff(ByteView::Of(std::string(kSkippableFrame) + Compress("x")), ""));
  EXPECT_FALSE(Sniff(ByteView::Of(kSkippableFrame), ""));
  EXPECT_FALSE(Sniff(ByteView::Of("\x28\xb5\x2f"), ""));
  EXPECT_FALSE(Sniff(ByteView(), ""));
}

TEST_F(ZstdTest, SmallFramesAreReadOneByOne) {
  const std::string content = testing::MakeContent(8 << 20, 1);
  const auto opened = OpenFile(std::string(kSkippableFrame) + CompressFrames(content, 100000) +
                               std::string(kSkippableFrame));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(opened->format, "zstd");
  std::thread other([&] { testing::ExpectRandomReadsMatch(*opened->image, content, 1); });
  testing::ExpectRandomReadsMatch(*opened->image, content, 2);
  other.join();
  EXPECT_EQ(ReadText(*opened->image, 0, content.size()), content);
  EXPECT_FALSE(ReadBytes(*opened->image, content.size(), 1).has_value());
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(ZstdTest, AFrameOfUnknownSizeIsDecodedOnceAndKept) {
  const std::string content = testing::MakeContent(64 << 20, 2);
  const std::string stored = Compress(content, true, 23);
  testing::FolderScratch scratch(folder_.path());
  for (int round = 0; round < 2; ++round) {
    const auto opened = OpenFile(stored, &scratch);
    // The same file, as the index is found by its time as well.
    std::filesystem::last_write_time(folder_.File("disk"), std::filesystem::file_time_type());
    const auto again =
        image::Open(folder_.File("disk"), {.diagnostics = &diagnostics_, .scratch = &scratch});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    ASSERT_TRUE(again.has_value()) << again.error().message;
    std::thread other([&] { testing::ExpectRandomReadsMatch(*opened->image, content, 1); });
    testing::ExpectRandomReadsMatch(*again->image, content, 2);
    other.join();
  }
  EXPECT_TRUE(diagnostics_.Sorted().empty());
}

TEST_F(ZstdTest, WorksWithoutAScratchFolder) {
  const std::string content = testing::MakeContent(5 << 20, 3);
  const auto opened = OpenFile(Compress(content, true));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(ReadText(*opened->image, 0, content.size()), content);
  // Nothing but the evidence is left in its folder.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(ZstdTest, ADamagedStoreIsNoticedWhenItIsRead) {
  const std::string content = testing::MakeContent(5 << 20, 3) + "end";
  testing::FolderScratch scratch(folder_.path());
  ASSERT_TRUE(OpenFile(Compress(content, true), &scratch).has_value());
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    if (entry.path().extension() != ".index") continue;
    std::string index = testing::ReadFile(entry.path());
    const size_t place = index.find("end", 5 << 20);
    ASSERT_NE(place, std::string::npos);
    index[place] = 'X';
    TemporaryFolder::WriteTo(entry.path(), index);
  }
  const auto opened =
      image::Open(folder_.File("disk"), {.diagnostics = &diagnostics_, .scratch = &scratch});
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(ReadText(*opened->image, 0, 1 << 20), content.substr(0, 1 << 20));
  const auto read = ReadBytes(*opened->image, content.size() - 1, 1);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().message.find("*.index"), std::string::npos);
}

TEST_F(ZstdTest, ATruncatedFrameGivesThePartThatIsThere) {
  const std::string content = testing::MakeContent(6 << 20, 5);
  for (const bool streamed : {true, false}) {
    const std::string stored = Compress(content, streamed);
    const auto opened = OpenFile(stored.substr(0, stored.size() / 2));
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    const uint64_t size = opened->image->size_bytes();
    EXPECT_GT(size, content.size() / 4);
    EXPECT_LT(size, content.size());
    EXPECT_EQ(ReadText(*opened->image, 0, size), content.substr(0, size));
  }
  EXPECT_EQ(diagnostics_.Count(kImageCompressedDamaged), 2U);
  EXPECT_TRUE(diagnostics_.HasLoss());
}

TEST_F(ZstdTest, ADamagedSmallFrameCostsOnlyItself) {
  const std::string content = testing::MakeContent(1 << 20, 6);
  std::string stored = CompressFrames(content, 1 << 18);
  const size_t second = Compress(std::string_view(content).substr(0, 1 << 18)).size();
  stored[second + 2000] = static_cast<char>(stored[second + 2000] ^ 0x55);
  const auto opened = OpenFile(stored);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->image->size_bytes(), content.size());
  EXPECT_EQ(ReadText(*opened->image, 0, 1 << 18), content.substr(0, 1 << 18));
  EXPECT_EQ(ReadBytes(*opened->image, (1 << 18) + 5, 5).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ReadText(*opened->image, 2 << 18, 2 << 18), content.substr(2 << 18));
  EXPECT_EQ(diagnostics_.Count(kImageCompressedDamaged), 1U);
}

TEST_F(ZstdTest, ADamagedLargeFrameDoesNotMoveTheNext) {
  const std::string large(limits::kMaxZstdFrameBytes + 5, 'L');
  std::string stored = Compress(large);
  stored.back() = static_cast<char>(stored.back() ^ 1);  // its checksum
  const std::string next = testing::MakeContent(100000, 7);
  const auto opened = OpenFile(stored + Compress(next));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(opened->image->size_bytes(), large.size() + next.size());
  EXPECT_EQ(ReadText(*opened->image, large.size(), next.size()), next);
  EXPECT_EQ(diagnostics_.Count(kImageCompressedDamaged), 1U);
}

TEST_F(ZstdTest, WhatFollowsTheLastFrameIsReported) {
  const auto opened = OpenFile(Compress("content") + "garbage");
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(ReadText(*opened->image, 0, 7), "content");
  EXPECT_EQ(diagnostics_.Count(kImageCompressedDamaged), 1U);
}

TEST_F(ZstdTest, AHugeClaimCostsNothing) {
  // A frame with a window of 128 KiB that declares 2^60 bytes and has one raw block of three.
  const std::string header = "\x28\xB5\x2F\xFD\xC0\x38\0\0\0\0\0\0\0\x10"s;
  const auto opened = OpenFile(header + "\x18\0\0abc"s);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(opened->image->size_bytes(), 3U);
  EXPECT_EQ(ReadText(*opened->image, 0, 3), "abc");
  EXPECT_EQ(diagnostics_.Count(kImageCompressedDamaged), 1U);
  // The same as the frame's last block: it ends long before what it declares.
  const auto ended = OpenFile(header + "\x19\0\0abc"s);
  ASSERT_FALSE(ended.has_value());
  EXPECT_NE(ended.error().message.find("kMaxUnreadableBytes"), std::string::npos);
}

TEST_F(ZstdTest, WindowsAreBounded) {
  // A window of 1 GiB: more than we spend, and less than --long=31 can make.
  const std::string stored = std::string("\x28\xB5\x2F\xFD\x00\xA0", 6) + std::string(20, '\0');
  const auto opened = OpenFile(stored);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kLimit);
  EXPECT_NE(opened.error().message.find("kMaxZstdWindowBytes"), std::string::npos);
  EXPECT_NE(opened.error().message.find("1.0 GiB"), std::string::npos) << opened.error().message;
}

TEST_F(ZstdTest, FramesAreBounded) {
  // The smallest frame: no content, one empty raw block that is the last.
  constexpr std::string_view kEmptyFrame = "\x28\xB5\x2F\xFD\x20\x00\x01\x00\x00"sv;
  std::string stored = Compress("content");
  stored.reserve(stored.size() + kEmptyFrame.size() * limits::kMaxZstdFrames);
  for (size_t i = 0; i < limits::kMaxZstdFrames; ++i) stored += kEmptyFrame;
  const auto opened = OpenFile(stored);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(ReadText(*opened->image, 0, 7), "content");
  ASSERT_EQ(diagnostics_.Count(kImageCompressedDamaged), 1U);
  EXPECT_NE(diagnostics_.Sorted()[0].detail.find("kMaxZstdFrames"), std::string::npos);
}

TEST_F(ZstdTest, DictionariesAreRefusedByName) {
  const auto opened = OpenFile("\x28\xB5\x2F\xFD\x21\x2A\x05\x01\x00\x00"sv);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(opened.error().message.find("dictionary 42"), std::string::npos);
}

TEST_F(ZstdTest, CanBeCancelled) {
  Progress progress;
  progress.Cancel();
  const auto opened = image::Open(folder_.Write("disk", Compress("x", true)),
                                  {.diagnostics = &diagnostics_, .progress = &progress});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kCancelled);
}

TEST_F(ZstdTest, EveryTruncationAndByteFlipEnds) {
  const std::string content = testing::MakeContent(3000, 8) + "tail of the content";
  for (const std::string& whole :
       {Compress(content, true), CompressFrames(content.substr(0, 2000), 700)}) {
    const auto read_all = [&](const std::string& stored) {
      const auto opened = Open(folder_.Write("disk", stored), {.diagnostics = &diagnostics_});
      if (!opened) return;
      std::vector<std::byte> out(opened->image->size_bytes());
      ASSERT_LE(out.size(), limits::kMaxZstdFrameBytes * 4);
      static_cast<void>(opened->image->ReadAt(0, out));
    };
    for (size_t length = 1; length < whole.size(); length += length < 64 ? 1 : 7) {
      read_all(whole.substr(0, length));
    }
    for (size_t place = 0; place < whole.size(); place += place < 64 ? 1 : 5) {
      std::string stored = whole;
      stored[place] = static_cast<char>(stored[place] ^ (1 << place % 8));
      read_all(stored);
    }
  }
  EXPECT_TRUE(diagnostics_.HasLoss());
}

}  // namespace
}  // namespace ekshume::image::zstd
