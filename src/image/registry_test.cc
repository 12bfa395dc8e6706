// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "image/format.h"
#include "image/test_support.h"

namespace ekshume::image {
namespace {

using std::string_view_literals::operator""sv;
using testing::TemporaryFolder;

TEST(RegistryTest, AsksInTheOrderOfPriorities) {
  ASSERT_FALSE(Formats().empty());
  EXPECT_TRUE(std::ranges::is_sorted(Formats(), std::greater(), &Format::priority));
  EXPECT_EQ(Formats().back().name, "raw");
  for (const Format& format : Formats()) EXPECT_FALSE(format.description.empty()) << format.name;
}

TEST(RegistryTest, RawFitsWhatNothingElseFits) {
  const TemporaryFolder folder;
  DiagnosticSink diagnostics;
  // Names decide nothing.
  for (const std::string_view name : {"disk.img", "disk.gz", "disk.zst", "x"}) {
    const auto opened = Open(folder.Write(name, "some bytes"), {.diagnostics = &diagnostics});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    EXPECT_EQ(opened->format, "raw");
    EXPECT_EQ(opened->files, std::vector<std::string>{folder.File(name)});
    EXPECT_EQ(opened->stored_bytes, 10U);
    EXPECT_EQ(testing::ReadText(*opened->image, 5, 5), "bytes");
  }
  EXPECT_TRUE(diagnostics.Sorted().empty());
}

TEST(RegistryTest, RefusesKnownFormatsByName) {
  const TemporaryFolder folder;
  DiagnosticSink diagnostics;
  for (const auto& [magic, word] : {std::pair{"QFI\xfb\0\0\0\3"sv, "qcow2"sv},
                                    {"EVF\x09\x0d\x0a\xff\x00\x01"sv, "EWF"sv},
                                    {"\xfd\x37zXZ\0\0"sv, "xz"sv},
                                    {"vhdxfile"sv, "VHDX"sv},
                                    {"PK\x03\x04"sv, "zip"sv}}) {
    const auto opened = Open(folder.Write("disk.img", magic), {.diagnostics = &diagnostics});
    ASSERT_FALSE(opened.has_value()) << word;
    EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(opened.error().message.find(word), std::string::npos) << opened.error().message;
  }
}

}  // namespace
}  // namespace ekshume::image
