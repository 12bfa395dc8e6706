// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "collection/left_out.h"
#include "collection/parts_image.h"
#include "collection/reader.h"
#include "collection/test_support.h"
#include "fs/path.h"

namespace ekshume::collection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(PartsTest, JoinsTheParts) {
  const std::string second = SmallArchive(1024, 2);
  const std::string first = SmallArchive();
  // Cut within the memory, which the second part has.
  const Opened cut = Open({first.substr(0, 4000)});
  ASSERT_TRUE(cut.reader);
  EXPECT_THAT(cut.reader->Received(), ElementsAre("deleted/7/exe"));
  EXPECT_TRUE(cut.reader->Find("memory/7/1000-2000")->partial);
  const Opened both = Open({second, first.substr(0, 4000)});
  ASSERT_TRUE(both.reader);
  EXPECT_EQ(both.reader->part(0).opening().part.value(), 1U);
  EXPECT_EQ(both.reader->Find("deleted/7/exe")->part, 0U);
  EXPECT_EQ(both.reader->Find("memory/7/1000-2000")->part, 1U);
  EXPECT_EQ(both.Read(*both.reader->Find("memory/7/1000-2000")),
            Contents().at("memory/7/1000-2000"));
  EXPECT_EQ(both.Count(DiagnosticCode::kCollectionTruncated), 1U);
  // The table is whole in the first part, so it is read from there, and once.
  const std::string table = both.Table("live/processes.jsonl");
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 20);
  // collection.json counts once among the names.
  EXPECT_THAT(both.reader->Counting(), SizeIs(Open({first}).reader->members().size()));
  EXPECT_EQ(Reader::Open({}, *both.diagnostics).error().code, ErrorCode::kInvalidArgument);
}

// A second part that leaves out `received`, as the collector says it when it is started again.
std::string SecondPart(const std::vector<std::string>& received, bool early = false) {
  MemorySink sink;
  WriterOptions options;
  options.part = 2;
  options.stream_id.fill(2);
  options.continues_id.fill(1);
  auto writer = Writer::Start(sink, options);
  EXPECT_TRUE(writer);
  EXPECT_TRUE((*writer)->AddText(
      "collection.json",
      fmt::format(R"({{"format":"ekshume-collection","left_out":{{"sha256":"{}"}}}})",
                  LeftOutDigest(received))));
  for (const auto& [path, content] : Contents()) {
    if (path == "collection.json" || std::ranges::find(received, path) != received.end()) continue;
    EXPECT_TRUE((*writer)->Add(FileNamed(path, content.size()), ByteView::Of(content)));
  }
  EXPECT_TRUE((*writer)->Finish(early));
  return sink.written;
}

TEST(PartsTest, SaysNothingOfACutThatTheNextPartMakesGood) {
  const std::string first = SmallArchive().substr(0, 4000);
  const std::vector<std::string> received = Open({first}).reader->Received();
  ASSERT_THAT(received, ElementsAre("deleted/7/exe"));
  const std::string second = SecondPart(received);
  const Opened both = Open({second, first});
  ASSERT_TRUE(both.reader);
  EXPECT_EQ(both.Count(DiagnosticCode::kCollectionTruncated), 0U);
  for (const auto& [path, content] : Contents()) {
    if (path == "collection.json") continue;
    ASSERT_NE(both.reader->Find(path), nullptr) << path;
    EXPECT_EQ(both.Read(*both.reader->Find(path)), content) << path;
  }
}

// What was left out is not here any more, or not all of the rest came.
TEST(PartsTest, StillSaysSoWhenTheNextPartDoesNot) {
  const std::string first = SmallArchive().substr(0, 4000);
  const std::vector<std::string> received = {"deleted/7/exe"};
  const std::string second = SecondPart(received);
  const auto truncated = [](const std::vector<std::string>& parts) {
    return Open(parts).Count(DiagnosticCode::kCollectionTruncated);
  };
  EXPECT_EQ(truncated({first.substr(0, 1200), second}), 1U);
  EXPECT_EQ(truncated({first, second.substr(0, second.size() - 1)}), 2U);
  EXPECT_EQ(truncated({first, SecondPart(received, /*early=*/true)}), 1U);
  EXPECT_EQ(truncated({first, SecondPart({})}), 1U);
  EXPECT_EQ(truncated({first, SmallArchive(1024, 2)}), 1U);
}

