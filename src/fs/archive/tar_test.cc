// SPDX-License-Identifier: Apache-2.0
#include "fs/archive/tar.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "fs/path.h"

namespace ekshume::fs::archive {
namespace {

std::vector<std::byte> Sample() {
  std::ifstream stream(EKSHUME_SOURCE_DIR "/fuzz/corpus/fs_archive/checkpoint.tar",
                       std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  const ByteView view = ByteView::Of(text);
  return {view.AsSpan().begin(), view.AsSpan().end()};
}

TEST(TarTest, ReadsMembersOfGnuTar) {
  const auto image = image::MakeMemory(Sample(), "t");
  DiagnosticSink diagnostics;
  const auto tree = OpenTar(*image, "t", diagnostics);
  ASSERT_TRUE(tree);
  const auto content = ReadWholeFile(**tree, "/pstree.img", 100);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->size(), 26U);
  EXPECT_TRUE(diagnostics.Sorted().empty());
  EXPECT_FALSE(ResolvePath(**tree, "/nothing"));
}

TEST(TarTest, SaysWhereMembersEnd) {
  const auto image = image::MakeMemory(Sample(), "t");
  DiagnosticSink diagnostics;
  TarOptions options;
  options.most_members = 2;  // stands for kMaxCollectionMembers
  ASSERT_TRUE(OpenTar(*image, "t", diagnostics, options));
  EXPECT_EQ(diagnostics.Count(DiagnosticCode::kCollectionLimit), 1U);
}

// The first member has 26 bytes: a cut before their end, or inside the next header, is seen.
TEST(TarTest, CutsAreSafeAndSeen) {
  const std::vector<std::byte> whole = Sample();
  for (size_t size = 512; size < 1536; ++size) {
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto image = image::MakeMemory(cut, "t");
    DiagnosticSink diagnostics;
    ASSERT_TRUE(OpenTar(*image, "t", diagnostics));
    const bool loses = size < 512 + 26 || size > 1024;
    EXPECT_EQ(diagnostics.HasLoss(), loses) << size;
  }
}

}  // namespace
}  // namespace ekshume::fs::archive
