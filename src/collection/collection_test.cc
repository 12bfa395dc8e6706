// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "collection/frame_check.h"
#include "collection/line_cutter.h"
#include "collection/reader.h"
#include "collection/test_support.h"
#include "collection/writer.h"
#include "fs/path.h"

namespace ekshume::collection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(CollectionTest, GivesBackWhatWasWritten) {
  for (const size_t frame_bytes : {size_t{512}, size_t{1000}, size_t{1024}, size_t{1} << 20}) {
    const Opened opened = Open({SmallArchive(frame_bytes)});
    ASSERT_TRUE(opened.reader) << opened.error;
    ASSERT_TRUE(opened.reader->Verify(*opened.diagnostics));
    EXPECT_THAT(opened.diagnostics->Sorted(), SizeIs(0)) << frame_bytes;
    for (const auto& [path, content] : Contents()) {
      const Member* member = opened.reader->Find(path);
      ASSERT_NE(member, nullptr) << path;
      EXPECT_FALSE(member->partial);
      EXPECT_EQ(opened.Read(*member), content);
    }
    EXPECT_EQ(opened.reader->Find("nothing"), nullptr);
    const fs::Stat& stat = opened.reader->Find("root/empty")->header.stat;
    EXPECT_EQ(stat.modified, (Timestamp{1764252000, 123456789}));
    EXPECT_EQ(stat.accessed, (Timestamp{1764252001, 5}));
    EXPECT_EQ(stat.changed, (Timestamp{-2, 500000000}));
    EXPECT_EQ(stat.permissions, 0640);
    EXPECT_EQ(stat.uid, 1000U);
    const auto& xattrs = opened.reader->Find("root/empty")->header.xattrs;
    ASSERT_THAT(xattrs, SizeIs(1));
    EXPECT_EQ(xattrs[0].value, std::string("\0\n=x", 4));
    EXPECT_EQ(opened.reader->Find("root/link")->header.link_target, std::string(101, 't'));
    EXPECT_THAT(opened.Table("live/processes.jsonl"), HasSubstr("{\"pid\":19}\n"));
    EXPECT_THAT(opened.Table("manifest.jsonl"),
                HasSubstr("\"member\":\"deleted/7/exe\",\"size\":1500"));
    EXPECT_TRUE(opened.reader->IsComplete(0));
    EXPECT_EQ(opened.reader->part(0).opening().stream_id[15], 1);
  }
}

TEST(CollectionTest, ReadsAPieceOfAMember) {
  const Opened opened = Open({SmallArchive()});
  const Member* member = opened.reader->Find("memory/7/1000-2000");
  std::string bytes(100, '\0');
  EXPECT_EQ(*opened.reader->ReadAt(*member, 0xfd0, AsWritableBytes(bytes)), 0x30U);
  EXPECT_EQ(bytes.substr(0, 0x30), Contents().at("memory/7/1000-2000").substr(0xfd0));
  EXPECT_EQ(*opened.reader->ReadAt(*member, 0x1000, AsWritableBytes(bytes)), 0U);
  EXPECT_EQ(opened.reader->ReadAll(*member, 0xfff).error().code, ErrorCode::kLimit);
}

TEST(CollectionTest, SeesEveryCut) {
  const std::string whole = SmallArchive();
  for (size_t size = 0; size < whole.size(); ++size) {
    const Opened opened = Open({whole.substr(0, size)});
    if (size < offsetof(FrameStart, flags)) {
      EXPECT_FALSE(opened.reader) << size;
      EXPECT_THAT(opened.error, HasSubstr("does not begin as a collection"));
      continue;
    }
    ASSERT_TRUE(opened.reader) << size << opened.error;
    EXPECT_EQ(opened.Count(DiagnosticCode::kCollectionTruncated), 1U) << size;
    EXPECT_FALSE(opened.reader->IsComplete(0));
    ExpectWholeMembersTrue(opened, fmt::format("cut at {}", size));
    ASSERT_TRUE(opened.reader->Verify(*opened.diagnostics));
    EXPECT_EQ(opened.Count(DiagnosticCode::kCollectionMismatch), 0U) << size;
  }
}

