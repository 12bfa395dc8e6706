// SPDX-License-Identifier: Apache-2.0
#include "artifact/packages/owners.h"

#include <gmock/gmock.h>

#include "artifact/packages/rpm_header.h"
#include "artifact/test_support.h"

namespace ekshume::artifact::packages {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Be32(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> shift & 0xff));
  }
  return bytes;
}

// A header with a name and the three tags that say which files a package has.
std::string RpmBlob(uint32_t second_folder = 1) {
  const std::string name("curl\0", 5);
  const std::string folders("/usr/bin/\0/etc/\0", 16);
  const std::string names("curl\0curlrc\0", 12);
  std::string data = name + folders + names;
  while (data.size() % 4 != 0) data.push_back('\0');
  const auto indexes_at = static_cast<uint32_t>(data.size());
  data += Be32(0) + Be32(second_folder);
  const auto entry = [](uint32_t tag, uint32_t type, uint32_t offset, uint32_t count) {
    return Be32(tag) + Be32(type) + Be32(offset) + Be32(count);
  };
  return Be32(4) + Be32(static_cast<uint32_t>(data.size())) + entry(1000, 6, 0, 1) +
         entry(1116, 4, indexes_at, 2) + entry(1117, 8, 21, 2) + entry(1118, 8, 5, 2) + data;
}

std::vector<std::string> FilesOf(std::string_view blob, bool* complete = nullptr) {
  std::vector<std::string> files;
  const auto visited = VisitRpmFiles(blob, [&](std::string_view folder, std::string_view name) {
    files.push_back(std::string(folder) + std::string(name));
  });
  if (complete != nullptr) *complete = visited.has_value();
  return files;
}

TEST(VisitRpmFilesTest, JoinsFoldersAndNames) {
  bool complete = false;
  EXPECT_THAT(FilesOf(RpmBlob(), &complete), ElementsAre("/usr/bin/curl", "/etc/curlrc"));
  EXPECT_TRUE(complete);
  EXPECT_EQ(ParseRpmHeader(RpmBlob())->name, "curl");
  // A folder that is not there ends it.
  EXPECT_THAT(FilesOf(RpmBlob(2), &complete), ElementsAre("/usr/bin/curl"));
  EXPECT_FALSE(complete);
}

// Under the sanitizers this must simply not fail.
TEST(VisitRpmFilesTest, EveryDamage) {
  const std::string blob = RpmBlob();
  for (size_t length = 0; length < blob.size(); ++length) {
    bool complete = true;
    FilesOf(std::string_view(blob).substr(0, length), &complete);
    EXPECT_FALSE(complete) << length;
  }
  size_t refused = 0;
  for (size_t i = 0; i < blob.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\x7f'}) {
      std::string copy = blob;
      copy[i] = static_cast<char>(blob[i] ^ flip);
      bool complete = true;
      FilesOf(copy, &complete);
      if (!complete) ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
}

TEST(FindOwnersTest, Dpkg) {
  Tree tree;
  tree.AddFile("var/lib/dpkg/info/curl.list", "/.\n/usr\n/usr/bin/curl\n");
  tree.AddFile("var/lib/dpkg/info/libc6:amd64.list", "/lib/x86_64-linux-gnu/libc.so.6\n");
  tree.AddFile("var/lib/dpkg/info/curl.md5sums", "usr/bin/other\n");
  const auto owners =
      FindOwners(tree, {"usr/bin/curl", "usr/bin/other", "usr/lib/x86_64-linux-gnu/libc.so.6"});
  ASSERT_EQ(owners.size(), 2U);
  EXPECT_EQ(owners.at("usr/bin/curl").package, "curl");
  EXPECT_EQ(owners.at("usr/bin/curl").record, "var/lib/dpkg/info/curl.list");
  EXPECT_TRUE(owners.at("usr/bin/curl").installed);
  // /lib is /usr/lib, and the architecture is no part of the name.
  EXPECT_EQ(owners.at("usr/lib/x86_64-linux-gnu/libc.so.6").package, "libc6");
}

TEST(FindOwnersTest, Apk) {
  Tree tree;
  tree.AddFile("lib/apk/db/installed",
               "C:Q1\nP:busybox\nF:bin\nR:busybox\n\nP:curl\nF:usr\nF:usr/bin\nR:curl\n");
  const auto owners = FindOwners(tree, {"bin/busybox", "usr/bin/curl", "usr/bin/x"});
  ASSERT_EQ(owners.size(), 2U);
  EXPECT_EQ(owners.at("bin/busybox").package, "busybox");
  EXPECT_EQ(owners.at("usr/bin/curl").package, "curl");
  EXPECT_EQ(owners.at("usr/bin/curl").record, "lib/apk/db/installed");
  EXPECT_FALSE(owners.at("usr/bin/curl").installed);
}

TEST(FindOwnersTest, NothingWithoutADatabase) {
  Tree tree;
  tree.AddFile("var/lib/rpm/rpmdb.sqlite", "no database");
  tree.AddFile("usr/bin/curl", "x");
  EXPECT_THAT(FindOwners(tree, {"usr/bin/curl"}), IsEmpty());
  EXPECT_THAT(FindOwners(tree, {}), IsEmpty());
}

}  // namespace
}  // namespace ekshume::artifact::packages
