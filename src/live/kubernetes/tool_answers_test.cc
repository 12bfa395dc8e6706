// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/tool_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fs/testing_sample.h"

namespace ekshume::live::kubernetes {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::vector<std::pair<std::string, std::string>> Sections(const std::string& text, size_t window) {
  const fs::testing::TestImage answer(text);
  std::vector<std::pair<std::string, std::string>> found;
  const auto sections = FindSections(answer, "--b", window);
  EXPECT_TRUE(sections);
  for (const Section& section : *sections) {
    found.emplace_back(section.name, text.substr(section.offset_bytes, section.size_bytes));
  }
  return found;
}

TEST(FindSections, TakesThemApartWhereverAWindowEnds) {
  const std::string text =
      "\n--b one\nfirst\nline\n\n--b empty\n\n--b bytes\n--b no\xff\n--bx\n\n--b end\n";
  for (size_t window = 1; window < text.size() + 2; ++window) {
    EXPECT_THAT(Sections(text, window),
                ElementsAre(Pair("one", "first\nline\n"), Pair("empty", ""), Pair("bytes", ""),
                            Pair("no\xff", "--bx\n"), Pair("end", "")))
        << window;
  }
}

TEST(FindSections, TakesWhatIsCutForWhatIsThere) {
  EXPECT_THAT(Sections("\n--b one\nfir", 4), ElementsAre(Pair("one", "fir")));
  EXPECT_THAT(Sections("\n--b on", 4), ElementsAre(Pair("on", "")));
  EXPECT_THAT(Sections("--b first\nx", 100), ElementsAre(Pair("first", "x")));
  EXPECT_THAT(Sections("nothing of ours", 4), ElementsAre());
}

TEST(FindSections, CutsLongNamesAndManySections) {
  const std::string text = "\n--b " + std::string(kMostSectionNameBytes + 100, 'n') + "\nx";
  const auto found = Sections(text, 1000);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].first.size(), kMostSectionNameBytes);
  std::string many;
  for (size_t i = 0; i < kMostSections + 2; ++i) many += "\n--b x";
  const fs::testing::TestImage answer(many);
  EXPECT_EQ(FindSections(answer, "--b")->size(), kMostSections);
}

TEST(ParseLinks, ReadsListingsAndPlainLines) {
  const auto links = ParseLinks(
      "lrwxrwxrwx    1 0        0                0 Nov 27 19:00 /proc/7/exe -> /tmp/x (deleted)\n"
      "ls: /proc/7/cwd: Permission denied\n\n/proc/7/fd:\ntotal 0\n"
      "lrwx------    1 0        0               64 Nov 27 19:00 3 -> socket:[12]\n"
      "/proc/8/exe -> /bin/a -> b\n");
  ASSERT_EQ(links.size(), 3U);
  EXPECT_EQ(links[0].path, "/proc/7/exe");
  EXPECT_EQ(links[0].target, "/tmp/x (deleted)");
  EXPECT_EQ(links[1].path, "/proc/7/fd/3");
  EXPECT_EQ(links[1].target, "socket:[12]");
  EXPECT_EQ(links[2].target, "/bin/a -> b");
}

}  // namespace
}  // namespace ekshume::live::kubernetes