TEST(CollectionTest, SeesEveryFlippedByte) {
  const std::string whole = SmallArchive();
  const size_t members = Open({whole}).reader->members().size();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    const Opened opened = Open({damaged});
    if (!opened.reader) {
      EXPECT_LT(at, sizeof(FrameStart)) << opened.error;
      continue;
    }
    EXPECT_TRUE(opened.diagnostics->HasLoss()) << at;
    EXPECT_EQ(opened.Count(DiagnosticCode::kCollectionDamaged) == 0,
              opened.Count(DiagnosticCode::kCollectionTruncated) > 0 &&
                  at >= whole.size() - sizeof(TrailerFrame))
        << at;
    ExpectWholeMembersTrue(opened, fmt::format("flipped at {}", at));
    // One frame of a KiB is lost: the members before and behind it are there.
    EXPECT_GE(opened.reader->members().size() + 4, members) << at;
  }
}

TEST(CollectionTest, SeesFramesThatAreMissingOrTwice) {
  const std::string whole = SmallArchive();
  const auto bytes = ByteView::Of(whole);
  const size_t first = sizeof(OpeningFrame);
  const auto header = *bytes.Read<HeaderFrame>(first);
  const size_t length = sizeof(HeaderFrame) + header.stored_bytes.value();
  const Opened missing = Open({whole.substr(0, first) + whole.substr(first + length)});
  ASSERT_TRUE(missing.reader);
  EXPECT_GE(missing.Count(DiagnosticCode::kCollectionDamaged), 1U);
  EXPECT_EQ(missing.reader->Find("collection.json"), nullptr);
  EXPECT_NE(missing.reader->Find("root/empty"), nullptr);
  ExpectWholeMembersTrue(missing, "missing");
  const Opened twice = Open({whole.substr(0, first + length) + whole.substr(first, length) +
                             whole.substr(first + length)});
  ASSERT_TRUE(twice.reader);
  EXPECT_GE(twice.Count(DiagnosticCode::kCollectionDamaged), 1U);
  EXPECT_NE(twice.reader->Find("collection.json"), nullptr);
  ExpectWholeMembersTrue(twice, "twice");
  const Opened after = Open({whole + "more"});
  EXPECT_EQ(after.Count(DiagnosticCode::kCollectionDamaged), 1U);
}

TEST(CollectionTest, TellsWhatTheCollectorCouldNotRead) {
  const Opened opened = Open({SmallArchive(1024, 1, /*early=*/true)});
  ASSERT_TRUE(opened.reader->Verify(*opened.diagnostics));
  EXPECT_EQ(opened.Count(DiagnosticCode::kCollectionIncomplete), 2U);
  EXPECT_EQ(opened.Count(DiagnosticCode::kCollectionMismatch), 0U);
}

// An archive whose bytes were changed by someone who made the framing anew.
TEST(CollectionTest, SeesAMemberThatIsNotItsManifests) {
  MemorySink sink;
  auto writer = Writer::Start(sink, {});
  ASSERT_TRUE((*writer)->AddText("root/a", "changed"));
  MemorySink other;
  auto honest = Writer::Start(other, {});
  ASSERT_TRUE((*honest)->AddText("root/a", "genuine"));
  ASSERT_TRUE((*honest)->Finish(false));
  const Opened genuine = Open({other.written});
  const std::string manifest = genuine.Read(*genuine.reader->Find("manifest.jsonl"));
  ASSERT_TRUE((*writer)->AddText("manifest.jsonl", manifest));
  ASSERT_TRUE((*writer)->AddText("root/b", "added"));
  sink.room = SIZE_MAX;
  ASSERT_TRUE((*writer)->Flush());
  const Opened changed = Open({sink.written});
  ASSERT_TRUE(changed.reader->Verify(*changed.diagnostics));
  EXPECT_EQ(changed.Count(DiagnosticCode::kCollectionMismatch), 1U);
}

