// SPDX-License-Identifier: Apache-2.0
#include "process/uac/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fs/path.h"
#include "process/test_support.h"

namespace ekshume::process::uac {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::map<std::string, std::string> Bundle() {
  const std::string process = "live_response/process/";
  return {
      {"uac.log", "2026-11-27 14:00:10 +0200 INF collecting\n"},
      {"live_response/system/uname_-a.txt", "Linux host7 6.1.0 #1 SMP x86_64 GNU/Linux\n"},
      {process + "ps_auxwww.txt",
       "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\n"
       "root 7 0.0 0.0 0 0 ? S Nov26 0:02 /tmp/x -o pool\n"},
      {process + "ps_-axo_pid_user_lstart_args.txt",
       "PID USER STARTED COMMAND\n7 root Fri Nov 27 13:00:00 2026 /tmp/x -o pool\n"},
      {process + "date_before_ps_-axo_pid_user_lstart_args.txt", "Fri Nov 27 13:00:00 UTC 2026\n"},
      {process + "proc/7/stat.txt",
       "7 (x) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1000 1 1 1\n"},
      {process + "proc/8/stat.txt",
       "8 (y) S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 2000 1 1 1\n"},
      {process + "proc/7/fd.txt", "l-wx 1 root root 64 Nov 27 13:00 3 -> /tmp/gone (deleted)\n"},
      {process + "proc/7/recovered_exe.dd.swab", "rpgoar m"},
      {process + "proc/7/fd/3/recovered_file.dd", "bytes"},
      {process + "running_processes_full_paths.txt",
       "lrwxrwxrwx 1 root root 0 Nov 27 13:00 /proc/7/exe -> /tmp/x (deleted)\n"},
      {process + "hash_running_processes.sha1", std::string(40, 'a') + "  /proc/7/exe\n"},
      {"live_response/network/ss_-anp.txt",
       "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
       "tcp ESTAB 0 0 10.0.0.7:40000 192.0.2.8:443 users:((\"x\",pid=7,fd=4))\n"},
      {"live_response/network/netstat_-rn.txt", "Kernel IP routing table\n"},
      {"live_response/system/lsmod.txt", "Module Size Used by\nrootkit 16384 0\n"},
      {"bodyfile/bodyfile.txt", "0|/tmp/x|7|-rwxr-xr-x|0|0|12|1|2|3|0\n"},
      {"[root]/etc/hostname", "host7\n"},
      {"chkrootkit/etc_ld_so_preload.txt", "/lib/evil.so\n"},
  };
}

TEST(Uac, ReadsABundle) {
  const auto tree = TreeOf(Bundle());
  EXPECT_EQ(FindFormat(*tree), &UacFormat());
  DiagnosticSink diagnostics;
  const auto state = UacFormat().Read({*tree, "b"}, diagnostics);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->hostname, "host7");
  EXPECT_EQ(FormatTimestamp(*state->taken), "2026-11-27T12:00:10.000000000Z");
  ASSERT_THAT(state->processes, SizeIs(2));
  const Process& x = state->processes[0];
  // Two hours ahead, and of the other process by the clock since boot.
  EXPECT_EQ(FormatTimestamp(*x.start), "2026-11-27T11:00:00.000000000Z");
  EXPECT_EQ(FormatTimestamp(*state->processes[1].start), "2026-11-27T11:00:10.000000000Z");
  EXPECT_EQ(x.executable, "/tmp/x");
  EXPECT_TRUE(x.executable_deleted);
  EXPECT_EQ(x.executable_sha1, std::string(40, 'a'));
  ASSERT_TRUE(x.executable_content);
  EXPECT_TRUE(x.executable_content->swapped);
  EXPECT_EQ(x.executable_content->length_bytes, 8U);
  ASSERT_THAT(x.files, SizeIs(1));
  ASSERT_TRUE(x.files[0].content);
  EXPECT_EQ(x.files[0].size_bytes, 5U);
  ASSERT_THAT(state->sockets, SizeIs(1));
  EXPECT_EQ(state->sockets[0].holders[0].pid, 7);
  ASSERT_THAT(state->modules, SizeIs(1));
  ASSERT_THAT(state->body_files, SizeIs(1));
  ASSERT_THAT(state->files, SizeIs(1));
  EXPECT_TRUE(fs::ReadWholeFile(*state->files[0].filesystem, "/etc/hostname", 100));
  EXPECT_THAT(state->not_read, ElementsAre("chkrootkit/etc_ld_so_preload.txt",
                                           "live_response/network/netstat_-rn.txt"));
  EXPECT_EQ(diagnostics.Count(DiagnosticCode::kLogFileUnknown), 1U);
}

TEST(Uac, IsNothingWithoutItsFolders) {
  const auto tree = TreeOf({{"live_response/other.txt", "x"}});
  EXPECT_EQ(FindFormat(*tree), nullptr);
  EXPECT_EQ(FormatOfMember("uac-host7-linux-20261127/live_response/process/ps.txt"), &UacFormat());
}

}  // namespace
}  // namespace ekshume::process::uac
