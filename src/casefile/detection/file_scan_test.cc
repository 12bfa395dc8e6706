// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/file_scan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/hash.h"
#include "base/limits.h"
#include "casefile/detection/content_search.h"
#include "detect/indicator/index.h"
#include "detect/yara/rules.h"

namespace ekshume::casefile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

class FileScanTest : public testing::Test {
 protected:
  FileScanTest() : root_(fs::path(testing::TempDir()) / fmt::format("file_scan_{}", getpid())) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~FileScanTest() override { fs::remove_all(root_); }

  std::string Write(const std::string& name, std::string_view text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
    return (root_ / name).string();
  }

  static FileRules RulesOf(std::string yara, std::string indicators) {
    FileRules rules;
    if (!yara.empty()) rules.yara = detect::yara::Rules::Compile({{"r.yar", std::move(yara), "."}});
    if (!indicators.empty()) {
      rules.indicators = detect::indicator::Index::Of({{"list", std::move(indicators)}});
    }
    return rules;
  }

  static std::vector<std::string> Titles(const std::vector<detect::Finding>& findings) {
    std::vector<std::string> titles;
    for (const detect::Finding& finding : findings) {
      titles.push_back(fmt::format("{} {} {}", finding.level, finding.title,
                                   fs::path(finding.path).filename().string()));
    }
    return titles;
  }

  const fs::path root_;
  DiagnosticSink diagnostics_;
  Progress progress_;
};

constexpr std::string_view kRule = R"(
rule Pool { meta: description = "Names a pool" level = "high" attack = "T1496, impact"
            strings: $a = "stratum+tcp" condition: $a })";

TEST_F(FileScanTest, PlainFilesAndFolders) {
  Write("deep/miner.conf", "url = stratum+tcp://evil.test:3333");
  Write("empty", "");
  Write("harmless", "nothing");
  fs::create_symlink("deep/miner.conf", root_ / "link");
  const std::string hash = ToHex(Sha256::Of(ByteView::Of("nothing")));
  const FileRules rules =
      RulesOf(std::string(kRule), "evil.test\n" + hash + " # bad file\nempty\n");
  const auto findings = ScanPlainFiles({root_.string()}, rules, diagnostics_, progress_);
  ASSERT_TRUE(findings.has_value()) << findings.error().message;
  EXPECT_THAT(Titles(*findings),
              testing::UnorderedElementsAre("high Names a pool miner.conf",
                                            "high Indicator: hash " + hash + " harmless",
                                            "medium Indicator: domain evil.test miner.conf",
                                            "medium Indicator: file name empty empty"));
  const auto pool = std::ranges::find(*findings, "yara", &detect::Finding::detector);
  ASSERT_NE(pool, findings->end());
  EXPECT_EQ(pool->rule, "Pool");
  EXPECT_THAT(pool->tags, ElementsAre("attack.impact", "attack.t1496"));
  EXPECT_TRUE(pool->first.has_value());
  EXPECT_THAT(pool->explanation, HasSubstr("rule Pool of r.yar: $a at 0x6"));
  EXPECT_THAT(pool->explanation, HasSubstr("SHA-256 "));
  EXPECT_THAT(diagnostics_.Sorted(), IsEmpty());
  EXPECT_EQ(ScanPlainFiles({(root_ / "no").string()}, rules, diagnostics_, progress_).error().code,
            ErrorCode::kNotFound);
}

TEST_F(FileScanTest, IdsAreTheSameOnEveryRunAndApart) {
  Write("a", "stratum+tcp");
  Write("b", "stratum+tcp");
  const FileRules rules = RulesOf(std::string(kRule), "");
  const auto once = ScanPlainFiles({root_.string()}, rules, diagnostics_, progress_);
  const auto again = ScanPlainFiles({root_.string()}, rules, diagnostics_, progress_);
  ASSERT_EQ(once->size(), 2U);
  EXPECT_EQ((*once)[0].id, (*again)[0].id);
  EXPECT_NE((*once)[0].id, (*once)[1].id);
}

TEST_F(FileScanTest, ARuleThatIsGivenTwiceIsOneFinding) {
  Write("a", "stratum+tcp");
  FileRules rules;
  rules.yara = detect::yara::Rules::Compile(
      {{"one.yar", std::string(kRule), "."}, {"two.yar", std::string(kRule), "."}});
  const auto findings = ScanPlainFiles({root_.string()}, rules, diagnostics_, progress_);
  EXPECT_THAT(Titles(*findings), ElementsAre("high Names a pool a"));
}