TEST(CollectionTest, PutsZerosWhereAMemberEndsEarly) {
  MemorySink sink;
  auto writer = Writer::Start(sink, {});
  ASSERT_TRUE((*writer)->Begin(FileNamed("root/grown", 10000)));
  ASSERT_TRUE((*writer)->Append(ByteView::Of("some")));
  ASSERT_TRUE((*writer)->End());
  ASSERT_TRUE((*writer)->Finish(false));
  const Opened opened = Open({sink.written});
  ASSERT_TRUE(opened.reader->Verify(*opened.diagnostics));
  EXPECT_FALSE(opened.diagnostics->HasLoss());
  EXPECT_EQ(opened.Read(*opened.reader->Find("root/grown")), "some" + std::string(9996, '\0'));
  EXPECT_THAT(opened.Table("manifest.jsonl"), HasSubstr("\"partial\":true"));
}

TEST(CollectionTest, KeepsTheErrorOfItsSink) {
  MemorySink sink;
  sink.room = 2000;
  WriterOptions options;
  options.frame_bytes = 512;
  auto writer = Writer::Start(sink, options);
  const std::string noise = Noise(4000, 3);
  EXPECT_EQ((*writer)->AddText("root/a", noise).error().message, "the line is cut");
  EXPECT_EQ((*writer)->AddText("root/b", "b").error().message, "the line is cut");
  EXPECT_EQ((*writer)->Finish(false).error().message, "the line is cut");
}

TEST(CollectionTest, CutsLargeTablesIntoPieces) {
  MemorySink sink;
  auto writer = Writer::Start(sink, {});
  TableWriter table(**writer, "live/maps.jsonl");
  const std::string filler(1000, 'x');
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(table.AddLine(fmt::format("{} {}", i, filler)));
  ASSERT_TRUE(table.Finish());
  ASSERT_TRUE((*writer)->AddText("live/maps.x.jsonl", "no piece\n"));
  ASSERT_TRUE((*writer)->Finish(false));
  const Opened opened = Open({sink.written});
  EXPECT_NE(opened.reader->Find("live/maps.3.jsonl"), nullptr);
  int next = 0;
  EXPECT_TRUE(*opened.reader->ReadTable(
      "live/maps.jsonl",
      [&](std::string_view line) { EXPECT_EQ(line, fmt::format("{} {}", next++, filler)); },
      *opened.diagnostics));
  EXPECT_EQ(next, 3000);
}

// Frames that claim more than limits::kMaxStreamFrameBytes are refused before anything is
// allocated.
TEST(CollectionTest, RefusesFramesOverTheLimit) {
  const std::string whole = SmallArchive(1 << 20);
  auto header = *ByteView::Of(whole).Read<HeaderFrame>(sizeof(OpeningFrame));
  header.content_bytes = le32::Of(limits::kMaxStreamFrameBytes + 1);
  SealFrame(header, kHeaderFrame, 0);
  std::string changed = whole;
  changed.replace(sizeof(OpeningFrame), sizeof(header), AsBytes(header).AsText());
  const Opened opened = Open({changed});
  ASSERT_TRUE(opened.reader);
  EXPECT_TRUE(opened.Says("kMaxStreamFrameBytes"));
  EXPECT_THAT(opened.reader->members(), SizeIs(0));
}

