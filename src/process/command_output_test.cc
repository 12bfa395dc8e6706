// SPDX-License-Identifier: Apache-2.0
#include "process/command_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "process/test_support.h"

namespace ekshume::process {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class CommandOutputTest : public testing::Test {
 protected:
  // Reads a file of this content with `read` and puts everything into state_.
  template <typename Read>
  void Run(const std::string& content, const Read& read) {
    const auto tree = TreeOf({{"f", content}});
    const Source source{*tree, "bundle"};
    CommandOutput output(source, state_, diagnostics_);
    read(output);
    output.Finish();
  }
  const Process* Of(int64_t pid) const {
    for (const Process& process : state_.processes) {
      if (process.pid == pid) return &process;
    }
    return nullptr;
  }
  std::string Unknown() const {
    const auto all = diagnostics_.Sorted();
    return all.empty() ? "" : all.front().detail;
  }

  State state_;
  DiagnosticSink diagnostics_;
};

TEST_F(CommandOutputTest, ReadsAForestOfProcesses) {
  state_.scope = "node";
  Run("USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
      "root         2  0.0  0.0      0     0 ?        S    Nov26   0:02 [kthreadd]\n"
      "root         3  0.0  0.0      0     0 ?        S    Nov26   0:00  \\_ [pool_workqueue]\n"
      "root       100  0.0  0.1   1000   900 ?        Ss   Nov26   0:00 /usr/sbin/sshd -D\n"
      "ann        101  0.0  0.1   1000   900 pts/0    S    Nov26   0:00  \\_ -bash\n"
      "ann        102  0.0  0.1   1000   900 pts/0    R+   Nov26   0:00  |   \\_ ./x a b\n"
      "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
      "ann        103  0.0  0.1   1000   900 pts/0    R+   Nov26   0:00  \\_ y\n"
      "half a line\n",
      [](CommandOutput& output) { EXPECT_TRUE(output.ReadPs("f")); });
  ASSERT_THAT(state_.processes, SizeIs(6));
  EXPECT_EQ(Of(3)->parent, 2);
  EXPECT_EQ(Of(3)->name, "pool_workqueue");
  EXPECT_TRUE(Of(3)->kernel_thread);
  EXPECT_EQ(Of(101)->parent, 100);
  EXPECT_EQ(Of(102)->parent, 101);
  EXPECT_EQ(Of(103)->parent, 100);
  EXPECT_THAT(Of(102)->arguments, ElementsAre("./x", "a", "b"));
  EXPECT_EQ(Of(102)->user, "ann");
  EXPECT_EQ(Of(102)->tty, "pts/0");
  EXPECT_EQ(Of(102)->state, 'R');
  EXPECT_EQ(Of(100)->name, "sshd");
  EXPECT_EQ(Unknown(), "f: 1 lines");
}

TEST_F(CommandOutputTest, ReadsStartTimesInTheHostsZone) {
  Run("  PID USER                      STARTED COMMAND\n"
      "    7 root     Fri Nov 27 14:00:00 2026 /bin/sleep 5\n",
      [](CommandOutput& output) {
        output.set_zone_seconds(7200);
        EXPECT_TRUE(output.ReadPs("f"));
      });
  ASSERT_THAT(state_.processes, SizeIs(1));
  EXPECT_EQ(FormatTimestamp(*Of(7)->start), "2026-11-27T12:00:00.000000000Z");
  EXPECT_THAT(Of(7)->arguments, ElementsAre("/bin/sleep", "5"));
}

TEST_F(CommandOutputTest, CountsThreadsAndReadsParents) {
  Run("UID        PID  SPID  PPID  C    SZ   RSS PSR STIME TTY          TIME CMD\n"
      "root         1     1     0  0 12153 16732   1 Nov26 ?        00:09:43 /init\n"
      "root         1    59     0  0 12153 16732   0 Nov26 ?        00:00:00 /init\n"
      "1000         9     9     1  0 12153 16732   0 Nov26 ?        00:00:00 /x\n",
      [](CommandOutput& output) { EXPECT_TRUE(output.ReadPs("f")); });
  EXPECT_EQ(Of(1)->threads, 2);
  EXPECT_EQ(Of(9)->parent, 1);
  EXPECT_EQ(Of(9)->effective_uid, 1000);
}

TEST_F(CommandOutputTest, NamesContainersByCgroups) {
  const std::string id(64, 'a');
  Run("  PID USER     CGROUP\n    9 root     0::/kubepods.slice/kubepods-burstable.slice/"
      "kubepods-burstable-pod12345678_1234_1234_1234_123456789abc.slice/cri-containerd-" +
          id + ".scope\n",
      [](CommandOutput& output) { EXPECT_TRUE(output.ReadPs("f")); });
  EXPECT_EQ(Of(9)->container_id, id);
  EXPECT_EQ(Of(9)->pod_uid, "12345678-1234-1234-1234-123456789abc");
  EXPECT_EQ(Of(9)->runtime, "containerd");
}

TEST_F(CommandOutputTest, ReadsStatLinesWithAnyName) {
  state_.boot_time = Timestamp{1764252000, 0};
  Run("7 (a) b) (c) S 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 14 0 2450 49778688 4174 1\n"
      "8 (no end\n",
      [](CommandOutput& output) { EXPECT_TRUE(output.ReadStat("f")); });
  ASSERT_THAT(state_.processes, SizeIs(1));
  EXPECT_EQ(Of(7)->name, "a) b) (c");
  EXPECT_EQ(Of(7)->parent, 3);
  EXPECT_EQ(Of(7)->threads, 14);
  EXPECT_EQ(*Of(7)->start, (Timestamp{1764252024, 500000000}));
  EXPECT_EQ(Unknown(), "f: 1 lines");
}

TEST_F(CommandOutputTest, ReadsNetstat) {
  Run("Active Internet connections (servers and established)\n"
      "Proto Recv-Q Send-Q Local Address  Foreign Address State  PID/Program name\n"
      "tcp        0      0 0.0.0.0:22     0.0.0.0:*       LISTEN      12/sshd: /usr/sbin\n"
      "tcp6       0      0 ::ffff:10.0.0.7:443 ::ffff:192.0.2.8:5000 ESTABLISHED 13/x\n"
      "udp        0      0 127.0.0.1:323  0.0.0.0:*                   -\n"
      "tcp        0      0 nonsense       0.0.0.0:*       LISTEN      -\n"
      "Active UNIX domain sockets (servers and established)\n"
      "Proto RefCnt Flags       Type       State         I-Node   PID/Program name     Path\n"
      "unix  2      [ ACC ]     STREAM     LISTENING     15353    1/init    /run/x\n"
      "unix  2      [ ]         DGRAM                    1536     -\n",
      [](CommandOutput& output) { EXPECT_TRUE(output.ReadNetstat("f")); });
  ASSERT_THAT(state_.sockets, SizeIs(5));
  const Socket& listening = state_.sockets[0];
  EXPECT_EQ(listening.family, "inet");
  EXPECT_EQ(listening.local->port, 22);
  EXPECT_FALSE(listening.remote);
  EXPECT_EQ(listening.state, "listen");
  ASSERT_THAT(listening.holders, SizeIs(1));
  EXPECT_EQ(listening.holders[0].pid, 12);
  const auto& six = state_.sockets[2];
  EXPECT_EQ(six.local->address, "10.0.0.7");
  EXPECT_EQ(six.remote->address, "192.0.2.8");
  EXPECT_EQ(six.state, "established");
  EXPECT_EQ(state_.sockets[4].path, "/run/x");
  EXPECT_EQ(state_.sockets[4].inode, 15353U);
  EXPECT_EQ(Unknown(), "f: 1 lines");
}

TEST_F(CommandOutputTest, JoinsWhatSeveralCommandsSayOfASocket) {
  const auto tree = TreeOf(
      {{"netstat",
        "Proto Recv-Q Send-Q Local Address Foreign Address State User Inode PID/Program\n"
        "tcp 0 0 10.0.0.7:40000 192.0.2.8:443 ESTABLISHED 1000 777 -\n"},
       {"ss",
        "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
        "tcp ESTAB 0 0 10.0.0.7:40000 192.0.2.8:443 users:((\"x\",pid=7,fd=3),(\"x\",pid=8,fd=3))\n"
        "u_str LISTEN 0 4096 /run/y 888 * 0 users:((\"y\",pid=9,fd=4))\n"
        "p_raw UNCONN 0 0 *:eth0 * users:((\"sniff\",pid=10,fd=5))\n"
        "nl UNCONN 0 0 0:0 *\n"
        "udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*\n"},
       {"lsof",
        "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n"
        "x 7 0 3u IPv4 777 0t0 TCP 10.0.0.7:40000->192.0.2.8:443 (ESTABLISHED)\n"
        "z 11 0 6u IPv4 999 0t0 TCP *:8080 (LISTEN)\n"}});
  const Source source{*tree, "bundle"};
  CommandOutput output(source, state_, diagnostics_);
  EXPECT_TRUE(output.ReadNetstat("netstat"));
  EXPECT_TRUE(output.ReadSs("ss"));
  EXPECT_TRUE(output.ReadLsof("lsof"));
  EXPECT_FALSE(output.ReadSs("nothing"));
  output.Finish();
  ASSERT_THAT(state_.sockets, SizeIs(5));
  const auto tcp = std::ranges::find_if(
      state_.sockets, [](const Socket& s) { return s.remote && s.remote->port == 443; });
  ASSERT_NE(tcp, state_.sockets.end());
  EXPECT_EQ(tcp->inode, 777U);
  EXPECT_EQ(tcp->uid, 1000);
  ASSERT_THAT(tcp->holders, SizeIs(2));
  EXPECT_EQ(tcp->holders[0].fd, 3);
  EXPECT_TRUE(diagnostics_.Sorted().empty()) << Unknown();
}

TEST_F(CommandOutputTest, ReadsConnectionTracking) {
  Run("*** Output of conntrack -L ***\n"
      "tcp      6 431999 ESTABLISHED src=10.0.0.7 dst=192.0.2.8 sport=40000 dport=443 "
      "src=192.0.2.8 dst=10.0.0.7 sport=443 dport=40000 [ASSURED] mark=0 use=1\n"
      "udp      17 20 src=10.0.0.7 dst=10.0.0.2 sport=5353 dport=53 [UNREPLIED] src=10.0.0.2\n"
      "nonsense\n",
      [](CommandOutput& output) { EXPECT_TRUE(output.ReadConntrack("f")); });
  ASSERT_THAT(state_.flows, SizeIs(2));
  EXPECT_EQ(state_.flows[0].destination.address, "192.0.2.8");
  EXPECT_EQ(state_.flows[0].destination.port, 443);
  EXPECT_EQ(state_.flows[0].state, "established");
  EXPECT_EQ(state_.flows[1].state, "");
  EXPECT_EQ(Unknown(), "f: 1 lines");
}

TEST_F(CommandOutputTest, ReadsWhatProcSaysOfOneProcess) {
  const auto tree = TreeOf(
      {{"exe",
        "lrwxrwxrwx 1 root root 0 Nov 27 19:30 /proc/7/exe -> /tmp/x y (deleted)\n"
        "lrwxrwxrwx 1 root root 0 Nov 27 19:30 /proc/8/exe\n"},
       {"fd",
        "total 0\nlrwx------ 1 root root 64 Nov 27 19:20 11 -> /tmp/gone (deleted)\n"
        "lrwx------ 1 root root 64 Nov 27 19:20 12 -> socket:[77]\n"},
       {"maps",
        "55d0000-55d1000 r-xp 00002000 08:01 1234       /usr/bin/a b (deleted)\n"
        "7ff0000-7ff1000 rw-p 00000000 00:00 0\nbad\n"},
       {"cmdline", std::string("a\0b c\0\0", 7)},
       {"environ", "A=1\nB=2\n"},
       {"hash",
        std::string(64, 'e') + "  /proc/7/exe\n" + std::string(40, 'd') + "  /proc/7/exe\n"},
       {"status",
        "Name:\tx\nPPid:\t3\nTracerPid:\t5\nUid:\t1\t2\t3\t4\nCapEff:\t000001ffffffffff\nNSpid:"
        "\t7\t1\n"},
       {"mounts", "overlay on / type overlay (rw,lowerdir=/a)\n\nFilesystem Size\n"},
       {"lsmod", "Module                  Size  Used by\nxt_tcp                 16384  2\n"}});
  const Source source{*tree, "bundle"};
  CommandOutput output(source, state_, diagnostics_);
  EXPECT_TRUE(output.ReadExecutables("exe"));
  EXPECT_TRUE(output.ReadDescriptors(7, "fd"));
  EXPECT_TRUE(output.ReadMaps(7, "maps"));
  EXPECT_TRUE(output.ReadCommandLine(7, "cmdline"));
  EXPECT_TRUE(output.ReadEnvironment(7, "environ"));
  EXPECT_TRUE(output.ReadExecutableHashes("hash"));
  EXPECT_TRUE(output.ReadStatus(7, "status"));
  EXPECT_TRUE(output.ReadMounts("mounts"));
  EXPECT_TRUE(output.ReadModules("lsmod"));
  output.Finish();
  const Process& process = *Of(7);
  EXPECT_EQ(process.executable, "/tmp/x y");
  EXPECT_TRUE(process.executable_deleted);
  ASSERT_THAT(process.files, SizeIs(2));
  EXPECT_TRUE(process.files[0].deleted);
  EXPECT_EQ(process.files[0].path, "/tmp/gone");
  EXPECT_EQ(process.files[1].type, 's');
  ASSERT_THAT(process.mappings, SizeIs(2));
  EXPECT_EQ(process.mappings[0].path, "/usr/bin/a b");
  EXPECT_TRUE(process.mappings[0].deleted);
  EXPECT_EQ(process.mappings[0].offset_bytes, 0x2000U);
  EXPECT_THAT(process.arguments, ElementsAre("a", "b c", ""));
  EXPECT_THAT(process.environment, ElementsAre("A=1", "B=2"));
  EXPECT_EQ(process.executable_sha256, std::string(64, 'e'));
  EXPECT_EQ(process.executable_sha1, std::string(40, 'd'));
  EXPECT_EQ(process.parent, 3);
  EXPECT_EQ(process.tracer, 5);
  EXPECT_EQ(process.effective_uid, 2);
  EXPECT_THAT(process.namespace_pids, ElementsAre(7, 1));
  ASSERT_THAT(state_.mounts, SizeIs(1));
  EXPECT_EQ(state_.mounts[0].options, "rw,lowerdir=/a");
  ASSERT_THAT(state_.modules, SizeIs(1));
  EXPECT_EQ(Unknown(), "maps: 1 lines");
}

TEST(Words, CutsAtBlanks) {
  EXPECT_THAT(Words("  a\tb  c d "), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(Words("a b  c d", 3), ElementsAre("a", "b", "c d"));
  EXPECT_EQ(ParseCtime("Fri Nov 27 19:30:27 UTC 2026")->seconds, 1795807827);
  EXPECT_FALSE(ParseCtime("Fri Nov 31 19:30:27 2026"));
}

}  // namespace
}  // namespace ekshume::process
