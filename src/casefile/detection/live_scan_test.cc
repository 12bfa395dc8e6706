// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/live_scan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "casefile/detection/live_memory.h"
#include "collection/tar_header.h"
#include "detect/indicator/index.h"
#include "detect/yara/rules.h"
#include "fs/archive/tar.h"

namespace ekshume::casefile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

constexpr std::string_view kRule = R"(
rule Secret { meta: description = "Names a secret" level = "high" attack = "T1496"
              strings: $a = "the-secret-of-the-test" condition: $a }
rule Both { strings: $a = "first-half" $b = "second-half" condition: all of them }
rule OfFiles { strings: $a = "the-secret-of-the-test" condition: $a and filesize < 100MB })";

FileRules Rules(std::string indicators = {}) {
  FileRules rules;
  rules.yara = detect::yara::Rules::Compile({{"r.yar", std::string(kRule), "."}});
  if (!indicators.empty()) {
    rules.indicators = detect::indicator::Index::Of({{"list", std::move(indicators)}});
  }
  return rules;
}

// A collection in a folder, with one process (7) that has memory.
class LiveScanTest : public testing::Test {
 protected:
  LiveScanTest() : root_(fs::path(testing::TempDir()) / fmt::format("live_scan_{}", getpid())) {
    fs::remove_all(root_);
    Write("collection.json",
          R"({"format":"ekshume-collection","version":1,"host":{"hostname":"node-1"},)"
          R"("scope":{"kind":"node"}})");
    Write("live/processes.jsonl",
          R"({"pid":7,"ppid":1,"comm":"implant","exe":"/tmp/implant","exe_deleted":true,)"
          R"("exe_member":"deleted/7/exe","start":"2026-11-24T21:00:00Z"})"
          "\n");
  }
  ~LiveScanTest() override { fs::remove_all(root_); }

  void Write(const std::string& name, std::string_view text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  void Map(std::string_view start, std::string_view end, std::string_view path) {
    maps_ += fmt::format(R"({{"pid":7,"start":"{}","end":"{}","permissions":"rw-p","path":"{}"}})"
                         "\n",
                         start, end, path);
    Write("live/maps.jsonl", maps_);
  }

  std::unique_ptr<Evidence> Open() {
    auto opened = Evidence::Open({root_.string()}, {}, opening_);
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return std::move(*opened);
  }
  std::vector<detect::Finding> Scan(const FileRules& rules,
                                    uint64_t most_bytes = kMaxScannedMemoryBytes) {
    const auto evidence = Open();
    const runtime::Inventory inventory = ReadInventory(*evidence, diagnostics_);
    ProcessEvents events;
    events.Add(evidence->live().front()->name, 7, "event-of-7");
    const LiveContext context(*evidence, inventory, std::move(events));
    return ScanLive(context, rules, diagnostics_, progress_, most_bytes);
  }

  const fs::path root_;
  std::string maps_;
  DiagnosticSink opening_;  // says that there is no manifest
  DiagnosticSink diagnostics_;
  Progress progress_;
};

TEST_F(LiveScanTest, MemoryWithItsAddressAndMapping) {
  Map("10000", "12000", "[heap]");
  Write("memory/7/10000-12000",
        std::string(0x123, 'x') + " the-secret-of-the-test evil.test " + std::string(100, 'y'));
  const std::vector<detect::Finding> findings = Scan(Rules("evil.test\n"));
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].rule, "Secret");
  EXPECT_EQ(findings[0].level, "high");
  EXPECT_EQ(findings[0].object, "process 7 implant");
  EXPECT_EQ(findings[0].path, "/tmp/implant");
  EXPECT_EQ(findings[0].node, "node-1");
  EXPECT_THAT(findings[0].events, ElementsAre("event-of-7"));
  EXPECT_EQ(findings[0].explanation,
            "the memory of process 7 implant (/tmp/implant, deleted) matches the YARA rule Secret "
            "of r.yar: $a at 0x10124 in [heap] (rw-p)");
  EXPECT_EQ(findings[1].title, "Indicator: domain evil.test");
  EXPECT_THAT(findings[1].explanation,
              HasSubstr("deleted): 0x1013b in [heap] (rw-p) is the domain evil.test (list:1)"));
  EXPECT_THAT(diagnostics_.Sorted(), IsEmpty());
}