// limits::kMaxCollectionMembers and limits::kMaxCollectionTableBytes, made small.
TEST(CollectionTest, StopsAtItsLimits) {
  EXPECT_EQ(ReaderLimits().members, limits::kMaxCollectionMembers);
  EXPECT_EQ(ReaderLimits().table_bytes, limits::kMaxCollectionTableBytes);
  const Opened opened = Open({SmallArchive()}, {.members = 3, .table_bytes = 100});
  ASSERT_TRUE(opened.reader);
  EXPECT_THAT(opened.reader->members(), SizeIs(3));
  EXPECT_EQ(opened.Count(DiagnosticCode::kCollectionLimit), 1U);
  EXPECT_TRUE(opened.Says("kMaxCollectionMembers"));
  opened.Table("live/processes.jsonl");
  EXPECT_EQ(opened.Count(DiagnosticCode::kCollectionLimit), 2U);
  EXPECT_TRUE(opened.Says("kMaxCollectionTableBytes"));
}

TEST(CollectionTest, RefusesOtherVersionsAndNames) {
  std::string changed = SmallArchive();
  changed[12] = 2;
  EXPECT_THAT(Open({changed}).error, HasSubstr("version 2"));
  MemorySink sink;
  auto writer = Writer::Start(sink, {});
  for (const char* name : {"/etc/passwd", "root/../../etc/shadow", "root/fine..name"}) {
    ASSERT_TRUE((*writer)->AddText(name, "x"));
  }
  ASSERT_TRUE((*writer)->Finish(false));
  const Opened opened = Open({sink.written});
  EXPECT_EQ(opened.Count(DiagnosticCode::kCollectionDamaged), 2U);
  ASSERT_THAT(opened.reader->members(), SizeIs(2));
  EXPECT_EQ(opened.reader->members()[0].path(), "root/fine..name");
}

TEST(CollectionTest, NamesWhatTheManifestHasAndTheArchiveHasNot) {
  // A part whose manifest names one more member than it has.
  MemorySink sink;
  auto writer = Writer::Start(sink, WriterOptions{});
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->AddText("collection.json", "{}"));
  ASSERT_TRUE(
      (*writer)->AddText("manifest.2.jsonl", "{\"member\":\"root/gone\",\"sha256\":\"00\"}\n"));
  ASSERT_TRUE((*writer)->Finish(false));
  const Opened opened = Open({sink.written});
  ASSERT_TRUE(opened.reader);
  ASSERT_TRUE(opened.reader->CheckDigests(*opened.diagnostics));
  EXPECT_TRUE(opened.Says("root/gone is in the manifest and not in the archive"));
}

TEST(CollectionTest, StopsCheckingWhenAsked) {
  const Opened opened = Open({SmallArchive()});
  Progress progress;
  progress.Cancel();
  const auto checked = opened.reader->CheckDigests(*opened.diagnostics, &progress);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kCancelled);
}

TEST(CollectionTest, TellsPiecesOfTablesByTheirNames) {
  EXPECT_EQ(Reader::TableOf("live/maps.jsonl"), "live/maps.jsonl");
  EXPECT_EQ(Reader::TableOf("live/maps.12.jsonl"), "live/maps.jsonl");
  EXPECT_EQ(Reader::TableOf("skipped.2.jsonl"), "skipped.jsonl");
  EXPECT_EQ(Reader::TableOf("root/var/log/x.jsonl"), "");
  EXPECT_EQ(Reader::TableOf("other.jsonl"), "");
  EXPECT_EQ(Reader::TableOf("live/network/1.jsonl"), "");
}

TEST(LineCutterTest, LeavesOutWhatIsTooLong) {
  LineCutter cutter(5);
  std::vector<std::string> lines;
  const auto take = [&](std::string_view line) { lines.emplace_back(line); };
  cutter.Feed("ab\ncd", take);
  cutter.Feed("e\n123456\n\n1234", take);
  cutter.Feed("56", take);
  cutter.Feed("7\nx\nlast", take);
  cutter.Finish(take);
  EXPECT_THAT(lines, ElementsAre("ab", "cde", "", "x", "last"));
  EXPECT_EQ(cutter.left_out(), 2U);
}

}  // namespace
}  // namespace ekshume::collection
