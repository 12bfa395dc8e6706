// SPDX-License-Identifier: Apache-2.0
#include "log/auditd/reader.h"

#include "base/limits.h"
#include "log/auditd/fields.h"
#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::auditd {
namespace {

using testing::Number;
using testing::Parsed;
using testing::Row;
using testing::Text;

// One event in six lines, with what auditd adds in the first.
constexpr std::string_view kExecve =
    "type=SYSCALL msg=audit(1723044684.257:15795): arch=c000003e syscall=59 success=yes exit=0 "
    "a0=55d a1=55e a2=55f a3=8 items=2 ppid=2686 pid=3538 auid=1000 uid=0 gid=0 euid=0 tty=pts0 "
    "ses=3 comm=\"cat\" exe=\"/usr/bin/cat\" key=\"exec\"\x1d"
    "ARCH=x86_64 SYSCALL=execve AUID=\"alice\" UID=\"root\"\n"
    "type=EXECVE msg=audit(1723044684.257:15795): argc=3 a0=\"cat\" a1=\"/etc/shadow\" "
    "a2=612062\n"
    "type=CWD msg=audit(1723044684.257:15795): cwd=\"/root\"\n"
    "type=PATH msg=audit(1723044684.257:15795): item=0 name=\"/usr/bin/cat\" inode=1 "
    "nametype=NORMAL\n"
    "type=PATH msg=audit(1723044684.257:15795): item=1 name=\"/lib64/ld-linux-x86-64.so.2\" "
    "nametype=NORMAL\n"
    "type=PROCTITLE msg=audit(1723044684.257:15795): proctitle=636174002F657463";

event::Event Read(std::string_view record) {
  Parsed parsed;
  testing::Parse(AuditdFormat(), record, parsed);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << record;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.size() == 1 ? parsed.events[0] : event::Event();
}

TEST(Auditd, ReadsTheLinesOfOneSerialAsOneEvent) {
  EXPECT_EQ(Row(Read(kExecve)),
            "time=2024-08-07T15:31:24.257000000Z\n"
            "time_kind=Event Time\n"
            "user_name=alice\n"
            "action=execve\n"
            "outcome=success\n"
            "process=/usr/bin/cat\n"
            "command_line=cat /etc/shadow 'a b'\n"
            "path=/usr/bin/cat\n"
            "record_id=1723044684.257:15795\n"
            "message=alice called execve: cat /etc/shadow 'a b'\n"
            "tags=key=exec auid=1000 uid=0 euid=0 ppid=2686 ses=3 tty=pts0\n"
            "status_code=0\n"
            "pid=3538\n");
}

TEST(Auditd, JoinsLinesOfOneSerialOnly) {
  const std::string_view first = kExecve.substr(0, kExecve.find('\n'));
  EXPECT_TRUE(AuditdFormat().spans_lines());
  EXPECT_TRUE(
      AuditdFormat().Continues(first, "type=CWD msg=audit(1723044684.257:15795): cwd=\"/\""));
  EXPECT_FALSE(AuditdFormat().Continues(first, "type=CWD msg=audit(1723044684.257:15796): x=1"));
  EXPECT_FALSE(
      AuditdFormat().Continues(first, "node=b type=CWD msg=audit(1723044684.257:15795): x=1"));
  EXPECT_FALSE(AuditdFormat().Continues(first, "something else"));
}

TEST(Auditd, ReadsFilesAndFailures) {
  const event::Event event = Read(
      "node=ip-10-0-0-1 type=SYSCALL msg=audit(1.5:7): arch=c00000b7 syscall=56 success=no "
      "exit=-13 "
      "pid=9 auid=4294967295 uid=48 comm=\"sh\" exe=\"/bin/sh\" key=(null)\n"
      "type=CWD msg=audit(1.5:7): cwd=\"/var/www\"\n"
      "type=PATH msg=audit(1.5:7): item=0 name=\"/var/www\" nametype=PARENT\n"
      "type=PATH msg=audit(1.5:7): item=1 name=\"./up/a.php\" nametype=CREATE\n"
      "type=PROCTITLE msg=audit(1.5:7): proctitle=7368002D6300612062");
  EXPECT_EQ(event[Text::kNode], "ip-10-0-0-1");
  EXPECT_EQ(event[Text::kAction], "openat");
  EXPECT_EQ(event[Text::kUserName], "48");
  EXPECT_EQ(event[Text::kPath], "/var/www/up/a.php");
  EXPECT_EQ(event[Text::kCommandLine], "sh -c 'a b'");
  EXPECT_EQ(event[Text::kOutcome], "failure");
  EXPECT_EQ(event[Text::kError], "-13");
  EXPECT_EQ(event[Text::kTags], "uid=48");
  EXPECT_EQ(event[Number::kStatusCode], -13);
  EXPECT_EQ(event[Text::kMessage],
            "48 called openat: sh -c 'a b' on /var/www/up/a.php (failed: -13)");
}

TEST(Auditd, ReadsConnections) {
  const event::Event event = Read(
      "type=SYSCALL msg=audit(1.5:7): arch=c000003e syscall=42 success=yes exit=0 pid=9 uid=0\n"
      "type=SOCKADDR msg=audit(1.5:7): saddr=0200115CCB0071070000000000000000");
  EXPECT_EQ(event[Text::kAction], "connect");
  EXPECT_EQ(event[Text::kDestinationIp], "203.0.113.7");
  EXPECT_EQ(event[Number::kDestinationPort], 4444);
}

TEST(Auditd, DecodesAddresses) {
  const auto six = ParseSocketAddress("0A0001BB0000000020010DB80000000000000000000000010000000000");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->address, "2001:db8::1");
  EXPECT_EQ(six->port, 443);
  const auto local = ParseSocketAddress("01002F72756E2F642E736F636B00");
  ASSERT_TRUE(local);
  EXPECT_EQ(local->address, "/run/d.sock");
  EXPECT_FALSE(local->port);
  EXPECT_EQ(ParseSocketAddress("010000616200")->address, "@ab");
  for (const char* bad : {"", "02", "0200", "0200115CCB00", "0A0001BB", "zz00", "1000000000"}) {
    EXPECT_FALSE(ParseSocketAddress(bad)) << bad;
  }
}