// Parts of one mapping that adjoin are one, and a rule sees the whole process.
TEST_F(LiveScanTest, PartsAreJoined) {
  Map("10000", "13000", "");
  Map("20000", "21000", "");
  Write("memory/7/10000-11000", "first-half" + std::string(0x1000 - 20, '.') + "the-secret");
  Write("memory/7/11000-12000", "-of-the-test and more");
  Write("memory/7/20000-21000", "second-half");
  const std::vector<detect::Finding> findings = Scan(Rules());
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].rule, "Secret");
  EXPECT_THAT(findings[0].explanation, HasSubstr("$a at 0x10ff6 in anonymous memory (rw-p)"));
  EXPECT_EQ(findings[1].rule, "Both");
  EXPECT_THAT(findings[1].explanation,
              HasSubstr("$a at 0x10000 in anonymous memory (rw-p), $b at 0x20000 in anonymous"));
}

TEST_F(LiveScanTest, MappingsAreNotJoined) {
  Map("10000", "11000", "a");
  Map("11000", "12000", "b");
  Write("memory/7/10000-11000", std::string(0x1000 - 10, '.') + "the-secret");
  Write("memory/7/11000-12000", "-of-the-test");
  EXPECT_THAT(Scan(Rules()), IsEmpty());
}

// What is larger than a window: what stands across two is found once, at its place, and no word is
// cut at a window's end.
TEST_F(LiveScanTest, WindowsOverlap) {
  const uint64_t at = kMemoryWindowBytes - 30;
  std::string bytes(kMemoryWindowBytes * 2, ' ');
  bytes.replace(at, 45, "the-secret-of-the-test 192.0.2.11 and no more");
  ASSERT_EQ(bytes.size(), kMemoryWindowBytes * 2);
  Write("memory/7/100000000-102000000", bytes);
  const std::vector<detect::Finding> findings = Scan(Rules("192.0.2.1\n192.0.2.11\n"));
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_THAT(findings[0].explanation, HasSubstr(fmt::format("$a at {:#x}", 0x100000000 + at)));
  EXPECT_EQ(findings[1].rule, "192.0.2.11");
  EXPECT_THAT(findings[1].explanation, HasSubstr(fmt::format("{:#x} is", 0x100000000 + at + 23)));
}

TEST_F(LiveScanTest, OfAHugeProcessTheBeginningIsSearched) {
  Write("memory/7/10000-20000", "the-secret-of-the-test" + std::string(0x1000, '.'));
  const std::vector<detect::Finding> findings = Scan(Rules(), 0x100);
  EXPECT_EQ(findings.size(), 1U);
  ASSERT_EQ(diagnostics_.Count(DiagnosticCode::kScanLimit), 1U);
  EXPECT_THAT(diagnostics_.Sorted()[0].detail, HasSubstr("first 256 bytes"));
  EXPECT_THAT(diagnostics_.Sorted()[0].detail, HasSubstr("kMaxScannedMemoryBytes"));
}

TEST_F(LiveScanTest, DeletedProgramsAndFilesThatWereKept) {
  Write("deleted/7/exe", "program with the-secret-of-the-test");
  Write("live/open_files.jsonl", R"({"pid":7,"fd":3,"path":"/root/plan","deleted":true,"type":"f",)"
                                 R"("member":"deleted/7/fd/3"})"
                                 "\n");
  Write("deleted/7/fd/3", "the-secret-of-the-test");
  std::vector<std::string> texts;
  for (const detect::Finding& finding : Scan(Rules())) {
    texts.push_back(finding.explanation.substr(0, finding.explanation.find(", SHA")));
  }
  std::ranges::sort(texts);
  EXPECT_THAT(texts, ElementsAre("/root/plan (deleted, open in process 7 implant as 3",
                                 "/root/plan (deleted, open in process 7 implant as 3",
                                 "/tmp/implant (deleted, the program of process 7",
                                 "/tmp/implant (deleted, the program of process 7"));
}

