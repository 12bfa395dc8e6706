// SPDX-License-Identifier: Apache-2.0
#include "artifact/packages/reader.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "artifact/packages/debian.h"
#include "artifact/packages/gunzip.h"
#include "artifact/packages/rpm_header.h"
#include "artifact/packages/sqlite.h"
#include "artifact/test_support.h"

namespace ekshume::artifact::packages {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kData = std::string(EKSHUME_SOURCE_DIR) + "/tests/data/artifact/";

// `printf 'hello\n' | gzip -n`
constexpr std::string_view kHello(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a\x36\x06"
    "\x00\x00\x00",
    26);

TEST(GunzipTest, KeepsWhatCouldBeUnpacked) {
  const std::string twice = std::string(kHello) + std::string(kHello);
  EXPECT_EQ(Gunzip(twice, 100).content, "hello\nhello\n");
  EXPECT_TRUE(Gunzip(twice, 100).complete);
  EXPECT_EQ(Gunzip(twice, 8).content, "hello\nhe");
  EXPECT_FALSE(Gunzip(twice, 8).complete);
  for (size_t length = 0; length < kHello.size(); ++length) {
    EXPECT_FALSE(Gunzip(kHello.substr(0, length), 100).complete) << length;
  }
}

TEST(ParseDpkgLogLineTest, TakesWhatChangesPackages) {
  const auto line = ParseDpkgLogLine("2026-11-24 21:39:08 upgrade curl:amd64 7.88.1-9 7.88.1-10");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->time, ParseTimestamp("2026-11-24T21:39:08Z"));
  EXPECT_EQ(line->action, "upgrade");
  EXPECT_EQ(line->version, "7.88.1-10");
  EXPECT_EQ(ParseDpkgLogLine("2026-11-24 21:39:08 remove x:all 1.0 <none>")->version, "1.0");
  EXPECT_FALSE(ParseDpkgLogLine("2026-11-24 21:39:08 status installed curl:amd64 7.88"));
  EXPECT_FALSE(ParseDpkgLogLine("install"));
}

TEST(ParseRpmLogLineTest, TakesWhatChangesPackages) {
  const auto line =
      ParseRpmLogLine("2026-11-24T21:39:08+0100 SUBDEBUG Installed: nmap-ncat-3:7.93-1.x86_64");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->time, ParseTimestamp("2026-11-24T20:39:08Z"));
  EXPECT_EQ(line->action, "install");
  EXPECT_EQ(line->package, "nmap-ncat-3:7.93-1.x86_64");
  EXPECT_FALSE(ParseRpmLogLine("2026-11-24T21:39:08+0100 INFO --- logging initialized ---"));
}

