// SPDX-License-Identifier: Apache-2.0
#include "artifact/cloud/reader.h"

#include <gmock/gmock.h>

#include "artifact/cloud/cloud_init_log.h"
#include "artifact/test_support.h"

namespace ekshume::artifact::cloud {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kRan =
    "2026-11-24 21:39:08,785 - subp.py[DEBUG]: Running command ['sh', '-c', \"echo 'a b'\"] with "
    "allowed return codes [0] (shell=False, capture=True)";

TEST(ParseCloudInitLineTest, TakesCommands) {
  const auto line = ParseCloudInitLine(kRan);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->time, ParseTimestamp("2026-11-24T21:39:08.785Z"));
  EXPECT_EQ(line->module, "subp.py");
  EXPECT_EQ(line->level, "DEBUG");
  EXPECT_EQ(line->command, "sh -c 'echo '\\''a b'\\'''");
  EXPECT_FALSE(ParseCloudInitLine("Traceback (most recent call last):"));
  EXPECT_FALSE(ParseCloudInitLine("2026-11-24 21:39:08,785 - subp.py"));
}

TEST(ParseStageLineTest, TakesTheTime) {
  EXPECT_EQ(ParseStageLine("Cloud-init v. 22.2.2 running 'init' at Tue, 24 Nov 2026 21:39:08 "
                           "+0000. Up 5.04 seconds."),
            ParseTimestamp("2026-11-24T21:39:08Z"));
  EXPECT_FALSE(ParseStageLine("Cloud-init v. 22.2.2 running"));
  EXPECT_FALSE(ParseStageLine("other"));
}

TEST(CloudTest, TellsWhatCameThroughTheCloud) {
  Tree tree;
  tree.AddFileAt("var/lib/cloud/data/instance-id", "i-0123456789abcdef0\n", 1700000000);
  tree.AddFile("var/lib/cloud/instances/i-0123456789abcdef0/user-data.txt", "#!/bin/sh\ncurl x\n");
  tree.AddFile("var/lib/cloud/instances/i-0123456789abcdef0/vendor-data.txt", "");
  tree.AddFile("var/lib/cloud/instances/i-0123456789abcdef0/scripts/part-001", "#!/bin/sh\n");
  tree.AddFile("var/log/cloud-init.log",
               std::string(kRan) + "\n2026-11-24 21:39:09,000 - util.py[DEBUG]: noise\nmore\n" +
                   "2026-11-24 21:39:10,000 - cc.py[WARNING]: failed\n");
  tree.AddFile("var/log/cloud-init-output.log",
               "noise\nCloud-init v. 22 running 'final' at Tue, 24 Nov 2026 21:39:12 +0000.\nhi\n");
  const std::string ssm = "var/lib/amazon/ssm/i-0123456789abcdef0/";
  const std::string step = ssm + "document/orchestration/cmd-1/awsrunShellScript/0.aws/";
  tree.AddFileAt(step + "_script.sh", "id\n", 1700000001);
  tree.AddFile(step + "stdout", "uid=0(root)\n");
  tree.AddFile(ssm + "session/orchestration/alice-0a1b2c/Standard_Stream/ipcTempFile.log",
               "$ id\n");
  Collected collected;
  Read(CloudFormat(), HostView(tree), collected);
  EXPECT_THAT(
      collected.Column(Text::kMessage),
      ElementsAre(
          "The machine is i-0123456789abcdef0", "user-data.txt of i-0123456789abcdef0",
          "Script that cloud-init runs: "
          "/var/lib/cloud/instances/i-0123456789abcdef0/scripts/part-001",
          "cloud-init: Running command ['sh', '-c', \"echo 'a b'\"] with allowed return codes [0] "
          "(shell=False, capture=True)",
          "cloud-init: noise", "cloud-init: failed",
          "Cloud-init v. 22 running 'final' at Tue, 24 Nov 2026 21:39:12 +0000.",
          "Run Command cmd-1 ran a script", "Run Command cmd-1 printed to stdout",
          "Shell session alice-0a1b2c (ipcTempFile.log)"));
  EXPECT_EQ(collected.rows[0].event.time, (Timestamp{1700000000, 0}));
  EXPECT_EQ(collected.rows[1].event.raw, "#!/bin/sh\ncurl x\n");
  const Event& ran = collected.rows[3].event;
  EXPECT_EQ(ran[Text::kAction], "command");
  EXPECT_EQ(ran.time, ParseTimestamp("2026-11-24T21:39:08.785Z"));
  EXPECT_EQ(collected.rows[4].event[Text::kAction], "logged");
  EXPECT_EQ(collected.rows[4].event.raw, "2026-11-24 21:39:09,000 - util.py[DEBUG]: noise\nmore");
  EXPECT_EQ(collected.rows[6].offset, 6U);
  const Event& script = collected.rows[7].event;
  EXPECT_EQ(script[Text::kObjectKind], "ssm command");
  EXPECT_EQ(script[Text::kRecordId], "cmd-1");
  EXPECT_EQ(script[Text::kCommandLine], "id");
  EXPECT_EQ(collected.rows[9].event[Text::kUserName], "alice");
  EXPECT_EQ(collected.rows[9].event.raw, "$ id\n");
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(CloudTest, EveryDamage) {
  ReadEveryDamage(CloudFormat(), "var/log/cloud-init.log", kRan);
  ReadEveryDamage(CloudFormat(), "var/log/cloud-init-output.log",
                  "Cloud-init v. 22 running 'final' at Tue, 24 Nov 2026 21:39:12 +0000.\n");
}

}  // namespace
}  // namespace ekshume::artifact::cloud
