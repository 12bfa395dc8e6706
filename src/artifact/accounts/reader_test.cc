// SPDX-License-Identifier: Apache-2.0
#include "artifact/accounts/reader.h"

#include <gmock/gmock.h>

#include "artifact/test_support.h"

namespace ekshume::artifact::accounts {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(AccountsTest, NamesAccountsAndWhatIsOddAboutThem) {
  Tree tree;
  tree.AddFileAt("etc/passwd",
                 "root:x:0:0:root:/root:/bin/bash\ntoor::0:0::/root:/bin/sh\n"
                 "old:$1$abc$hash:7:7::/:\n",
                 1700000000);
  Collected collected;
  Read(AccountsFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.Column(Text::kMessage),
              ElementsAre("Account root: uid 0, home /root, shell /bin/bash",
                          "Account toor: uid 0, home /root, shell /bin/sh",
                          "Account old: uid 7, home /, shell none"));
  EXPECT_THAT(collected.Column(Text::kTags), ElementsAre("", "uid0 empty_password", ""));
  const Row& row = collected.rows[1];
  EXPECT_EQ(row.event.time, (Timestamp{1700000000, 0}));
  EXPECT_EQ(row.event[Text::kObjectKind], "account");
  EXPECT_EQ(row.event[Text::kUserName], "toor");
  EXPECT_EQ(row.event.raw, "toor::0:0::/root:/bin/sh");
  EXPECT_EQ(row.offset, 32U);
  EXPECT_EQ(collected.rows[2].event.raw, "old:(removed):7:7::/:");
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(AccountsTest, KeepsHashesOut) {
  Tree tree;
  tree.AddFileAt("etc/shadow",
                 "root:$6$salt$secrethash:19800:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n"
                 "sync:*::0:::::\nweb::19801:0:99999:7:::\neve:!$y$j9T$secrethash:0:0:::::\n",
                 1700000000);
  Collected collected;
  Read(AccountsFormat(), HostView(tree), collected);
  EXPECT_THAT(
      collected.Column(Text::kMessage),
      ElementsAre("Password of root: sha512crypt, changed that day",
                  "Password of daemon: none, changed that day",
                  "Password of web: empty, changed that day", "Password of eve: set and locked"));
  EXPECT_EQ(collected.rows[0].event.time, (Timestamp{19800 * 86400L, 0}));
  EXPECT_EQ(collected.rows[0].event[Text::kTimeKind], "Last Password Reset");
  EXPECT_EQ(collected.rows[2].event[Text::kTags], "empty_password");
  EXPECT_EQ(collected.rows[3].event.time, (Timestamp{1700000000, 0}));
  for (const Row& row : collected.rows) {
    EXPECT_EQ(row.event.raw.find("secrethash"), std::string::npos) << row.event.raw;
  }
  EXPECT_EQ(collected.rows[0].event.raw, "root:(removed):19800:0:99999:7:::");
}

TEST(AccountsTest, GroupsAndSudo) {
  Tree tree;
  tree.AddFile("etc/group", "root:x:0:\nwheel:x:10:eve,ops\n");
  tree.AddFile("etc/sudoers.d/90-x",
               "# comment\n#1000 ALL=(ALL) ALL\nDefaults !requiretty\n"
               "ec2-user ALL=(ALL) NOPASSWD:ALL\n#includedir /etc/x\n");
  Collected collected;
  Read(AccountsFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.Column(Text::kMessage),
              ElementsAre("Group wheel (10) has the members eve,ops", "sudo: #1000 ALL=(ALL) ALL",
                          "sudo: Defaults !requiretty", "sudo: ec2-user ALL=(ALL) NOPASSWD:ALL",
                          "sudo: #includedir /etc/x"));
  EXPECT_THAT(collected.Column(Text::kAction),
              ElementsAre("present", "authorized", "configured", "authorized", "configured"));
  EXPECT_THAT(collected.Column(Text::kTags), ElementsAre("", "", "", "nopasswd", ""));
}

TEST(AccountsTest, ReportsLinesThatAreNone) {
  Tree tree;
  tree.AddFile("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nbroken\n\na:x:y:0:::\n");
  Collected collected;
  Read(AccountsFormat(), HostView(tree), collected);
  EXPECT_EQ(collected.rows.size(), 1U);
  EXPECT_EQ(collected.diagnostics.Count(DiagnosticCode::kArtifactDamaged), 2U);
}

TEST(AccountsTest, EveryDamage) {
  ReadEveryDamage(AccountsFormat(), "etc/passwd", "root:x:0:0:root:/root:/bin/sh\na::1:2:::\n");
  ReadEveryDamage(AccountsFormat(), "etc/shadow", "root:$6$a$b:19800:0:99999:7:::\nb:*::\n");
  ReadEveryDamage(AccountsFormat(), "etc/sudoers", "a ALL=(ALL) NOPASSWD:ALL\n#1 ALL=ALL\n");
}

}  // namespace
}  // namespace ekshume::artifact::accounts