TEST(PackagesTest, DpkgAndApt) {
  Tree tree;
  tree.AddFile("var/lib/dpkg/status",
               "Package: curl\nStatus: install ok installed\nArchitecture: amd64\n"
               "Version: 7.88.1-10\nDescription: tool\n more: text\n\n"
               "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
               "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n");
  tree.AddFileAt("var/lib/dpkg/info/curl.list", "/usr/bin/curl\n", 1700000000);
  tree.AddFileAt("var/lib/dpkg/info/libc6:amd64.list", "", 1700000001);
  tree.AddFile("var/log/dpkg.log", "2026-11-24 21:39:08 install nmap:amd64 <none> 7.93\n");
  tree.AddFile("var/log/apt/history.log",
               "\nStart-Date: 2026-11-24  21:39:07\nCommandline: apt-get install -y nmap\n"
               "Requested-By: eve (1000)\nInstall: nmap:amd64 (7.93), liblua:amd64 (5, automatic)\n"
               "End-Date: 2026-11-24  21:39:12\n");
  Collected collected;
  Read(PackagesFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.Column(Text::kMessage),
              ElementsAre("Package curl 7.88.1-10 (amd64) is installed",
                          "Package libc6 2 (amd64) is installed", "dpkg: install nmap:amd64 7.93",
                          "apt-get install -y nmap: Install: nmap:amd64 (7.93), liblua:amd64 (5, "
                          "automatic)"));
  const Row& curl = collected.rows[0];
  EXPECT_EQ(curl.event.time, (Timestamp{1700000000, 0}));
  EXPECT_EQ(curl.event[Text::kTimeKind], "Installation Time");
  EXPECT_EQ(curl.event[Text::kObjectKind], "package");
  EXPECT_EQ(curl.event[Text::kObjectName], "curl");
  EXPECT_EQ(collected.rows[1].event.time, (Timestamp{1700000001, 0}));
  const Event& apt = collected.rows[3].event;
  EXPECT_EQ(apt[Text::kUserName], "eve");
  EXPECT_EQ(apt[Text::kCommandLine], "apt-get install -y nmap");
  EXPECT_EQ(apt[Number::kDurationNs], 5000000000);
  EXPECT_EQ(apt[Text::kOutcome], "success");
  EXPECT_EQ(collected.rows[3].offset, 1U);
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(PackagesTest, OfContainersOnlyWhatWasInstalledThere) {
  Tree tree;
  tree.AddFile("var/lib/dpkg/status",
               "Package: base\nStatus: install ok installed\nVersion: 1\n\n"
               "Package: nmap\nStatus: install ok installed\nVersion: 2\n");
  tree.AddFile("var/lib/dpkg/info/base.list", "");
  tree.AddFile("var/lib/dpkg/info/nmap.list", "");
  Collected collected;
  Read(PackagesFormat(),
       ContainerView(tree, {"/var/lib/dpkg/status", "/var/lib/dpkg/info/nmap.list"}), collected);
  EXPECT_THAT(collected.Column(Text::kObjectName), ElementsAre("nmap"));
}

TEST(PackagesTest, Apk) {
  Tree tree;
  tree.AddFileAt("lib/apk/db/installed", "C:Q1x\nP:nmap\nV:7.93-r0\nA:x86_64\nF:usr\n\nP:a\nV:1\n",
                 1700000000);
  Collected collected;
  Read(PackagesFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.Column(Text::kObjectName), ElementsAre("nmap", "a"));
  EXPECT_EQ(collected.rows[0].event.time, std::nullopt);
  EXPECT_EQ(collected.rows[0].event[Text::kTags], "untimed");
  EXPECT_EQ(collected.rows[0].event.raw, "C:Q1x\nP:nmap\nV:7.93-r0\nA:x86_64\nF:usr");
}

TEST(PackagesTest, AgreesWithRpm) {
  Tree tree;
  tree.AddFile("var/lib/rpm/rpmdb.sqlite", runtime::ReadZst(kData + "rpmdb.sqlite.zst"));
  tree.AddFile("var/lib/rpm/rpmdb.sqlite-wal", "");
  Collected collected;
  Read(PackagesFormat(), HostView(tree), collected);
  ASSERT_EQ(collected.rows.size(), 1U);
  const Event& event = collected.rows[0].event;
  // What rpm itself prints: name, epoch, version, release, architecture; time; vendor.
  std::ifstream truth(kData + "rpmdb.txt");
  std::string name;
  int64_t installed = 0;
  std::string vendor;
  ASSERT_TRUE(truth >> name >> installed >> vendor);
  EXPECT_EQ(event.raw, name);
  EXPECT_EQ(event.time, (Timestamp{installed, 0}));
  EXPECT_EQ(event[Text::kTimeKind], "Installation Time");
  EXPECT_EQ(event[Text::kObjectName], "jump-helper");
  EXPECT_EQ(event[Text::kMessage],
            "Package jump-helper-4:1.2-3.noarch is installed (vendor vendor.example)");
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(PackagesTest, DnfHistory) {
  Tree tree;
  tree.AddFile("etc/passwd", "ec2-user:x:1000:1000::/:/bin/sh\n");
  tree.AddFile("var/lib/dnf/history.sqlite", runtime::ReadZst(kData + "history.sqlite.zst"));
  Collected collected;
  Read(PackagesFormat(), HostView(tree), collected);
  ASSERT_EQ(collected.rows.size(), 1U);
  const Event& event = collected.rows[0].event;
  EXPECT_EQ(event.time, (Timestamp{1795556348, 0}));
  EXPECT_EQ(event[Text::kUserName], "ec2-user");
  EXPECT_EQ(event[Text::kCommandLine], "dnf install -y nmap-ncat");
  EXPECT_EQ(event[Text::kOutcome], "success");
  EXPECT_EQ(event[Number::kDurationNs], 5000000000);
  EXPECT_EQ(event.raw,
            "upgrade libpcap-1.10.1-1.amzn2023.x86_64; install nmap-ncat-7.93-1.amzn2023.x86_64");
}

TEST(PackagesTest, ReportsDatabasesThatItCannotRead) {
  Tree tree;
  tree.AddFile("var/lib/rpm/Packages", "x");
  tree.AddFile("var/lib/rpm/rpmdb.sqlite", "no database");
  tree.AddFile("var/lib/dnf/history.sqlite", runtime::ReadZst(kData + "rpmdb.sqlite.zst"));
  tree.AddFile("var/lib/dnf/history.sqlite-wal", "changes");
  Collected collected;
  Read(PackagesFormat(), HostView(tree), collected);
  EXPECT_THAT(collected.rows, IsEmpty());
  EXPECT_EQ(collected.diagnostics.Count(DiagnosticCode::kArtifactUnreadable), 3U);
  EXPECT_EQ(collected.diagnostics.Count(DiagnosticCode::kArtifactDamaged), 2U);  // no such tables
}

// Under the sanitizers this must simply not fail.
TEST(ParseRpmHeaderTest, EveryDamage) {
  auto database = SqliteDatabase::Open(runtime::ReadZst(kData + "rpmdb.sqlite.zst"));
  ASSERT_TRUE(database);
  std::string blob;
  ASSERT_TRUE((*database)->Query("SELECT blob FROM Packages", [&](const SqliteDatabase::Row& row) {
    blob = row.Bytes(0);
    return true;
  }));
  ASSERT_TRUE(ParseRpmHeader(blob));
  for (size_t length = 0; length < blob.size(); ++length) {
    EXPECT_FALSE(ParseRpmHeader(std::string_view(blob).substr(0, length))) << length;
  }
  size_t refused = 0;
  for (size_t i = 0; i < blob.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\x7f'}) {
      std::string copy = blob;
      copy[i] = static_cast<char>(blob[i] ^ flip);
      if (!ParseRpmHeader(copy)) ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
}

TEST(SqliteDatabaseTest, Damage) {
  const std::string bytes = runtime::ReadZst(kData + "history.sqlite.zst");
  ASSERT_FALSE(bytes.empty());
  size_t rows = 0;
  for (size_t i = 0; i < bytes.size(); i += 1 + i / 200) {
    std::string copy = bytes;
    copy[i] = static_cast<char>(bytes[i] ^ 0x7f);
    const auto database = SqliteDatabase::Open(std::move(copy));
    if (!database) continue;
    (void)(*database)->Query("SELECT * FROM trans_item", [&](const SqliteDatabase::Row& row) {
      rows += row.Bytes(4).size();
      return true;
    });
  }
  EXPECT_GT(rows, 0U);
}

TEST(SqliteDatabaseTest, StopsEndlessQueries) {
  auto database = SqliteDatabase::Open(runtime::ReadZst(kData + "history.sqlite.zst"));
  ASSERT_TRUE(database);
  const auto done = (*database)->Query(
      "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
      [](const SqliteDatabase::Row&) { return true; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "interrupted");
}

TEST(PackagesTest, EveryDamageOfText) {
  ReadEveryDamage(PackagesFormat(), "var/lib/dpkg/status",
                  "Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\n");
  ReadEveryDamage(
      PackagesFormat(), "var/log/apt/history.log",
      "Start-Date: 2026-11-24  21:39:07\nInstall: a (1)\nEnd-Date: 2026-11-24  21:39:12\n");
  ReadEveryDamage(PackagesFormat(), "var/log/dpkg.log.1.gz", kHello);
}

}  // namespace
}  // namespace ekshume::artifact::packages
