// SPDX-License-Identifier: Apache-2.0
#include "artifact/reading.h"

#include <gmock/gmock.h>

#include "artifact/test_support.h"
#include "artifact/users.h"

namespace ekshume::artifact {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Paths(const std::vector<FoundFile>& files) {
  std::vector<std::string> paths;
  for (const FoundFile& file : files) paths.push_back(file.path);
  return paths;
}

class ReadingTest : public ::testing::Test {
 protected:
  std::vector<std::string> Limits() const {
    std::vector<std::string> details;
    for (const Diagnostic& diagnostic : collected_.diagnostics.Sorted()) {
      if (diagnostic.code == DiagnosticCode::kArtifactLimit) details.push_back(diagnostic.detail);
    }
    return details;
  }

  Tree tree_;
  Collected collected_;
  View view_ = HostView(tree_);
};

TEST_F(ReadingTest, FindsByPattern) {
  tree_.AddFile("etc/cron.d/.hidden", "");
  tree_.AddFile("etc/cron.d/b", "");
  tree_.AddFile("etc/cron.daily/c", "");
  tree_.AddDirectory("etc/cron.d/directory");
  tree_.AddSymlink("etc/cron.d/again", "../cron.daily/c");
  tree_.AddSymlink("etc/cron.d/nowhere", "/missing");
  Reading reading(view_, collected_, collected_.diagnostics);
  EXPECT_THAT(Paths(reading.Find({"/etc/cron.d/*", "/etc/*/b", "/etc/cron.*ly/*", "/no/*"})),
              ElementsAre("/etc/cron.d/.hidden", "/etc/cron.d/again", "/etc/cron.d/b"));
  EXPECT_THAT(Paths(reading.FindBelow("/etc")),
              ElementsAre("/etc/cron.d/.hidden", "/etc/cron.d/b", "/etc/cron.daily/c"));
  EXPECT_THAT(collected_.diagnostics.Sorted(), IsEmpty());
}

TEST_F(ReadingTest, OfAContainerOnlyWhatChanged) {
  tree_.AddFile("etc/a", "");
  tree_.AddFile("etc/b", "");
  const ChangedPaths changed = {"/etc/b"};
  view_ = ContainerView(tree_, changed);
  Reading reading(view_, collected_, collected_.diagnostics);
  EXPECT_THAT(Paths(reading.Find({"/etc/*"})), ElementsAre("/etc/b"));
  EXPECT_THAT(Paths(reading.FindBelow("/etc")), ElementsAre("/etc/b"));
}

TEST_F(ReadingTest, GoesOnlyIntoFoldersWithChanges) {
  for (const char* name : {"etc/a/b/c", "etc/a/d", "etc/a.d/e", "etc/f/g"}) tree_.AddFile(name, "");
  const ChangedPaths changed = {"/etc/a/b/c", "/etc/f"};
  EXPECT_TRUE(changed.ContainsBelow("/"));
  EXPECT_TRUE(changed.ContainsBelow("/etc/a"));
  EXPECT_FALSE(changed.ContainsBelow("/etc/a.d"));
  EXPECT_FALSE(changed.ContainsBelow("/etc/f"));
  EXPECT_FALSE(changed.ContainsBelow("/et"));
  view_ = ContainerView(tree_, changed);
  Reading reading(view_, collected_, collected_.diagnostics);
  EXPECT_THAT(Paths(reading.FindBelow("/etc")), ElementsAre("/etc/a/b/c"));
}

TEST_F(ReadingTest, ReadsTheBeginningOfAFileThatIsTooLong) {
  tree_.AddFile("a", "0123456789");
  Reading reading(view_, collected_, collected_.diagnostics, {.file_bytes = 4});
  const auto files = reading.Find({"/a"});
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(reading.ReadFile(files[0]), "0123");
  EXPECT_THAT(Limits(), ElementsAre("kMaxArtifactBytes"));
}

TEST_F(ReadingTest, LimitsFiles) {
  for (const char* name : {"d/a", "d/b", "d/c"}) tree_.AddFile(name, "");
  Reading reading(view_, collected_, collected_.diagnostics, {.files = 2});
  EXPECT_THAT(Paths(reading.Find({"/d/*"})), ElementsAre("/d/a", "/d/b"));
  EXPECT_THAT(Limits(), ElementsAre("kMaxArtifactFiles"));
  EXPECT_THAT(Paths(reading.FindBelow("/d")), ElementsAre("/d/a", "/d/b"));
}

TEST_F(ReadingTest, LimitsEvents) {
  Reading reading(view_, collected_, collected_.diagnostics, {.events = 1});
  reading.Begin()[Text::kMessage] = "one";
  EXPECT_TRUE(reading.Add("/a", 0));
  EXPECT_FALSE(reading.Add("/a", 1));
  EXPECT_FALSE(reading.Add("/a", 2));
  EXPECT_THAT(collected_.Column(Text::kMessage), ElementsAre("one"));
  EXPECT_THAT(Limits(), ElementsAre("kMaxArtifactEvents"));
}

TEST_F(ReadingTest, FindsHomes) {
  tree_.AddFile("etc/passwd",
                "root:x:0:0:root:/root:/bin/bash\n"
                "web:x:33:33::/var/www/:/usr/sbin/nologin\n"
                "gone:x:34:34::/nonexistent:/bin/sh\nbroken\n");
  for (const char* home : {"root", "var/www", "home/eve"}) tree_.AddDirectory(home);
  const ChangedPaths nothing;
  view_ = ContainerView(tree_, nothing);  // that passwd is the image's own does not matter
  Reading reading(view_, collected_, collected_.diagnostics);
  const Users users(reading);
  std::vector<std::string> homes;
  for (const Home& home : users.homes()) homes.push_back(home.user + "=" + home.path);
  EXPECT_THAT(homes, ElementsAre("=", "eve=/home/eve", "root=/root", "web=/var/www"));
  EXPECT_EQ(users.Name(33), "web");
  EXPECT_EQ(users.Name(5), "5");
}

TEST_F(ReadingTest, LimitsHomes) {
  for (const char* home : {"home/a", "home/b"}) tree_.AddDirectory(home);
  Reading reading(view_, collected_, collected_.diagnostics, {.homes = 2});
  EXPECT_EQ(Users(reading).homes().size(), 2U);
  EXPECT_THAT(Limits(), ElementsAre("kMaxHomes"));
}

TEST(ParsePasswdLineTest, NeedsSevenFields) {
  EXPECT_FALSE(ParsePasswdLine("a:b:1:2:c:/d"));
  EXPECT_FALSE(ParsePasswdLine(""));
  EXPECT_FALSE(ParsePasswdLine(":x:0:0:::"));
  const auto entry = ParsePasswdLine("a::1:9999999999:::");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->uid, 1U);
  EXPECT_FALSE(entry->gid);
  EXPECT_EQ(entry->shell, "");
}

TEST(LinesTest, KeepsPlaces) {
  const auto lines = Lines("a\r\n\nlast");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].text, "a");
  EXPECT_EQ(lines[1].offset, 3U);
  EXPECT_EQ(lines[2].text, "last");
  EXPECT_EQ(lines[2].offset, 4U);
}

TEST(WordsTest, AreTakenOneByOne) {
  std::string_view text = "  a  b\tc ";
  EXPECT_EQ(TakeWord(text), "a");
  EXPECT_EQ(TakeWord(text), "b");
  EXPECT_EQ(text, "c ");
  EXPECT_EQ(TakeWord(text), "c");
  EXPECT_EQ(TakeWord(text), "");
  EXPECT_EQ(Trim(" \t"), "");
}

}  // namespace
}  // namespace ekshume::artifact
