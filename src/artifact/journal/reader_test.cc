// SPDX-License-Identifier: Apache-2.0
#include "artifact/journal/reader.h"

#include <gmock/gmock.h>

#include "artifact/journal/file.h"
#include "artifact/journal/sentence.h"
#include "artifact/test_support.h"
#include "base/limits.h"

namespace ekshume::artifact::journal {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kPath =
    "var/log/journal/fedcba9876543210fedcba9876543210/system.journal";

// Made by systemd-journal-remote: tests/data/artifact/make.
std::string RealJournal() {
  return runtime::ReadZst(std::string(EKSHUME_SOURCE_DIR) +
                          "/tests/data/artifact/system.journal.zst");
}

TEST(JournalTest, ReadsWhatSystemdWrote) {
  Tree tree;
  tree.AddFile("etc/passwd", "root:x:0:0::/root:/bin/sh\nec2-user:x:1000:1000::/:/bin/sh\n");
  tree.AddFile(kPath, RealJournal());
  Collected collected;
  Read(JournalFormat(), HostView(tree), collected);
  ASSERT_EQ(collected.rows.size(), 4U);
  const Row& login = collected.rows[0];
  EXPECT_EQ(login.event.time, ParseTimestamp("2026-11-24T21:39:08.785895Z"));
  EXPECT_EQ(login.event[Text::kAction], "login");
  EXPECT_EQ(login.event[Text::kOutcome], "success");
  EXPECT_EQ(login.event[Text::kUserName], "ec2-user");
  EXPECT_EQ(login.event[Text::kSourceIp], "203.0.113.9");
  EXPECT_EQ(login.event[Number::kSourcePort], 40022);
  EXPECT_EQ(login.event[Text::kCredentialId], "SHA256:jVDES5wbB8R/2MsVw+0qXL+WxAY5z2YCea802q8Eqo0");
  EXPECT_EQ(login.event[Text::kProcess], "/usr/sbin/sshd");
  EXPECT_EQ(login.event[Text::kCommandLine], "sshd: ec2-user [priv]");
  EXPECT_EQ(login.event[Text::kObjectKind], "systemd unit");
  EXPECT_EQ(login.event[Text::kObjectName], "sshd.service");
  EXPECT_EQ(login.event[Text::kNode], "ip-10-0-1-23");
  EXPECT_EQ(login.event[Text::kSeverity], "info");
  EXPECT_EQ(login.event[Number::kPid], 1234);
  EXPECT_THAT(login.event[Text::kMessage], HasSubstr("sshd: Accepted publickey for ec2-user"));
  EXPECT_THAT(login.event[Text::kRecordId], HasSubstr("b=0123456789abcdef0123456789abcdef"));
  EXPECT_EQ(login.event.identity, login.event[Text::kRecordId]);
  EXPECT_THAT(login.event.raw, HasSubstr("_SYSTEMD_UNIT=sshd.service\n"));
  EXPECT_EQ(login.path, "/" + std::string(kPath));
  EXPECT_EQ(login.offset, 0U);
  const Event& sudo = collected.rows[1].event;
  EXPECT_EQ(sudo[Text::kAction], "sudo");
  EXPECT_EQ(sudo[Text::kUserName], "ec2-user");
  EXPECT_EQ(sudo[Text::kCommandLine], "/usr/bin/crictl ps");
  EXPECT_EQ(sudo[Text::kObjectName], "root");
  const Event& kubelet = collected.rows[2].event;
  EXPECT_EQ(kubelet[Text::kAction], "logged");
  EXPECT_EQ(kubelet[Text::kSeverity], "error");
  EXPECT_EQ(kubelet[Text::kProcess], "kubelet");
  EXPECT_EQ(collected.rows[3].event[Text::kMessage], "no program");
  EXPECT_EQ(collected.rows[3].offset, 3U);
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(JournalTest, ReportsWhatIsNoJournal) {
  Tree tree;
  tree.AddFile("run/log/journal/x.journal", "no journal");
  tree.AddFile("run/log/journal/y.journal~", "");
  tree.AddFile("run/log/journal/fss", "key");
  Collected collected;
  Read(JournalFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.rows, IsEmpty());
  EXPECT_EQ(collected.diagnostics.Count(DiagnosticCode::kArtifactUnreadable), 2U);
}

TEST(JournalTest, LeavesOutWhatIsTooLarge) {
  const std::string bytes = RealJournal();
  const runtime::MemoryTree::MemoryFile file(bytes);
  const auto journal = JournalFile::Open(file, bytes.size() - 1);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, ErrorCode::kLimit);
  EXPECT_EQ(journal.error().message, "kMaxJournalFileBytes");
  EXPECT_TRUE(JournalFile::Open(file, limits::kMaxJournalFileBytes));
}

// Under the sanitizers this must simply not fail. Every byte would take hours: a journal is 8 MiB,
// nearly all of it zeros.
TEST(JournalTest, Damage) {
  const std::string bytes = RealJournal();
  ASSERT_EQ(bytes.size(), 8U << 20);
  Tree tree;
  tree.AddFile(kPath, bytes);
  std::string& content = tree.Content(kPath);
  size_t nonzero = 0;
  size_t damaged = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\0' || nonzero++ % 16 != 0) continue;
    content[i] = static_cast<char>(bytes[i] ^ (nonzero % 32 == 1 ? '\x80' : '\x7f'));
    Collected collected;
    Read(JournalFormat(), HostView(tree), collected);
    if (collected.diagnostics.HasLoss()) ++damaged;
    EXPECT_LE(collected.rows.size(), 4U);
    content[i] = bytes[i];
  }
  EXPECT_GT(damaged, 0U);
  for (size_t length = 1; length < bytes.size(); length += length / 4 + 1) {
    content = bytes.substr(0, length);
    Collected collected;
    Read(JournalFormat(), HostView(tree), collected);
    EXPECT_LE(collected.rows.size(), 4U);
  }
}