TEST(PartsTest, TakesATableThatWasCutFromTheNextPart) {
  const std::string first = SmallArchive();
  const Opened cut = Open({first.substr(0, sizeof(OpeningFrame) + 500)});
  ASSERT_TRUE(cut.reader);
  const Opened both = Open({first.substr(0, sizeof(OpeningFrame) + 500), SmallArchive(1024, 2)});
  const std::string table = both.Table("live/processes.jsonl");
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 20);
  EXPECT_FALSE(
      *both.reader->ReadTable("live/nothing.jsonl", [](std::string_view) {}, *both.diagnostics));
}

// The tree shows what a reader of one part would see, whichever part has it.
TEST(PartsImageTest, ShowsAllPartsAsOneTree) {
  const std::string first = SmallArchive(1024, 1);
  const std::string second = SmallArchive(1024, 2);
  for (const size_t cut : {first.size() / 3, first.size() / 2, first.size() - 81}) {
    std::vector<std::unique_ptr<image::Image>> parts;
    for (const std::string& part : {second, first.substr(0, cut)}) {
      const auto bytes = ByteView::Of(part).AsSpan();
      parts.push_back(image::MakeMemory({bytes.begin(), bytes.end()}, "part"));
    }
    DiagnosticSink diagnostics;
    const auto image = PartsImage::Open(std::move(parts), "c", diagnostics);
    ASSERT_TRUE(image) << image.error().message;
    const auto tree = (*image)->Tree(diagnostics);
    for (const auto& [path, content] : Contents()) {
      const auto bytes = fs::ReadWholeFile(*tree, path, 1 << 20);
      ASSERT_TRUE(bytes) << path << " " << bytes.error().message;
      EXPECT_EQ(*bytes, content) << path;
    }
    const auto table = fs::ReadWholeFile(*tree, "live/processes.jsonl", 1 << 20);
    ASSERT_TRUE(table);
    EXPECT_THAT(*table, HasSubstr("{\"pid\":19}\n"));
    EXPECT_EQ(diagnostics.Count(DiagnosticCode::kCollectionTruncated), 1U);
    EXPECT_EQ(diagnostics.Count(DiagnosticCode::kCollectionDamaged), 0U);
    std::string past(8, '\0');
    EXPECT_FALSE((*image)->ReadAt((*image)->size_bytes() - 1, AsWritableBytes(past)));
  }
}

// Of a table that was cut only what arrived is shown, so that reading it does not fail.
TEST(PartsImageTest, ShowsTheBeginningOfACutTable) {
  MemorySink sink;
  WriterOptions options;
  options.frame_bytes = 512;
  auto writer = Writer::Start(sink, options);
  ASSERT_TRUE(writer);
  std::string lines;
  for (int i = 0; i < 600; ++i) lines += fmt::format("{{\"pid\":{}}}\n", i * 7919);
  ASSERT_TRUE((*writer)->AddText("live/processes.jsonl", lines));
  ASSERT_TRUE((*writer)->Finish(false));
  std::vector<std::unique_ptr<image::Image>> parts;
  const auto bytes = ByteView::Of(sink.written).AsSpan().first(sink.written.size() / 2);
  parts.push_back(image::MakeMemory({bytes.begin(), bytes.end()}, "part"));
  DiagnosticSink diagnostics;
  const auto image = PartsImage::Open(std::move(parts), "c", diagnostics);
  ASSERT_TRUE(image);
  const auto tree = (*image)->Tree(diagnostics);
  const auto table = fs::ReadWholeFile(*tree, "live/processes.jsonl", 1 << 20);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_GT(table->size(), 512U);
  EXPECT_LT(table->size(), lines.size());
  EXPECT_EQ(*table, lines.substr(0, table->size()));
}

}  // namespace
}  // namespace ekshume::collection
