// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/limits.h"
#include "collection/frame_check.h"
#include "collection/left_out.h"
#include "collection/line_cutter.h"
#include "collection/parts_image.h"
#include "collection/reader.h"
#include "collection/writer.h"
#include "fs/path.h"

namespace ekshume::collection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class MemorySink : public ByteSink {
 public:
  Result<void> Write(ByteView bytes) override {
    if (written.size() + bytes.size() > room) return Fail(ErrorCode::kIo, "the line is cut");
    written.append(bytes.AsText());
    return {};
  }
  std::string written;
  size_t room = SIZE_MAX;
};

TarMember FileNamed(std::string path, uint64_t size) {
  TarMember member;
  member.path = std::move(path);
  member.stat.type = fs::NodeType::kRegular;
  member.stat.permissions = 0640;
  member.stat.uid = 1000;
  member.stat.size_bytes = size;
  member.stat.modified = {1764252000, 123456789};
  member.stat.accessed = {1764252001, 5};
  member.stat.changed = {-2, 500000000};
  member.with_all_times = true;
  return member;
}

// Bytes that do not compress, the same each time.
std::string Noise(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// What is in the small archive: name and content.
const std::map<std::string, std::string>& Contents() {
  static const std::map<std::string, std::string> contents = {
      {"collection.json", "{\"format\":\"ekshume-collection\"}"},
      {"deleted/7/exe", Noise(1500, 1)},
      {"memory/7/1000-2000", Noise(0x1000, 2)},
      {"root/" + std::string(120, 'd') + "/" + std::string(130, 'n'), "long"},
      {"root/empty", ""},
  };
  return contents;
}

std::string SmallArchive(size_t frame_bytes = 1024, uint32_t part = 1, bool early = false) {
  MemorySink sink;
  WriterOptions options;
  options.frame_bytes = frame_bytes;
  options.part = part;
  options.stream_id.fill(static_cast<unsigned char>(part));
  options.began = {1764252000, 1};
  auto writer = Writer::Start(sink, options);
  EXPECT_TRUE(writer);
  EXPECT_TRUE((*writer)->AddText("collection.json", Contents().at("collection.json")));
  TableWriter table(**writer, "live/processes.jsonl");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(table.AddLine(fmt::format("{{\"pid\":{}}}", i)));
  EXPECT_TRUE(table.Finish());
  for (const auto& [path, content] : Contents()) {
    if (path == "collection.json") continue;
    TarMember member = FileNamed(path, content.size());
    if (path == "root/empty") member.xattrs = {{"security.capability", std::string("\0\n=x", 4)}};
    EXPECT_TRUE((*writer)->Add(member, ByteView::Of(content)));
  }
  TarMember link;
  link.path = "root/link";
  link.stat.type = fs::NodeType::kSymlink;
  link.link_target = std::string(101, 't');
  EXPECT_TRUE((*writer)->Add(link));
  TableWriter skipped(**writer, "skipped.jsonl");
  if (early) {
    EXPECT_TRUE(skipped.AddLine(R"({"what":"memory/9","reason":"it ended","severity":"loss"})"));
  }
  EXPECT_TRUE(skipped.Finish());
  EXPECT_TRUE((*writer)->Finish(early));
  return sink.written;
}

struct Opened {
  std::vector<std::unique_ptr<image::Image>> images;
  std::unique_ptr<Reader> reader;
  std::unique_ptr<DiagnosticSink> diagnostics = std::make_unique<DiagnosticSink>();
  std::string error;

  uint64_t Count(DiagnosticCode code) const { return diagnostics->Count(code); }
  bool Says(std::string_view words) const {
    const auto all = diagnostics->Sorted();
    return std::any_of(all.begin(), all.end(),
                       [&](const Diagnostic& d) { return d.detail.contains(words); });
  }
  std::string Read(const Member& member) const {
    auto bytes = reader->ReadAll(member, 1 << 20);
    return bytes ? *bytes : "error: " + bytes.error().message;
  }
  std::string Table(const std::string& name) const {
    std::string lines;
    EXPECT_TRUE(reader->ReadTable(
        name, [&](std::string_view line) { lines += fmt::format("{}\n", line); }, *diagnostics));
    return lines;
  }
};

Opened Open(const std::vector<std::string>& parts, const ReaderLimits& limits = {}) {
  Opened opened;
  std::vector<const image::Image*> images;
  for (const std::string& part : parts) {
    const auto bytes = ByteView::Of(part).AsSpan();
    opened.images.push_back(image::MakeMemory({bytes.begin(), bytes.end()},
                                              fmt::format("part {}", opened.images.size())));
    images.push_back(opened.images.back().get());
  }
  auto reader = Reader::Open(images, *opened.diagnostics, limits);
  if (reader) {
    opened.reader = std::move(*reader);
  } else {
    opened.error = reader.error().message;
  }
  return opened;
}

// Every member that is called whole has the bytes that were written.
void ExpectWholeMembersTrue(const Opened& opened, const std::string& where) {
  for (const Member& member : opened.reader->members()) {
    const auto known = Contents().find(member.path());
    if (member.partial || known == Contents().end()) continue;
    EXPECT_EQ(opened.Read(member), known->second) << where << ": " << member.path();
  }
}

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

TEST(CollectionTest, JoinsTheParts) {
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

TEST(CollectionTest, SaysNothingOfACutThatTheNextPartMakesGood) {
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
TEST(CollectionTest, StillSaysSoWhenTheNextPartDoesNot) {
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

TEST(CollectionTest, TakesATableThatWasCutFromTheNextPart) {
  const std::string first = SmallArchive();
  const Opened cut = Open({first.substr(0, sizeof(OpeningFrame) + 500)});
  ASSERT_TRUE(cut.reader);
  const Opened both = Open({first.substr(0, sizeof(OpeningFrame) + 500), SmallArchive(1024, 2)});
  const std::string table = both.Table("live/processes.jsonl");
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 20);
  EXPECT_FALSE(
      *both.reader->ReadTable("live/nothing.jsonl", [](std::string_view) {}, *both.diagnostics));
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
