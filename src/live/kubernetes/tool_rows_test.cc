// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/tool_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekshume::live::kubernetes {
namespace {

using namespace std::string_literals;

ToolProcess Implant() {
  ToolProcess process;
  process.pid = 7;
  process.files["stat"] =
      "7 (evil) (x) S 1 7 7 34816 0 4194560 1 2 3 4 50 60 0 0 20 0 2 0 12345 4096000 300 1 2 3\n";
  process.files["status"] =
      "Name:\tevil\nUid:\t0\t1\t2\t3\nGid:\t0\t0\t0\t0\nGroups:\t5 6 \nNSpid:\t7\n"
      "CapEff:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\n";
  process.files["cmdline"] = "/tmp/x\0-l\0\xff\0"s;
  process.files["environ"] = "A=1\0SECRET=s"s;
  process.files["cgroup"] = "0::/\n";
  process.files["maps"] =
      "55d4a000-55d4b000 r-xp 00001000 08:01 4711                       /tmp/x y (deleted)\n"
      "7ffc0000-7ffe0000 rw-p 00000000 00:00 0\nnonsense\n";
  process.links = {{"/proc/7/exe", "/tmp/x (deleted)"}, {"/proc/7/cwd", "/"},
                   {"/proc/7/fd/3", "socket:[900]"},    {"/proc/7/fd/4", "/tmp/gone (deleted)"},
                   {"/proc/7/fd/5", "pipe:[3]"},        {"/proc/7/ns/net", "net:[4026531992]"}};
  return process;
}

TEST(ProcessRow, SaysWhatProcSays) {
  const Json row = ProcessRow(Implant(), {"c0ffee", "uid-1"}, 1000);
  EXPECT_EQ(row["pid"], 7);
  EXPECT_EQ(row["ppid"], 1);
  EXPECT_EQ(row["comm"], "evil) (x");
  EXPECT_EQ(row["state"], "S");
  EXPECT_EQ(row["start"], "1970-01-01T00:18:43.450000000Z");
  EXPECT_EQ(row["exe"], "/tmp/x");
  EXPECT_EQ(row["exe_deleted"], true);
  EXPECT_EQ(row["exe_member"], "deleted/7/exe");
  EXPECT_EQ(row["argv"][1], "-l");
  EXPECT_EQ(row["argv_hex"], Json::parse(R"([null,null,"ff"])"));
  EXPECT_EQ(row["environ"], Json::parse(R"(["A=1","SECRET=s"])"));
  EXPECT_EQ(row["uids"], Json::parse("[0,1,2,3]"));
  EXPECT_EQ(row["capabilities"]["effective"], "00000000a80425fb");
  EXPECT_EQ(row["namespaces"]["net"], 4026531992U);
  EXPECT_EQ(row["no_new_privs"], true);
  EXPECT_EQ(row["seccomp"], 2);
  EXPECT_EQ(row["threads"], 2);
  EXPECT_EQ(row["container_id"], "c0ffee");
  EXPECT_EQ(row["pod_uid"], "uid-1");
}

TEST(ProcessRow, TakesAnswersThatMakeNoSense) {
  ToolProcess process;
  process.pid = 9;
  process.files["stat"] = ")9 x(";
  process.files["status"] = "Uid:";
  process.files["cmdline"] = "\0\0"s;
  const Json row = ProcessRow(process, {}, 1000);
  EXPECT_EQ(row["comm"], "");
  EXPECT_EQ(row["state"], "?");
  EXPECT_TRUE(row["start"].is_null());
  EXPECT_TRUE(row["exe"].is_null());
  EXPECT_TRUE(row["container_id"].is_null());
  EXPECT_EQ(row["argv"].size(), 2U);
}

TEST(OpenFileRows, NameDeletedFilesAndKinds) {
  const std::vector<Json> rows = OpenFileRows(Implant());
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["type"], "s");
  EXPECT_EQ(rows[1]["path"], "/tmp/gone");
  EXPECT_EQ(rows[1]["member"], "deleted/7/fd/4");
  EXPECT_TRUE(rows[1]["type"].is_null());
  EXPECT_EQ(rows[2]["type"], "p");
}

TEST(MapRows, KeepAddressesAndPaths) {
  const std::vector<Json> rows = MapRows(Implant());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["start"], "55d4a000");
  EXPECT_EQ(rows[0]["offset"], 4096);
  EXPECT_EQ(rows[0]["path"], "/tmp/x y");
  EXPECT_EQ(rows[0]["deleted"], true);
  EXPECT_EQ(rows[1]["path"], "");
  EXPECT_EQ(MapRows(Implant(), 1).size(), 1U);
}

TEST(SocketRows, AttributeConnections) {
  const std::string heading = "  sl  local_address rem_address   st ...\n";
  const auto rows = SocketRows("tcp",
                               heading +
                                   "   0: 00000000:115C 00000000:0000 0A 00000000:00000000 "
                                   "00:00000000 00000000     0        "
                                   "0 900 1 0\n"
                                   "   1: 0100007F:1F90 0101A8C0:01BB 01 00000000:00000000 "
                                   "00:00000000 00000000  1000        "
                                   "0 901 1 0\n   2: nonsense\n",
                               {Implant()});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["local"], Json::parse(R"({"address":"0.0.0.0","port":4444})"));
  EXPECT_TRUE(rows[0]["remote"].is_null());
  EXPECT_EQ(rows[0]["state"], "listen");
  EXPECT_EQ(rows[0]["netns"], 4026531992U);
  EXPECT_EQ(rows[0]["processes"], Json::parse(R"([{"pid":7,"fd":3}])"));
  EXPECT_EQ(rows[1]["remote"], Json::parse(R"({"address":"192.168.1.1","port":443})"));
  EXPECT_EQ(rows[1]["uid"], 1000);
  EXPECT_TRUE(rows[1]["processes"].empty());
  const auto six = SocketRows(
      "tcp6",
      heading +
          "   0: B80D0120000000000000000001000000:0050 0000000000000000FFFF00000101A8C0:01BB 01 "
          "0:0 0:0 0 0 0 7 1\n",
      {});
  ASSERT_EQ(six.size(), 1U);
  EXPECT_EQ(six[0]["family"], "inet6");
  EXPECT_EQ(six[0]["protocol"], "tcp");
  EXPECT_EQ(six[0]["local"]["address"], "2001:db8::1");
  EXPECT_EQ(six[0]["remote"]["address"], "192.168.1.1");
  const auto unix_rows = SocketRows("unix",
                                    "Num       RefCount Protocol Flags    Type St Inode Path\n"
                                    "0000: 00000002 00000000 00010000 0001 01 55 /run/a b.sock\n"
                                    "0000: 00000003 00000000 00000000 0002 03 56\n",
                                    {});
  ASSERT_EQ(unix_rows.size(), 2U);
  EXPECT_EQ(unix_rows[0]["path"], "/run/a b.sock");
  EXPECT_EQ(unix_rows[0]["state"], "listen");
  EXPECT_EQ(unix_rows[1]["protocol"], "dgram");
  EXPECT_EQ(unix_rows[1]["state"], "established");
}

}  // namespace
}  // namespace ekshume::live::kubernetes