TEST_F(LiveScanTest, StoppedMeansNothingMore) {
  Write("memory/7/10000-20000", "the-secret-of-the-test");
  progress_.Cancel();
  EXPECT_THAT(Scan(Rules()), IsEmpty());
}

TEST_F(LiveScanTest, UnreadableMemoryIsNamed) {
  Write("memory/7/10000-11000", "the-secret-of-the-test");
  const auto evidence = Open();
  process::Process process = evidence->live().front()->state.processes.front();
  // The archive ends before what it promised.
  process.memory.front().bytes.length_bytes = 0x2000;
  ProcessMemory memory(*evidence->live().front(), process, UINT64_MAX, progress_);
  ASSERT_EQ(memory.stretches().size(), 1U);
  ASSERT_TRUE(memory.Read(0).has_value());
  EXPECT_EQ(memory.Read(0)->size(), 0x2000U);
  EXPECT_THAT(memory.failures(), ElementsAre("its memory at 0x10000: the archive ends in it"));
}

// Pages that were never written are no bytes to read: a hole of any size costs nothing.
TEST_F(LiveScanTest, HolesAreSkipped) {
  std::string bytes;
  const auto add = [&bytes](const collection::TarMember& member, std::string_view content) {
    bytes += collection::EncodeTarMember(member);
    bytes += content;
    bytes.resize((bytes.size() + 511) / 512 * 512, '\0');
  };
  const auto add_file = [&add](const std::string& path, std::string_view content) {
    collection::TarMember member;
    member.path = path;
    member.stat.type = ekshume::fs::NodeType::kRegular;
    member.stat.size_bytes = content.size();
    add(member, content);
  };
  add_file("collection.json",
           R"({"format":"ekshume-collection","version":1,"scope":{"kind":"node"}})");
  add_file("live/processes.jsonl", "{\"pid\":7,\"comm\":\"x\"}\n");
  collection::TarMember memory;
  memory.path = "memory/7/10000-10000010000";
  memory.stat.type = ekshume::fs::NodeType::kRegular;
  memory.stat.size_bytes = uint64_t{1} << 40;
  memory.is_sparse = true;
  memory.segments = {{0x1000, 512}, {uint64_t{1} << 39, 512}};
  const std::string block = "the-secret-of-the-test" + std::string(490, '.');
  add(memory, std::string(512, 'x') + block);
  bytes.resize(bytes.size() + 1024, '\0');
  const ByteView view = ByteView::Of(bytes);
  const auto image = image::MakeMemory({view.AsSpan().begin(), view.AsSpan().end()}, "c.tar");
  auto tree = ekshume::fs::archive::OpenTar(*image, "c.tar", diagnostics_);
  ASSERT_TRUE(tree) << tree.error().message;
  const auto live = ReadLive(*std::move(tree), "c.tar", "c.tar", diagnostics_, nullptr);
  ASSERT_TRUE(live) << live.error().message;
  const process::Process& process = (*live)->state.processes.front();
  ProcessMemory kept(**live, process, UINT64_MAX, progress_);
  ASSERT_EQ(kept.stretches().size(), 2U);
  EXPECT_EQ(kept.stretches()[0].address, 0x11000U);
  EXPECT_EQ(kept.stretches()[1].address, 0x10000 + (uint64_t{1} << 39));
  EXPECT_EQ(kept.stretches()[1].size_bytes, 512U);
  EXPECT_EQ(kept.Read(1)->AsText(), block);
  EXPECT_EQ(progress_.bytes(), 512U);
}

}  // namespace
}  // namespace ekshume::casefile
