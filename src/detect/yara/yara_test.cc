// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "detect/yara/metadata.h"
#include "detect/yara/scanner.h"

namespace ekshume::detect::yara {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::path(testing::TempDir()) / ("yara_" + std::to_string(getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_ / "rules");
  }
  ~Folder() { fs::remove_all(path_); }
  std::string Write(const std::string& name, std::string_view text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

constexpr std::string_view kMiner = R"(
rule Miner : miner T1496 {
  meta:
    description = "Looks like a miner"
    author = "someone"
    severity = "High"
    mitre = "T1059.004, execution"
  strings:
    $pool = "stratum+tcp://"
    $never = "no such text"
  condition:
    any of them
}
)";

std::unique_ptr<Rules> Of(std::string_view text) {
  return Rules::Compile({{"test.yar", std::string(text), "."}});
}

std::vector<std::string> Names(const Scan& scan) {
  std::vector<std::string> names;
  for (const Match& match : scan.matches) names.push_back(match.rule);
  return names;
}

TEST(Yara, SaysWhatARuleIsAndWhereItMatches) {
  const auto rules = Of(kMiner);
  ASSERT_THAT(rules->refused(), IsEmpty());
  EXPECT_EQ(rules->rule_count(), 1U);
  Scanner scanner(*rules);
  const Scan scan =
      scanner.Run(ByteView::Of("url: stratum+tcp://pool.test:3333"), {"/tmp/x", "text"});
  ASSERT_EQ(scan.matches.size(), 1U);
  const Match& match = scan.matches[0];
  EXPECT_EQ(match.rule, "Miner");
  EXPECT_EQ(match.file, "test.yar");
  EXPECT_EQ(match.description, "Looks like a miner");
  EXPECT_EQ(match.author, "someone");
  EXPECT_EQ(match.level, "high");
  EXPECT_THAT(match.tags, ElementsAre("attack.execution", "attack.t1059.004", "attack.t1496"));
  EXPECT_THAT(match.own_tags, ElementsAre("miner", "T1496"));
  ASSERT_EQ(match.places.size(), 1U);
  EXPECT_EQ(match.places[0].identifier, "$pool");
  EXPECT_EQ(match.places[0].offset_bytes, 5U);
  EXPECT_THAT(scanner.Run(ByteView::Of("nothing"), {}).matches, IsEmpty());
  EXPECT_THAT(scanner.Run(ByteView(), {}).matches, IsEmpty());
}

TEST(Yara, KnowsTheNamesOfTheFile) {
  const auto rules = Of(R"(
    rule a { condition: filename == "x.sh" }
    rule b { condition: filepath == "/tmp/.hidden/x.sh" }
    rule c { condition: extension == ".sh" and filetype == "script" }
    rule d { condition: owner == "" and md5 == "" and filesize == 2 })");
  ASSERT_THAT(rules->refused(), IsEmpty());
  Scanner scanner(*rules);
  EXPECT_THAT(Names(scanner.Run(ByteView::Of("#!"), {"/tmp/.hidden/x.sh", "script"})),
              ElementsAre("a", "b", "c", "d"));
  // What one file was called does not stay for the next.
  EXPECT_THAT(Names(scanner.Run(ByteView::Of("#!"), {"/x", ""})), ElementsAre("d"));
}

TEST(Yara, RefusesAFileWithItsLineAndRunsTheOthers) {
  const Folder folder;
  folder.Write("rules/a.yar", "rule a { condition: true }");
  folder.Write("rules/deep/b.yara", "rule b {\n  condition:\n    unknown_name\n}");
  folder.Write("rules/c.txt", "no rules");
  const auto rules = Rules::Load({folder / "rules"});
  ASSERT_TRUE(rules.has_value()) << rules.error().message;
  EXPECT_EQ((*rules)->file_count(), 1U);
  ASSERT_EQ((*rules)->refused().size(), 1U);
  const Problem& problem = (*rules)->refused()[0];
  EXPECT_EQ(problem.Where(), folder / "rules/deep/b.yara:3");
  EXPECT_EQ(problem.reason, "undefined identifier \"unknown_name\"");
  Scanner scanner(**rules);
  EXPECT_THAT(Names(scanner.Run(ByteView::Of("x"), {})), ElementsAre("a"));
}

TEST(Yara, SameNamesInTwoFilesAreTwoRules) {
  const auto rules = Rules::Compile({{"a.yar", "rule same { condition: true }", "."},
                                     {"b.yar", "rule same { condition: true }", "."}});
  EXPECT_THAT(rules->refused(), IsEmpty());
  EXPECT_EQ(rules->rule_count(), 2U);
  const auto twice = Of("rule same { condition: true }\nrule same { condition: true }");
  ASSERT_EQ(twice->refused().size(), 1U);
  EXPECT_EQ(twice->refused()[0].line, 2U);
  EXPECT_THAT(twice->refused()[0].reason, HasSubstr("duplicated identifier"));
}

TEST(Yara, MissingPathsAreErrors) {
  const Folder folder;
  EXPECT_EQ(Rules::Load({folder / "not there"}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Rules::Load({folder / "rules"}).error().code, ErrorCode::kNotFound);
}

TEST(Yara, IncludesOnlyFromTheFolderOfTheRules) {
  const Folder folder;
  folder.Write("outside.yar", "rule outside { condition: true }");
  folder.Write("rules/parts/one.yar", "include \"two.yar\"\nrule one { condition: two }");
  folder.Write("rules/parts/two.yar", "rule two { condition: true }");
  folder.Write("rules/good.yar", "include \"parts/one.yar\"");
  folder.Write("rules/up.yar", "\ninclude \"../outside.yar\"");
  folder.Write("rules/absolute.yar", "include \"/etc/passwd\"");
  folder.Write("rules/missing.yar", "include \"missing/x.yar\"");
  fs::create_symlink("../outside.yar", folder / "rules/link.txt");
  folder.Write("rules/linked.yar", "include \"link.txt\"");
  const auto rules = Rules::Load({folder / "rules"});
  ASSERT_TRUE(rules.has_value()) << rules.error().message;
  std::vector<std::string> reasons;
  for (const Problem& problem : (*rules)->refused()) {
    reasons.push_back(fs::path(problem.Where()).filename().string() + " " + problem.reason);
  }
  const std::string root = folder / "rules";
  EXPECT_THAT(reasons, ElementsAre("absolute.yar:1 include \"/etc/passwd\" is outside of " + root,
                                   "linked.yar:1 include \"link.txt\" is outside of " + root,
                                   "missing.yar:1 include \"missing/x.yar\" cannot be read",
                                   "up.yar:2 include \"../outside.yar\" is outside of " + root));
  EXPECT_EQ((*rules)->file_count(), 3U);
}

TEST(Yara, AnErrorInAnIncludedFileNamesThatFile) {
  const Folder folder;
  const std::string part = folder.Write("rules/part.txt", "\n\nrule x { condition: y }");
  const std::string main = folder.Write("rules/main.yar", "include \"part.txt\"");
  const auto rules = Rules::Load({main});
  ASSERT_TRUE(rules.has_value());
  ASSERT_EQ((*rules)->refused().size(), 1U);
  EXPECT_EQ((*rules)->refused()[0].Where(), part + ":3");
}

TEST(Yara, AnIncludeOfItselfEnds) {
  const Folder folder;
  const std::string main = folder.Write("rules/main.yar", "include \"main.yar\"");
  const auto rules = Rules::Load({main});
  ASSERT_TRUE(rules.has_value());
  ASSERT_EQ((*rules)->refused().size(), 1U);
  EXPECT_EQ((*rules)->refused()[0].reason, "include \"main.yar\" includes itself, or is too deep");
}

TEST(Yara, CompiledAndLargeAndBinaryFilesAreRefused) {
  const auto rules =
      Rules::Compile({{"compiled.yarc", std::string("YARA\x0c\x00\x00\x00", 8), "."},
                      {"zero.yar", std::string("rule a { condition: true }\0", 27), "."},
                      {"large.yar", std::string(limits::kMaxYaraFileBytes + 1, ' '), "."},
                      {"good.yar", "rule a { condition: true }", "."}});
  std::vector<std::string> files;
  for (const Problem& problem : rules->refused()) files.push_back(problem.file);
  EXPECT_THAT(files, ElementsAre("compiled.yarc", "zero.yar", "large.yar"));
  EXPECT_THAT(rules->refused()[2].reason, HasSubstr("kMaxYaraFileBytes"));
  EXPECT_EQ(rules->rule_count(), 1U);
}

TEST(Yara, ACatastrophicExpressionCostsOnlyItsFile) {
  const std::string content(200000, 'a');
  const auto rules = Rules::Compile({{"bad.yar",
                                      "rule bad { strings: $a = /(a{1,100}){1,100}b/ "
                                      "condition: $a }",
                                      "."},
                                     {"good.yar", "rule good { condition: true }", "."}});
  ASSERT_THAT(rules->refused(), IsEmpty());
  EXPECT_FALSE(rules->doubtful().empty());
  Scanner scanner(*rules);
  const Scan scan = scanner.Run(ByteView::Of(content), {});
  EXPECT_THAT(Names(scan), ElementsAre("good"));
  ASSERT_EQ(scan.limited.size(), 1U);
  EXPECT_THAT(scan.limited[0], HasSubstr("bad.yar: bad: a regular expression"));
}

// kMaxYaraSeconds is what the default is; one second shows the same.
TEST(Yara, ARuleThatTakesTooLongCostsOnlyItsFile) {
  const std::string content(2000000, 'a');
  const auto rules =
      Rules::Compile({{"bad.yar", "rule bad { strings: $a = /a.*a.*a.*a.*b/ condition: $a }", "."},
                      {"good.yar", "rule good { condition: true }", "."}});
  Scanner scanner(*rules, 1);
  const auto start = std::chrono::steady_clock::now();
  const Scan scan = scanner.Run(ByteView::Of(content), {});
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::seconds(limits::kMaxYaraSeconds));
  ASSERT_FALSE(scan.limited.empty());
  EXPECT_THAT(scan.limited[0], HasSubstr("kMaxYaraSeconds"));
  EXPECT_THAT(scan.limited[0], HasSubstr("bad.yar"));
}

TEST(Yara, MoreMatchesThanLibyaraCountsAreNamed) {
  const std::string content(1200000, 'a');
  const auto rules = Of("rule many { strings: $a = \"aa\" condition: #a > 100 }");
  Scanner scanner(*rules);
  const Scan scan = scanner.Run(ByteView::Of(content), {});
  EXPECT_THAT(Names(scan), ElementsAre("many"));
  ASSERT_EQ(scan.limited.size(), 1U);
  EXPECT_THAT(scan.limited[0], HasSubstr("many: $a matches more often"));
}

TEST(Yara, SeveralThreadsScanWithOneSetOfRules) {
  const auto rules = Of(kMiner);
  std::vector<size_t> found(4);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < found.size(); ++i) {
      threads.emplace_back([&, i] {
        Scanner scanner(*rules);
        for (int k = 0; k < 200; ++k) {
          found[i] += scanner.Run(ByteView::Of("stratum+tcp://"), {"/x", ""}).matches.size();
        }
      });
    }
  }
  EXPECT_THAT(found, testing::Each(200U));
}

TEST(YaraMetadata, ReadsLevelsAndTechniques) {
  EXPECT_EQ(LevelOfWord("CRITICAL"), "critical");
  EXPECT_EQ(LevelOfWord("info"), "informational");
  EXPECT_EQ(LevelOfWord("urgent"), "");
  EXPECT_EQ(LevelOfScore(85), "high");
  EXPECT_EQ(LevelOfScore(75), "medium");
  EXPECT_EQ(LevelOfScore(50), "low");
  EXPECT_EQ(LevelOfScore(10), "informational");
  std::vector<std::string> tags;
  AddAttackTags("T1059_004; attack.t1496 Defense_Evasion, T14, xT1496, TA0040 impact.", tags);
  EXPECT_THAT(tags, ElementsAre("attack.t1059.004", "attack.t1496", "attack.defense-evasion",
                                "attack.impact"));
}

}  // namespace
}  // namespace ekshume::detect::yara
