// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "detect/yara/scanner.h"

// The rules that ship with ekshume (rules/yara) over their tests, rules/tests/yara: a file
// RULE/fires/PATH or RULE/silent/PATH lies at /PATH. PATH.elf gets the head of a program in front,
// PATH.library.elf that of a library, PATH.module.elf that of a kernel module.
namespace ekshume::detect::yara {
namespace {

namespace fs = std::filesystem;

const fs::path kRules = fs::path(EKSHUME_SOURCE_DIR) / "rules" / "yara";
const fs::path kTests = fs::path(EKSHUME_SOURCE_DIR) / "rules" / "tests" / "yara";

const Rules& Pack() {
  static const std::unique_ptr<Rules> rules = *Rules::Load({kRules.string()});
  return *rules;
}

// The first 64 bytes of an ELF file of 64 bits: its type, and that it has sections.
std::string ElfHead(char type, bool has_sections = true) {
  std::string head =
      "\x7f"
      "ELF\x02\x01\x01";
  head.resize(64, '\0');
  head[16] = type;
  head[60] = has_sections ? '\x05' : '\0';
  return head;
}

std::string ContentOf(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  const std::string name = path.filename().string();
  if (name.ends_with(".library.elf")) return ElfHead(3) + text;
  if (name.ends_with(".module.elf")) return ElfHead(1) + text;
  return name.ends_with(".elf") ? ElfHead(2) + text : text;
}

std::set<std::string> Matching(Scanner& scanner, std::string_view content,
                               const std::string& path) {
  const Scan scan = scanner.Run(ByteView::Of(content), {path, ""});
  EXPECT_THAT(scan.limited, testing::IsEmpty()) << path;
  std::set<std::string> rules;
  for (const Match& match : scan.matches) rules.insert(match.rule);
  return rules;
}

TEST(YaraPack, CompilesWithoutAWarning) {
  for (const Problem& problem : Pack().refused()) {
    ADD_FAILURE() << problem.Where() << ": " << problem.reason;
  }
  for (const Problem& problem : Pack().doubtful()) {
    ADD_FAILURE() << problem.Where() << ": " << problem.reason;
  }
  EXPECT_GE(Pack().rule_count(), 25U);
}

TEST(YaraPack, EachRuleFiresWhereItShouldAndIsSilentElsewhere) {
  Scanner scanner(Pack());
  std::map<std::string, std::set<std::string>> tested;
  for (const auto& entry : fs::recursive_directory_iterator(kTests)) {
    if (!entry.is_regular_file()) continue;
    const fs::path inside = fs::relative(entry.path(), kTests);
    auto part = inside.begin();
    const std::string rule = (part++)->string();
    const std::string verdict = (part++)->string();
    std::string path;
    for (; part != inside.end(); ++part) path += "/" + part->string();
    ASSERT_TRUE(verdict == "fires" || verdict == "silent") << inside;
    const bool fires = Matching(scanner, ContentOf(entry.path()), path).contains(rule);
    EXPECT_EQ(fires, verdict == "fires") << inside;
    tested[rule].insert(verdict);
  }
  for (const auto& [rule, verdicts] : tested) EXPECT_EQ(verdicts.size(), 2U) << rule;
  // Packed_ELF is tested below; In_Temporary_Folder is private.
  EXPECT_EQ(tested.size() + 2, Pack().rule_count());
}

TEST(YaraPack, PackedProgramsAreKnownByTheirContent) {
  Scanner scanner(Pack());
  std::string noise;
  uint32_t state = 1;
  for (int i = 0; i < 65536; ++i) {
    state = state * 1664525 + 1013904223;
    noise.push_back(static_cast<char>(state >> 24));
  }
  EXPECT_TRUE(Matching(scanner, ElfHead(2, false) + noise, "/tmp/x").contains("Packed_ELF"));
  EXPECT_FALSE(Matching(scanner, ElfHead(2, true) + noise, "/tmp/x").contains("Packed_ELF"));
  EXPECT_FALSE(Matching(scanner, ElfHead(2, false) + std::string(65536, 'a'), "/tmp/x")
                   .contains("Packed_ELF"));
}

TEST(YaraPack, EachRuleSaysWhatItIs) {
  for (const auto& entry : fs::directory_iterator(kRules)) {
    std::ifstream stream(entry.path());
    const std::string text((std::istreambuf_iterator<char>(stream)), {});
    const auto count = [&](std::string_view word) {
      size_t times = 0;
      for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        ++times;
      }
      return times;
    };
    const size_t rules = count("\nrule ");
    EXPECT_GT(rules, 0U) << entry.path();
    for (const std::string_view key :
         {"    description = ", "    level = ", "    attack = ", "    false_positives = "}) {
      EXPECT_EQ(count(key), rules) << entry.path() << " " << key;
    }
  }
}

}  // namespace
}  // namespace ekshume::detect::yara
