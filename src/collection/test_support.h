// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "collection/reader.h"
#include "collection/writer.h"

// A small collection and what reading it gives; used by tests only.
namespace ekshume::collection {

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

inline TarMember FileNamed(std::string path, uint64_t size) {
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
inline std::string Noise(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// What is in the small archive: name and content.
inline const std::map<std::string, std::string>& Contents() {
  static const std::map<std::string, std::string> contents = {
      {"collection.json", "{\"format\":\"ekshume-collection\"}"},
      {"deleted/7/exe", Noise(1500, 1)},
      {"memory/7/1000-2000", Noise(0x1000, 2)},
      {"root/" + std::string(120, 'd') + "/" + std::string(130, 'n'), "long"},
      {"root/empty", ""},
  };
  return contents;
}

inline std::string SmallArchive(size_t frame_bytes = 1024, uint32_t part = 1, bool early = false) {
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

inline Opened Open(const std::vector<std::string>& parts, const ReaderLimits& limits = {}) {
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
inline void ExpectWholeMembersTrue(const Opened& opened, const std::string& where) {
  for (const Member& member : opened.reader->members()) {
    const auto known = Contents().find(member.path());
    if (member.partial || known == Contents().end()) continue;
    EXPECT_EQ(opened.Read(member), known->second) << where << ": " << member.path();
  }
}

}  // namespace ekshume::collection