// A dump is larger than a window (64 MiB); what stands across two of them is found once, at its
// place.
TEST_F(FileScanTest, DumpsAreSearchedInWindows) {
  const std::string path = Write("dump", "");
  const uint64_t at = (uint64_t{64} << 20) - 5;
  {
    std::ofstream stream(path, std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(at));
    stream << "stratum+tcp://evil.test ";
    stream.seekp(static_cast<std::streamoff>(uint64_t{130} << 20));
    stream << "end";
  }
  const FileRules rules = RulesOf(std::string(kRule), "evil.test\n");
  const auto findings = ScanPlainFiles({path}, rules, diagnostics_, progress_);
  ASSERT_TRUE(findings.has_value());
  EXPECT_THAT(Titles(*findings),
              ElementsAre("high Names a pool dump", "medium Indicator: domain evil.test dump"));
  EXPECT_THAT((*findings)[0].explanation, HasSubstr(fmt::format("$a at {:#x}", at)));
  EXPECT_THAT((*findings)[1].explanation, HasSubstr(fmt::format("content at {:#x}", at + 14)));
}

TEST_F(FileScanTest, WhatIsWrongWithRulesIsADiagnosticWithItsPlace) {
  const std::string bad = Write("bad.yar", "rule a {\n condition: nothing\n}");
  const std::string list = Write("list.txt", "evil.test\nthis is prose\n");
  const auto rules = LoadFileRules({bad}, {list}, diagnostics_);
  ASSERT_TRUE(rules.has_value());
  EXPECT_EQ(rules->yara->rule_count(), 0U);
  EXPECT_EQ(rules->indicators->size(), 1U);
  const std::vector<Diagnostic> found = diagnostics_.Sorted();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].code, DiagnosticCode::kYaraRefused);
  EXPECT_EQ(found[0].evidence, bad + ":2");
  EXPECT_EQ(found[0].detail, "undefined identifier \"nothing\"");
  EXPECT_EQ(found[1].code, DiagnosticCode::kIndicatorRefused);
  EXPECT_EQ(found[1].evidence, list + ":2");
  EXPECT_EQ(LoadFileRules({bad + ".no"}, {}, diagnostics_).error().code, ErrorCode::kNotFound);
}

// A node's folder with one temporary file, as evidence.
class NodeScanTest : public FileScanTest {
 protected:
  std::vector<detect::Finding> Scan(const FileRules& rules) {
    auto evidence = Evidence::Open({root_.string()}, {}, diagnostics_);
    EXPECT_TRUE(evidence.has_value()) << evidence.error().message;
    runtime::Inventory inventory;
    inventory.node.node_name = "node-1";
    HostFindings host;
    host.since = Timestamp{0, 0};
    return ScanFiles(**evidence, inventory, host, rules, diagnostics_, progress_);
  }
};

TEST_F(NodeScanTest, TemporaryFilesOfTheNode) {
  Write("tmp/x", "stratum+tcp");
  Write("usr/bin/y", "stratum+tcp");
  Write("etc/hostname", "node-1");
  const std::vector<detect::Finding> findings = Scan(RulesOf(std::string(kRule), "/tmp/x\n"));
  EXPECT_THAT(Titles(findings),
              ElementsAre("high Names a pool x", "medium Indicator: path /tmp/x x"));
  EXPECT_EQ(findings[0].node, "node-1");
  EXPECT_EQ(findings[0].path, "/tmp/x");
  EXPECT_THAT(Scan(FileRules()), IsEmpty());
}

// kMaxScannedFileBytes of a file are searched; a hole costs nothing on the disk.
TEST_F(NodeScanTest, OfALargeFileTheBeginningIsSearched) {
  const std::string path = Write("tmp/large", "stratum+tcp");
  fs::resize_file(path, limits::kMaxScannedFileBytes + 1);
  const std::vector<detect::Finding> findings = Scan(RulesOf(std::string(kRule), ""));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings[0].explanation, testing::Not(HasSubstr("SHA-256")));
  const std::vector<Diagnostic> found = diagnostics_.Sorted();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].code, DiagnosticCode::kScanLimit);
  EXPECT_THAT(found[0].detail, HasSubstr("/tmp/large: only the first"));
  EXPECT_THAT(found[0].detail, HasSubstr("kMaxScannedFileBytes"));
}

TEST_F(FileScanTest, ASlowRuleIsNamedWithItsFile) {
  const FileRules rules = RulesOf("rule slow { strings: $a = /a.*a.*a.*b/ condition: $a }", "");
  const ContentSearch search(rules, 1);
  FileOfCase file;
  file.path = "/tmp/a";
  const std::string content(1000000, 'a');
  const ContentFindings found = search.Search(file, ByteView::Of(content), false);
  EXPECT_THAT(found.findings, IsEmpty());
  ASSERT_EQ(found.limited.size(), 1U);
  EXPECT_THAT(found.limited[0], HasSubstr("kMaxYaraSeconds"));
}

}  // namespace
}  // namespace ekshume::casefile
