// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/live_findings.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace ekshume::casefile {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

// A collection of a node in a folder.
class LiveFindingsTest : public testing::Test {
 protected:
  LiveFindingsTest()
      : root_(fs::path(testing::TempDir()) / fmt::format("live_findings_{}", getpid())) {
    fs::remove_all(root_);
    Write("collection.json",
          R"({"format":"ekshume-collection","version":1,"host":{"hostname":"node-1"},)"
          R"("started":"2026-11-24T22:00:00Z","scope":{"kind":"node"}})");
  }
  ~LiveFindingsTest() override { fs::remove_all(root_); }

  void Write(const std::string& name, std::string_view text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  void Process(int pid, std::string_view members) {
    processes_ += fmt::format("{{\"pid\":{},\"ppid\":1,{}}}\n", pid, members);
    Write("live/processes.jsonl", processes_);
  }
  std::vector<detect::Finding> Find() {
    auto evidence = Evidence::Open({root_.string()}, {}, diagnostics_);
    EXPECT_TRUE(evidence.has_value()) << evidence.error().message;
    const runtime::Inventory inventory = ReadInventory(**evidence, diagnostics_);
    ProcessEvents events;
    for (int pid = 1; pid < 300; ++pid) {
      events.Add((*evidence)->live().front()->name, pid, fmt::format("event-{}", pid));
    }
    const LiveContext context(**evidence, inventory, std::move(events));
    return LiveFindings(context, diagnostics_, progress_);
  }

  const fs::path root_;
  std::string processes_;
  DiagnosticSink diagnostics_;
  Progress progress_;
};

TEST_F(LiveFindingsTest, ProcessesOfOneProgramAreOneFinding) {
  Process(1, R"("comm":"systemd","exe":"/usr/lib/systemd/systemd","argv":["/sbin/init"])");
  Process(7, R"("comm":"x","exe":"/dev/shm/x","argv":["x","-d"],"start":"2026-11-24T21:00:00Z")");
  Process(8, R"("comm":"x","exe":"/dev/shm/x","argv":["x","-w"],"start":"2026-11-24T21:30:00Z")");
  Process(9, R"("comm":"y","exe":"/dev/shm/y","argv":["y"],"hidden":true)");
  const std::vector<detect::Finding> findings = Find();
  ASSERT_EQ(findings.size(), 3U);
  const detect::Finding& both = findings[0];
  EXPECT_EQ(both.detector, "running");
  EXPECT_EQ(both.rule, "running.temporary_program");
  EXPECT_EQ(both.level, "high");
  EXPECT_EQ(both.count, 2U);
  EXPECT_EQ(both.path, "/dev/shm/x");
  EXPECT_EQ(both.node, "node-1");
  EXPECT_EQ(both.object, "process 7 x");
  EXPECT_THAT(both.events, ElementsAre("event-7", "event-8"));
  EXPECT_THAT(both.tags, Contains("attack.t1105"));
  EXPECT_EQ(FormatTimestamp(*both.first).substr(0, 16), "2026-11-24T21:00");
  EXPECT_EQ(FormatTimestamp(*both.last).substr(0, 16), "2026-11-24T21:30");
  EXPECT_THAT(both.explanation, HasSubstr("2 processes (7, 8). The first of them: process 7 x "
                                          "(/dev/shm/x) runs /dev/shm/x. Its command line: x -d. "
                                          "Everybody may write there"));
  EXPECT_EQ(findings[1].count, 1U);
  EXPECT_EQ(findings[2].count, 1U);
  // The same on every run.
  const std::vector<detect::Finding> again = Find();
  EXPECT_EQ(again[0].id, findings[0].id);
  EXPECT_NE(findings[1].id, findings[2].id);
}

TEST_F(LiveFindingsTest, EventsOfManyProcessesAreBounded) {
  for (int pid = 100; pid < 250; ++pid)
    Process(pid, R"("comm":"x","exe":"/dev/shm/x","argv":["x"])");
  const std::vector<detect::Finding> findings = Find();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].count, 150U);
  EXPECT_EQ(findings[0].events.size(), 100U);  // kMaxFindingEvents
  EXPECT_THAT(findings[0].explanation, HasSubstr("108, 109, ...)"));
}

TEST_F(LiveFindingsTest, AProgramThatWasLoadedIntoMemory) {
  Process(7, R"("comm":"nginx","exe":"/usr/sbin/nginx","argv":["nginx"])");
  Write("live/maps.jsonl",
        R"({"pid":7,"start":"10000","end":"11000","permissions":"r--p","path":null})"
        "\n"
        R"({"pid":7,"start":"11000","end":"12000","permissions":"r-xp","path":null})"
        "\n"
        R"({"pid":7,"start":"20000","end":"21000","permissions":"r-xp","path":"[vdso]"})"
        "\n"
        R"({"pid":7,"start":"30000","end":"31000","permissions":"rw-p","path":null})"
        "\n");
  const std::string elf =
      "\x7f"
      "ELF and more";
  Write("memory/7/20000-21000", elf);
  Write("memory/7/30000-31000", elf);
  EXPECT_THAT(Find(), IsEmpty());
  Write("memory/7/10000-11000", elf);
  const std::vector<detect::Finding> findings = Find();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].rule, "running.library_in_memory");
  EXPECT_THAT(findings[0].explanation, HasSubstr("at 0x10000 in memory of no file (r--p)"));
}

TEST_F(LiveFindingsTest, TheListOfPreloadedLibraries) {
  Process(7, R"("comm":"nginx","exe":"/usr/sbin/nginx","argv":["nginx"])");
  Write("live/maps.jsonl",
        R"({"pid":7,"start":"10000","end":"11000","permissions":"r-xp","path":"/lib/evil.so"})"
        "\n");
  Write("root/etc/hostname", "node-1\n");
  Write("root/etc/ld.so.preload", "/lib/evil.so\n");
  const std::vector<detect::Finding> findings = Find();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].rule, "running.library_preload");
  EXPECT_EQ(findings[0].path, "/etc/ld.so.preload");
  EXPECT_THAT(findings[0].explanation,
              HasSubstr("of the host names /lib/evil.so; 1 of the processes listed have it"));
}

TEST_F(LiveFindingsTest, NamesThatWouldWriteToTheTerminalAreEscaped) {
  Process(7, R"("comm":"x","exe":"/dev/shm/\u001b[2J","argv":["\u001b]0;x"])");
  const std::vector<detect::Finding> findings = Find();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].explanation.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace ekshume::casefile