TEST(Auditd, ReadsWhatUserSpaceReports) {
  struct Case {
    const char* line;
    const char* action;
    const char* user;
    const char* object;
    const char* source_ip;
    const char* outcome;
    const char* command_line;
  };
  const Case cases[] = {
      {"type=USER_LOGIN msg=audit(1.5:7): pid=1 uid=0 auid=1000 ses=3 msg='op=login acct=\"root\" "
       "exe=\"/usr/sbin/sshd\" hostname=203.0.113.7 addr=203.0.113.7 terminal=ssh res=success'",
       "login", "root", "", "203.0.113.7", "success", ""},
      {"type=USER_AUTH msg=audit(1.5:7): pid=1 uid=0 auid=4294967295 msg='op=PAM:authentication "
       "acct=28696E76616C6964207573657229 exe=\"/usr/sbin/sshd\" hostname=? addr=203.0.113.7 "
       "res=failed'",
       "authentication", "(invalid user)", "", "203.0.113.7", "failure", ""},
      {"type=USER_CMD msg=audit(1.5:7): pid=1 uid=1000 auid=1000 msg='cwd=\"/\" "
       "cmd=636174202F6574632F736861646F77 terminal=pts/0 res=success'",
       "sudo", "1000", "", "", "success", "cat /etc/shadow"},
      {"type=ADD_USER msg=audit(1.5:7): pid=1 uid=0 auid=1000 msg='op=adding user acct=\"eve\" "
       "exe=\"/usr/sbin/useradd\" res=success'",
       "user_added", "1000", "eve", "", "success", ""},
      {"type=SERVICE_STOP msg=audit(1.5:7): pid=1 uid=0 auid=4294967295 msg='unit=auditd "
       "comm=\"systemd\" exe=\"/usr/lib/systemd/systemd\" res=success'",
       "service_stop", "0", "auditd", "", "success", ""},
      {"type=CONFIG_CHANGE msg=audit(1.5:7): auid=1000 op=remove_rule key=\"exec\" res=1",
       "config_change", "1000", "", "", "success", ""},
  };
  for (const Case& c : cases) {
    const event::Event event = Read(c.line);
    EXPECT_EQ(event[Text::kAction], c.action) << c.line;
    EXPECT_EQ(event[Text::kUserName], c.user) << c.line;
    EXPECT_EQ(event[Text::kObjectName], c.object) << c.line;
    EXPECT_EQ(event[Text::kSourceIp], c.source_ip) << c.line;
    EXPECT_EQ(event[Text::kOutcome], c.outcome) << c.line;
    EXPECT_EQ(event[Text::kCommandLine], c.command_line) << c.line;
  }
}

TEST(Auditd, JoinsThePartsOfLongArguments) {
  const event::Event event = Read(
      "type=EXECVE msg=audit(1.5:7): argc=2 a0=\"sh\" a1_len=6 a1[0]=616263\n"
      "type=EXECVE msg=audit(1.5:7): a1[1]=646566");
  EXPECT_EQ(event[Text::kCommandLine], "sh abcdef");
}

TEST(Auditd, BoundsTheArguments) {
  // kMaxArguments: what an event claims beyond it is left out.
  std::string line = "type=EXECVE msg=audit(1.5:7): argc=99999999 a99999999=\"x\"";
  line += " a" + std::to_string(limits::kMaxArguments) + "=\"y\"";
  line += " a" + std::to_string(limits::kMaxArguments - 1) + "=\"z\"";
  const event::Event event = Read(line);
  const std::string& found = event[Text::kCommandLine];
  EXPECT_TRUE(found.ends_with(" z"));
  EXPECT_FALSE(found.contains('x') || found.contains('y'));
  std::string many = "a=1";
  for (size_t i = 0; i < limits::kMaxArguments; ++i) many += " a=1";
  EXPECT_EQ(ParseFields(many).size(), limits::kMaxArguments);
}

TEST(Auditd, TellsOtherLinesAndBrokenOnesApart) {
  const std::pair<const char*, Outcome> cases[] = {
      {"type=EOE msg=audit(1.5:7): ", Outcome::kSkipped},
      {"type=SYSCALL msg=audit(1.5:x): a=b", Outcome::kDamaged},
      {"type=SYSCALL msg=audit(1.5", Outcome::kDamaged},
      {"type=SYSCALL something", Outcome::kNotMine},
      {"Nov 24 21:39:08 node audit: type=1400 audit(1.5:7): x", Outcome::kNotMine},
      {"", Outcome::kNotMine}};
  for (const auto& [line, outcome] : cases) {
    Parsed parsed;
    testing::Parse(AuditdFormat(), line, parsed);
    EXPECT_EQ(parsed.outcome, outcome) << line;
    EXPECT_EQ(AuditdFormat().Sniff(line), outcome == Outcome::kSkipped ? Match::kYes : Match::kNo);
  }
}

TEST(Auditd, SurvivesEveryDamage) {
  testing::ParseEveryDamage(AuditdFormat(), kExecve);
  testing::ParseEveryDamage(AuditdFormat(),
                            "node=a type=SOCKADDR msg=audit(1.5:7): saddr=0A0001BB000000002001");
}

}  // namespace
}  // namespace ekshume::log::auditd
