// SPDX-License-Identifier: Apache-2.0
#include "fs/archive/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "fs/path.h"

namespace ekshume::fs::archive {
namespace {

using testing::HasSubstr;

// Made by Python's zipfile: "folder/stored.txt" (stored), "deflated.txt" (10,000 bytes 'a').
std::string Sample() {
  std::ifstream stream(EKSHUME_SOURCE_DIR "/fuzz/corpus/fs_archive/small.zip", std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Opened {
  std::unique_ptr<image::Image> image;
  std::unique_ptr<Filesystem> tree;
  std::string error;
};
Opened Open(std::string_view bytes, DiagnosticSink& diagnostics, const ZipOptions& options = {}) {
  Opened opened;
  const ByteView view = ByteView::Of(bytes);
  opened.image = image::MakeMemory({view.AsSpan().begin(), view.AsSpan().end()}, "z");
  auto tree = OpenZip(*opened.image, "z", diagnostics, options);
  if (tree) {
    opened.tree = *std::move(tree);
  } else {
    opened.error = tree.error().message;
  }
  return opened;
}

TEST(Zip, ReadsStoredAndDeflatedMembers) {
  DiagnosticSink diagnostics;
  const Opened opened = Open(Sample(), diagnostics);
  ASSERT_TRUE(opened.tree) << opened.error;
  EXPECT_EQ(*ReadWholeFile(*opened.tree, "folder/stored.txt", 100), "as it is\n");
  EXPECT_EQ(*ReadWholeFile(*opened.tree, "deflated.txt", 20000), std::string(10000, 'a'));
  const auto node = ResolvePath(*opened.tree, "deflated.txt");
  ASSERT_TRUE(node);
  EXPECT_EQ(opened.tree->GetStat(*node)->modified.seconds, 1795000000);
  std::string middle(5, '\0');
  EXPECT_EQ(*(*opened.tree->OpenFile(*node))->ReadAt(9997, AsWritableBytes(middle)), 3U);
  EXPECT_TRUE(diagnostics.Sorted().empty());
}

TEST(Zip, HoldsToItsLimits) {
  DiagnosticSink diagnostics;
  ZipOptions options;
  options.most_members = 2;  // stands for kMaxCollectionMembers; the root is one
  Open(Sample(), diagnostics, options);
  EXPECT_GE(diagnostics.Count(DiagnosticCode::kCollectionLimit), 1U);
}

// A member may claim any size: kMaxUnpackRatio.
TEST(Zip, RefusesWhatUnpacksToTooMuch) {
  std::string bytes = Sample();
  const size_t central = bytes.rfind("PK\x01\x02");
  ASSERT_NE(central, std::string::npos);
  bytes[central + 24 + 3] = '\x7f';  // uncompressed_size: about 2 GiB
  DiagnosticSink diagnostics;
  ZipOptions options;
  options.most_unpacked_bytes = 1000;
  const Opened opened = Open(bytes, diagnostics, options);
  ASSERT_TRUE(opened.tree);
  const auto node = ResolvePath(*opened.tree, "deflated.txt");
  std::string some(5, '\0');
  const auto read = (*opened.tree->OpenFile(*node))->ReadAt(0, AsWritableBytes(some));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("kMaxUnpackRatio"));
}

TEST(Zip, EveryCutAndFlipIsSafe) {
  const std::string whole = Sample();
  for (size_t size = 0; size < whole.size(); ++size) {
    DiagnosticSink diagnostics;
    EXPECT_FALSE(Open(whole.substr(0, size), diagnostics).tree) << size;
  }
  size_t wrong = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x55);
    DiagnosticSink diagnostics;
    const Opened opened = Open(flipped, diagnostics);
    if (!opened.tree) continue;
    const auto content = ReadWholeFile(*opened.tree, "deflated.txt", 20000);
    // What is read is right, or it is an error: the CRC sees to that.
    if (content) {
      EXPECT_EQ(*content, std::string(10000, 'a')) << i;
    }
    if (!content) ++wrong;
  }
  EXPECT_GT(wrong, 20U);
}

}  // namespace
}  // namespace ekshume::fs::archive
