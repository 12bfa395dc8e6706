// SPDX-License-Identifier: Apache-2.0
#include "artifact/startup/reader.h"

#include <gmock/gmock.h>

#include "artifact/test_support.h"

namespace ekshume::artifact::startup {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(StartupTest, NamesWhatRunsByItself) {
  Tree tree;
  tree.AddFile("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  tree.AddFileAt("etc/ld.so.preload", "# x\n/usr/lib/libhide.so \n", 1700000000);
  tree.AddFile("etc/modules-load.d/x.conf", "overlay\n\nbr_netfilter\n");
  tree.AddFileAt("etc/profile.d/z.sh", "curl x | sh\n", 1700000001);
  tree.AddFile("root/.bashrc", "alias ls=x\n");
  tree.AddFile("etc/udev/rules.d/9.rules",
               "KERNEL==\"a\", NAME=\"b\"\nACTION==\"add\", RUN+=\"/tmp/.x a\"\nRUN\n");
  tree.AddFile("etc/pam.d/sshd",
               "auth required pam_unix.so\nsession optional pam_exec.so /tmp/log\n"
               "auth sufficient /tmp/pam_x.so\n");
  Collected collected;
  Read(StartupFormat(), HostView(tree), collected);
  EXPECT_THAT(
      collected.Column(Text::kMessage),
      ElementsAre("/usr/lib/libhide.so is loaded into every process (/etc/ld.so.preload)",
                  "overlay is loaded at boot (/etc/modules-load.d/x.conf)",
                  "br_netfilter is loaded at boot (/etc/modules-load.d/x.conf)",
                  "/etc/profile.d/z.sh is read or run at every login by root",
                  "/root/.bashrc is read or run in every bash by root",
                  "/tmp/.x a is run when a device appears (/etc/udev/rules.d/9.rules)",
                  "PAM, at every login: session optional pam_exec.so /tmp/log (/etc/pam.d/sshd)",
                  "PAM, at every login: auth sufficient /tmp/pam_x.so (/etc/pam.d/sshd)"));
  const Row& preload = collected.rows[0];
  EXPECT_EQ(preload.event.time, (Timestamp{1700000000, 0}));
  EXPECT_EQ(preload.event[Text::kTimeKind], "Content Modification Time");
  EXPECT_EQ(preload.event[Text::kAction], "configured");
  EXPECT_EQ(preload.event[Text::kObjectKind], "preloaded library");
  EXPECT_EQ(preload.event[Text::kObjectName], "/usr/lib/libhide.so");
  EXPECT_EQ(preload.event[Text::kPath], "/etc/ld.so.preload");
  EXPECT_EQ(preload.event.raw, "/usr/lib/libhide.so ");
  EXPECT_EQ(preload.offset, 4U);
  EXPECT_EQ(collected.rows[3].event.raw, "curl x | sh\n");
  EXPECT_EQ(collected.rows[5].event[Text::kCommandLine], "/tmp/.x a");
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(StartupTest, OfContainersOnlyWhatChanged) {
  Tree tree;
  tree.AddFile("root/.bashrc", "image's own");
  tree.AddFile("root/.profile", "changed");
  Collected collected;
  Read(StartupFormat(), ContainerView(tree, {"/root/.profile"}), collected);
  EXPECT_THAT(collected.Column(Text::kPath), ElementsAre("/root/.profile"));
}

TEST(StartupTest, EveryDamage) {
  ReadEveryDamage(StartupFormat(), "etc/ld.so.preload", "# a\n/b\n");
  ReadEveryDamage(StartupFormat(), "etc/udev/rules.d/x", "A=\"b\", RUN+=\"/c\"\n");
}

}  // namespace
}  // namespace ekshume::artifact::startup
