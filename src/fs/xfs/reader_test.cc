// SPDX-License-Identifier: Apache-2.0
#include "fs/xfs/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "fs/path.h"
#include "fs/xfs/testing_sample.h"

namespace ekshume::fs::xfs {
namespace {

using ::testing::Contains;
using testing::Describe;
using testing::LoadSample;
using ::testing::Not;
using testing::OpenXfs;
using testing::SampleBytes;
using testing::TestImage;

class SampleTest : public ::testing::TestWithParam<std::string> {
 protected:
  const std::string& bytes() const { return SampleBytes(GetParam()); }
};

std::vector<std::string> Codes(const DiagnosticSink& sink) {
  std::vector<std::string> codes;
  for (const auto& diagnostic : sink.Sorted()) {
    codes.push_back(std::string(DiagnosticCodeName(diagnostic.code)) + ": " + diagnostic.detail);
  }
  return codes;
}

TEST_P(SampleTest, ShowsWhatTheKernelShows) {
  const TestImage image(bytes());
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink);
  ASSERT_TRUE(filesystem.has_value()) << filesystem.error().message;
  EXPECT_EQ(Describe(**filesystem, sink), LoadSample(GetParam() + ".tsv.zst"));
  EXPECT_EQ(sink.Count(DiagnosticCode::kXfsLogReplayed), 1U);
  EXPECT_EQ(sink.Sorted().size(), 1U) << ::testing::PrintToString(Codes(sink));
  EXPECT_EQ((*filesystem)->info().log_state, "replayed");
}

TEST_P(SampleTest, FindsFilesDeletedWhileOpen) {
  for (const bool raw : {false, true}) {
    const TestImage image(bytes());
    DiagnosticSink sink;
    const auto filesystem = OpenXfs(image, sink, raw);
    ASSERT_TRUE(filesystem.has_value());
    std::vector<std::string> found;
    for (const DeletedNode& deleted : (*filesystem)->Deleted()) {
      EXPECT_EQ(deleted.how, "unlinked list");
      const std::string content = testing::ReadAll(**filesystem, deleted.node);
      EXPECT_EQ((*filesystem)->GetStat(deleted.node).value().links, 0U);
      found.push_back(fmt::format("{}\t{}\t{}\n", static_cast<uint64_t>(deleted.node),
                                  content.size(), ToHex(Sha256::Of(ByteView::Of(content)))));
    }
    std::sort(found.begin(), found.end());
    EXPECT_EQ(fmt::format("{}", fmt::join(found, "")), LoadSample(GetParam() + ".deleted"));
  }
}

TEST_P(SampleTest, TellsWhatItIs) {
  const TestImage image(bytes());
  EXPECT_TRUE(kXfsFormat.sniff(image));
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink, true);
  ASSERT_TRUE(filesystem.has_value());
  const FilesystemInfo& info = (*filesystem)->info();
  EXPECT_EQ(info.type, "xfs");
  EXPECT_EQ(info.total_bytes, bytes().size());
  EXPECT_EQ(info.log_state, "dirty");
  EXPECT_EQ(sink.Count(DiagnosticCode::kFilesystemReadRaw), 1U);
  if (GetParam() == "v5") {
    EXPECT_EQ(info.label, "sample5");
    EXPECT_EQ(info.block_bytes, 1024U);
    EXPECT_THAT(info.features, Contains("nrext64"));
    EXPECT_THAT(info.features, Contains("rmapbt"));
    EXPECT_TRUE(info.made.has_value());
  } else {
    EXPECT_EQ(info.label, "sample4");
    EXPECT_EQ(info.block_bytes, 512U);
    EXPECT_THAT(info.features, Not(Contains("crc")));
    EXPECT_THAT(info.features, Not(Contains("ftype")));
    EXPECT_FALSE(info.made.has_value());
  }
}

TEST_P(SampleTest, ReadsPartsOfFilesAndSaysWhereTheyLie) {
  const TestImage image(bytes());
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink);
  ASSERT_TRUE(filesystem.has_value());
  const auto file = (*filesystem)->OpenFile(ResolvePath(**filesystem, "/mixed").value());
  ASSERT_TRUE(file.has_value());
  const uint64_t block = (*filesystem)->info().block_bytes;
  uint64_t expected_offset = 0;
  std::string kinds;
  for (const fs::Run& run : (*file)->runs()) {
    EXPECT_EQ(run.file_offset_bytes, expected_offset);
    expected_offset += run.length_bytes;
    kinds += run.kind == fs::Run::Kind::kHole        ? 'h'
             : run.kind == fs::Run::Kind::kUnwritten ? 'u'
                                                     : 'd';
    if (run.kind != fs::Run::Kind::kData) continue;
    EXPECT_EQ(bytes().substr(run.device_offset_bytes, 7), "written");
  }
  EXPECT_EQ(expected_offset, 40 * block);
  EXPECT_EQ(kinds, "huduh");
  std::string part(9, 'x');
  EXPECT_EQ((*file)->ReadAt(5 * block - 1, AsWritableBytes(part)).value(), 9U);
  EXPECT_EQ(part, std::string("\0written\0", 9));
  EXPECT_EQ((*file)->ReadAt(40 * block - 3, AsWritableBytes(part)).value(), 3U);
  EXPECT_EQ((*file)->ReadAt(40 * block, AsWritableBytes(part)).value(), 0U);
  EXPECT_EQ((*file)->ReadAt(UINT64_MAX, AsWritableBytes(part)).value(), 0U);
}

TEST_P(SampleTest, RefusesTheWrongKindOfNode) {
  const TestImage image(bytes());
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink);
  ASSERT_TRUE(filesystem.has_value());
  const NodeId root = (*filesystem)->root();
  EXPECT_EQ((*filesystem)->OpenFile(root).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ((*filesystem)->ReadSymlink(root).error().code, ErrorCode::kInvalidArgument);
  const NodeId fifo = ResolvePath(**filesystem, "/fifo").value();
  const auto visit = [](DirectoryEntry&&) { return true; };
  EXPECT_EQ((*filesystem)->ReadDirectory(fifo, visit).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ((*filesystem)->GetStat(NodeId{UINT64_MAX}).error().code, ErrorCode::kOutOfRange);
  EXPECT_FALSE((*filesystem)->GetStat(NodeId{0}).has_value());
}

TEST_P(SampleTest, StopsListingWhenAsked) {
  const TestImage image(bytes());
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink);
  ASSERT_TRUE(filesystem.has_value());
  for (const char* path : {"/", "/d4", "/d30", "/d700"}) {
    int count = 0;
    const auto listed = (*filesystem)
                            ->ReadDirectory(ResolvePath(**filesystem, path).value(),
                                            [&](DirectoryEntry&&) { return ++count < 2; });
    EXPECT_TRUE(listed.has_value());
    EXPECT_EQ(count, 2) << path;
  }
}

TEST_P(SampleTest, ServesManyThreads) {
  const TestImage image(bytes());
  DiagnosticSink sink;
  const auto filesystem = OpenXfs(image, sink);
  ASSERT_TRUE(filesystem.has_value());
  std::vector<std::string> seen(4);
  {
    std::vector<std::jthread> threads;
    threads.reserve(seen.size());
    for (std::string& view : seen) {
      threads.emplace_back([&] { view = Describe(**filesystem, sink); });
    }
  }
  const std::string expected = LoadSample(GetParam() + ".tsv.zst");
  for (const std::string& view : seen) EXPECT_EQ(view, expected);
}

INSTANTIATE_TEST_SUITE_P(Samples, SampleTest, ::testing::Values("v4", "v5"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace ekshume::fs::xfs
