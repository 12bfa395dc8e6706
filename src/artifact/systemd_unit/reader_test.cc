// SPDX-License-Identifier: Apache-2.0
#include "artifact/systemd_unit/reader.h"

#include <gmock/gmock.h>

#include "artifact/systemd_unit/unit.h"
#include "artifact/test_support.h"
#include "base/limits.h"

namespace ekshume::artifact::systemd_unit {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ParseUnitTest, JoinsContinuedLines) {
  const auto settings = ParseUnit(
      "# c\n[Service]\nExecStart = /bin/sh \\\n  -c \\\n# between\n 'a=b'\n\nbroken\nUser=web\n"
      "ExecStop=/x \\");
  ASSERT_EQ(settings.size(), 3U);
  EXPECT_EQ(settings[0].section, "Service");
  EXPECT_EQ(settings[0].key, "ExecStart");
  EXPECT_EQ(settings[0].value, "/bin/sh -c 'a=b'");
  EXPECT_EQ(settings[0].offset, 14U);
  EXPECT_EQ(settings[1].value, "web");
  EXPECT_EQ(settings[2].value, "/x");
}

TEST(SystemdUnitTest, SaysWhatIsStarted) {
  Tree tree;
  tree.AddFileAt("etc/systemd/system/dbus-helper.service",
                 "[Unit]\nDescription=x\n[Service]\nUser=web\nExecStartPre=-/bin/a\n"
                 "ExecStart=\nExecStart=/tmp/.x --pool\n[Install]\nWantedBy=multi-user.target\n",
                 1700000000);
  tree.AddFileAt("etc/systemd/system/a.timer", "[Timer]\nOnCalendar=*:0/5\n", 1700000001);
  tree.AddFile("etc/systemd/system/kubelet.service.d/10-x.conf", "[Service]\nEnvironment=A=b\n");
  tree.AddSymlink("etc/systemd/system/multi-user.target.wants/dbus-helper.service",
                  "/etc/systemd/system/dbus-helper.service");
  tree.AddSymlink("etc/systemd/system/auditd.service", "/dev/null");
  tree.AddSymlink("etc/systemd/system/default.target", "/usr/lib/systemd/system/x.target");
  tree.AddFile("etc/systemd/system/README", "no unit");
  tree.AddFile("usr/lib/systemd/system/ssh.service", "[Service]\nExecStart=/usr/sbin/sshd\n");
  tree.AddFile("home/eve/.config/systemd/user/m.service", "[Service]\nExecStart=@/x y\n");
  Collected collected;
  Read(SystemdUnitFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.Column(Text::kMessage),
              ElementsAre("Unit a.timer: OnCalendar=*:0/5", "Unit auditd.service was masked",
                          "Unit dbus-helper.service: ExecStartPre=-/bin/a",
                          "Unit dbus-helper.service: ExecStart=/tmp/.x --pool",
                          "Unit default.target was linked to /usr/lib/systemd/system/x.target",
                          "Unit kubelet.service with 1 settings",
                          "Unit dbus-helper.service was enabled for multi-user.target "
                          "(/etc/systemd/system/dbus-helper.service)",
                          "Unit m.service: ExecStart=@/x y"));
  const Row& start = collected.rows[3];
  EXPECT_EQ(start.event.time, (Timestamp{1700000000, 0}));
  EXPECT_EQ(start.event[Text::kTimeKind], "Content Modification Time");
  EXPECT_EQ(start.event[Text::kAction], "configured");
  EXPECT_EQ(start.event[Text::kObjectKind], "systemd service");
  EXPECT_EQ(start.event[Text::kObjectName], "dbus-helper.service");
  EXPECT_EQ(start.event[Text::kUserName], "web");
  EXPECT_EQ(start.event[Text::kCommandLine], "/tmp/.x --pool");
  EXPECT_EQ(start.event[Text::kPath], "/etc/systemd/system/dbus-helper.service");
  EXPECT_EQ(start.event.raw, "ExecStart=/tmp/.x --pool");
  EXPECT_EQ(start.offset, 72U);
  EXPECT_EQ(collected.rows[0].event[Text::kUserName], "root");
  EXPECT_EQ(collected.rows[1].event[Text::kAction], "masked");
  EXPECT_EQ(collected.rows[6].event[Text::kAction], "enabled");
  EXPECT_EQ(collected.rows[7].event[Text::kUserName], "eve");
  EXPECT_EQ(collected.rows[7].event[Text::kCommandLine], "/x y");
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(SystemdUnitTest, ChangedUnitsOfPackagesInContainers) {
  Tree tree;
  tree.AddFile("usr/lib/systemd/system/a.service", "[Service]\nExecStart=/a\n");
  tree.AddFile("usr/lib/systemd/system/b.service", "[Service]\nExecStart=/b\n");
  Collected collected;
  Read(SystemdUnitFormat(), ContainerView(tree, {"/usr/lib/systemd/system/b.service"}), collected);
  EXPECT_THAT(collected.Column(Text::kCommandLine), ElementsAre("/b"));
}

TEST(SystemdUnitTest, EveryDamage) {
  ReadEveryDamage(SystemdUnitFormat(), "etc/systemd/system/x.service",
                  "[Service]\nExecStart=/a \\\n b\n;c\nUser=x\n");
}

}  // namespace
}  // namespace ekshume::artifact::systemd_unit
