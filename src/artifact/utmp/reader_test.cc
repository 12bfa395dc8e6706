// SPDX-License-Identifier: Apache-2.0
#include "artifact/utmp/reader.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "artifact/test_support.h"
#include "artifact/utmp/format.h"
#include "artifact/utmp/record.h"

namespace ekshume::artifact::utmp {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Made by utmpdump of util-linux: tests/data/artifact/make.
std::string RealWtmp() {
  std::ifstream stream(std::string(EKSHUME_SOURCE_DIR) + "/tests/data/artifact/wtmp",
                       std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

template <size_t kSize>
void Set(std::array<char, kSize>& field, std::string_view text) {
  std::ranges::copy(text, field.begin());
}

template <typename Raw>
std::string Bytes(const Raw& raw) {
  return std::string(AsBytes(raw).AsText());
}

// As an aarch64 node writes it.
std::string WideLogin(std::string_view user, std::string_view line, int64_t seconds) {
  Utmp64 raw{};
  raw.ut_type = le16::Of(kUserProcess);
  raw.ut_pid = le32::Of(77);
  Set(raw.ut_user, user);
  Set(raw.ut_line, line);
  Set(raw.ut_host, "198.51.100.4");
  raw.tv_sec = le64::Of(static_cast<uint64_t>(seconds));
  raw.tv_usec = le64::Of(250000);
  return Bytes(raw);
}

TEST(UtmpTest, ReadsWhatUtmpdumpWrote) {
  Tree tree;
  const std::string wtmp = RealWtmp();
  ASSERT_EQ(wtmp.size(), 8 * 384U);
  tree.AddFile("var/log/wtmp", wtmp);
  Collected collected;
  Read(UtmpFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.Column(Text::kMessage),
              ElementsAre("System boot (6.12.40)", "Run level 3",
                          "ec2-user logged in from 203.0.113.9 on pts/0",
                          "root logged in from host.example on pts/1",
                          "ec2-user logged out on pts/0", "System shutdown (6.12.40)"));
  EXPECT_THAT(collected.Column(Text::kAction),
              ElementsAre("boot", "runlevel", "login", "login", "logout", "shutdown"));
  EXPECT_THAT(collected.Column(Text::kSourceIp),
              ElementsAre("", "", "203.0.113.9", "2001:db8::7", "203.0.113.9", ""));
  EXPECT_THAT(
      collected.Column(Text::kTimeKind),
      ElementsAre("Start Time", "Event Time", "Start Time", "Start Time", "End Time", "End Time"));
  const Row& login = collected.rows[2];
  EXPECT_EQ(login.event.time, ParseTimestamp("2026-11-24T21:39:08.785895Z"));
  EXPECT_EQ(login.event[Text::kUserName], "ec2-user");
  EXPECT_EQ(login.event[Text::kObjectName], "pts/0");
  EXPECT_EQ(login.event[Text::kOutcome], "success");
  EXPECT_EQ(login.event[Number::kPid], 1234);
  EXPECT_EQ(login.event.raw,
            "[7] [01234] [ts/0] [ec2-user] [pts/0       ] [203.0.113.9         ] "
            "[203.0.113.9    ] [2026-11-24T21:39:08.785895000Z]");
  EXPECT_EQ(login.path, "/var/log/wtmp");
  EXPECT_EQ(login.offset, 3 * 384U);
  EXPECT_EQ(collected.rows[4].event[Text::kUserName], "ec2-user");
  EXPECT_EQ(collected.rows[4].event[Number::kDurationNs], 600000000000);
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(UtmpTest, BtmpHoldsFailures) {
  Tree tree;
  tree.AddFile("var/log/btmp", RealWtmp().substr(3 * 384, 384));
  Collected collected;
  Read(UtmpFormat(), HostView(tree), collected);
  ASSERT_EQ(collected.rows.size(), 1U);
  EXPECT_EQ(collected.rows[0].event[Text::kOutcome], "failure");
  EXPECT_EQ(collected.rows[0].event[Text::kMessage],
            "Failed login of ec2-user from 203.0.113.9 on pts/0");
}

TEST(UtmpTest, ReadsRecordsOfAarch64) {
  Tree tree;
  tree.AddFile("var/log/wtmp", WideLogin("root", "pts/0", 1700000000) +
                                   WideLogin("eve", "pts/1", 1700000001) + "tail");
  Collected collected;
  Read(UtmpFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.Column(Text::kUserName), ElementsAre("root", "eve"));
  EXPECT_THAT(collected.Column(Text::kSourceIp), ElementsAre("198.51.100.4", "198.51.100.4"));
  ASSERT_EQ(collected.rows.size(), 2U);
  EXPECT_EQ(collected.rows[1].event.time, (Timestamp{1700000001, 250000000}));
  EXPECT_EQ(collected.rows[1].offset, 400U);
  EXPECT_EQ(collected.diagnostics.Count(DiagnosticCode::kArtifactDamaged), 1U);
}

TEST(UtmpTest, LeavesOutWhatNoProgramWrites) {
  std::string wtmp = RealWtmp();
  wtmp[3 * 384] = 'x';
  Tree tree;
  tree.AddFile("var/log/wtmp", wtmp);
  Collected collected;
  Read(UtmpFormat(), HostView(tree), collected);
  EXPECT_EQ(collected.rows.size(), 4U);  // nor the logout, whose login is not known
  const auto diagnostics = collected.diagnostics.Sorted();
  ASSERT_EQ(diagnostics.size(), 1U);
  EXPECT_EQ(diagnostics[0].code, DiagnosticCode::kArtifactDamaged);
  EXPECT_EQ(diagnostics[0].evidence, "disk.img:/var/log/wtmp");
  EXPECT_EQ(diagnostics[0].offset_bytes, 3 * 384U);
}

TEST(UtmpTest, LastlogIsIndexedByUser) {
  Lastlog32 narrow{};
  narrow.ll_time = le32::Of(1700000000);
  Set(narrow.ll_line, "pts/0");
  Set(narrow.ll_host, "203.0.113.9");
  Tree tree;
  tree.AddFile("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:2:2::/:/bin/sh\n");
  tree.AddFile("var/log/lastlog", std::string(2 * sizeof(narrow), '\0') + Bytes(narrow) +
                                      std::string(sizeof(narrow), '\0'));
  Collected collected;
  Read(UtmpFormat(), HostView(tree), collected);
  ASSERT_EQ(collected.rows.size(), 1U);
  const Row& row = collected.rows[0];
  EXPECT_EQ(row.event[Text::kUserName], "web");
  EXPECT_EQ(row.event[Text::kTimeKind], "Last Login Time");
  EXPECT_EQ(row.event[Text::kSourceIp], "203.0.113.9");
  EXPECT_EQ(row.event[Text::kMessage], "Last login of web from 203.0.113.9 on pts/0");
  EXPECT_EQ(row.event.time, (Timestamp{1700000000, 0}));
  EXPECT_EQ(row.offset, 2 * 292U);
}

TEST(UtmpTest, LastlogOfAarch64) {
  Lastlog64 wide{};
  wide.ll_time = le64::Of(1700000000);
  Set(wide.ll_line, "pts/0");
  Tree tree;
  tree.AddFile("var/log/lastlog", std::string(1000 * sizeof(wide), '\0') + Bytes(wide));
  Collected collected;
  Read(UtmpFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.Column(Text::kUserName), ElementsAre("1000"));
}

TEST(UtmpTest, EveryDamage) {
  ReadEveryDamage(UtmpFormat(), "var/log/wtmp", RealWtmp().substr(3 * 384, 384));
  Lastlog32 narrow{};
  narrow.ll_time = le32::Of(1700000000);
  ReadEveryDamage(UtmpFormat(), "var/log/lastlog", Bytes(narrow));
}

}  // namespace
}  // namespace ekshume::artifact::utmp