struct Sentence {
  std::string_view program;
  std::string_view text;
  std::string_view expected;  // action, outcome, user, address, port
};

TEST(DescribeSentenceTest, OfSshdSudoAndPam) {
  for (const Sentence& sentence : {
           Sentence{"sshd", "Failed password for invalid user admin from 198.51.100.7 port 22 ssh2",
                    "login failure admin 198.51.100.7 22"},
           Sentence{"sshd", "Failed password for root from 2001:db8::1 port 5 ssh2",
                    "login failure root 2001:db8::1 5"},
           Sentence{"sshd-session", "Invalid user  from 198.51.100.7 port 9",
                    "login failure  198.51.100.7 9"},
           Sentence{"sshd", "Disconnected from user eve 203.0.113.5 port 77",
                    "logout success eve 203.0.113.5 77"},
           Sentence{"sudo",
                    "eve : user NOT in sudoers ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/x",
                    "sudo failure eve  -"},
           Sentence{"su", "pam_unix(su:session): session opened for user root(uid=0) by (uid=1)",
                    "login success root  -"},
           Sentence{"sshd", "pam_unix(sshd:session): session closed for user eve",
                    "logout success eve  -"},
           Sentence{"sshd", "Server listening on 0.0.0.0 port 22.", "no"},
           Sentence{"kubelet", "Accepted publickey for x from 1.2.3.4 port 5", "no"},
       }) {
    Event event;
    std::string described = "no";
    if (DescribeSentence(sentence.program, sentence.text, event)) {
      described = event[Text::kAction] + " " + event[Text::kOutcome] + " " +
                  event[Text::kUserName] + " " + event[Text::kSourceIp] + " " +
                  (event[Number::kSourcePort] ? std::to_string(*event[Number::kSourcePort]) : "-");
    }
    EXPECT_EQ(described, sentence.expected) << sentence.text;
  }
}

// What the kubelet writes is klog's, with what the journal says around it.
TEST(JournalTest, GivesLinesOfOtherLogsToTheirFormats) {
  std::string bytes = RealJournal();
  const std::string_view line = "pod_workers.go:1 syncing failed";
  const size_t at = bytes.find(line);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, line.size(), "pod_workers.go:1] sync failed!!");
  Tree tree;
  tree.AddFile(kPath, bytes);
  Collected collected;
  Read(JournalFormat(), HostView(tree), collected);
  ASSERT_EQ(collected.rows.size(), 4U);
  const Row& kubelet = collected.rows[2];
  EXPECT_EQ(kubelet.event[Text::kSource], "klog");
  EXPECT_EQ(kubelet.event[Text::kMessage], "sync failed!!");
  EXPECT_EQ(kubelet.event[Text::kProcess], "kubelet");
  EXPECT_EQ(kubelet.event[Text::kNode], "ip-10-0-1-23");
  EXPECT_EQ(kubelet.event[Text::kTags], "source=pod_workers.go:1");
  EXPECT_EQ(kubelet.event.time, ParseTimestamp("2026-11-24T21:39:10Z"));
  EXPECT_EQ(kubelet.event.identity, kubelet.event[Text::kRecordId]);
  EXPECT_THAT(kubelet.event.raw, HasSubstr("_SYSTEMD_UNIT=kubelet.service"));
  EXPECT_EQ(kubelet.offset, 2U);
  EXPECT_EQ(collected.rows[3].event[Text::kSource], "");
}

}  // namespace
}  // namespace ekshume::artifact::journal
