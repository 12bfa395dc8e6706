// SPDX-License-Identifier: Apache-2.0
#include "process/eks_logs/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "process/test_support.h"

namespace ekshume::process::eks_logs {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const std::string kId(64, 'b');
const std::string kSandbox(64, 'c');

std::map<std::string, std::string> Bundle() {
  return {
      {"kernel/uname.txt", "Linux ip-10-0-0-7 6.1.0 #1 SMP x86_64 GNU/Linux\n"},
      {"system/procstat.txt", "cpu 1 2\nbtime 1764252000\n"},
      {"system/allprocstat.txt",
       "1 (systemd) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 100 1 1 1\n"
       "50 (sh) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 200 1 1 1\n"
       "51 (x) S 50 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 300 1 1 1\n"},
      {"system/ps.txt",
       "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\n"
       "root 51 0.0 0.0 0 0 ? S Nov26 0:02 /tmp/x -o pool.example\n"},
      {"system/netstat.txt",
       "Proto Recv-Q Send-Q Local Address Foreign Address State PID/Program name\n"
       "tcp 0 0 10.0.0.9:4000 192.0.2.8:443 ESTABLISHED 51/x\n"},
      {"containerd/containerd-containers.txt",
       "CONTAINER    IMAGE    RUNTIME\n" + kId +
           "    registry.example/app:1    io.containerd.runc.v2\n"},
      {"containerd/containerd-tasks.txt", "TASK    PID    STATUS\n" + kId + "    50    RUNNING\n"},
      {"ipamd/ipam.json", R"({"version":"vpc-cni-ipam/1","allocations":[{"containerID":")" +
                              kSandbox +
                              R"(","ipv4":"10.0.0.9","allocationTimestamp":1764252000000000000,)"
                              R"("metadata":{"k8sPodNamespace":"shop","k8sPodName":"web-1"}}]})"},
      {"kubelet/kubelet.log", "Nov 27 10:00:00 ip-10-0-0-7 kubelet[3]: hello\n"},
      {"var_log/messages", "Nov 27 10:00:00 ip-10-0-0-7 x: y\n"},
      {"var_log/kube-system_aws-node-a_12345678-1234-1234-1234-123456789abc/aws-node/0.log", "l\n"},
      {"var_log/coredns-a_kube-system_coredns-" + kId + ".log", "l\n"},
      {"system/top.txt", "top - 10:00\n"},
      {"storage/mounts.txt", "/dev/nvme0n1p1 on / type xfs (rw)\n"},
  };
}

TEST(EksLogs, ReadsABundle) {
  const auto tree = TreeOf(Bundle());
  EXPECT_EQ(FindFormat(*tree), &EksLogsFormat());
  DiagnosticSink diagnostics;
  const auto state = EksLogsFormat().Read({*tree, "b"}, diagnostics);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->hostname, "ip-10-0-0-7");
  EXPECT_EQ(state->kernel, "6.1.0");
  EXPECT_EQ(state->scope, "node");
  EXPECT_EQ(state->taken->seconds, 1764252000);
  ASSERT_THAT(state->processes, SizeIs(3));
  const Process& implant = state->processes[2];
  EXPECT_EQ(implant.parent, 50);
  EXPECT_EQ(*implant.start, (Timestamp{1764252003, 0}));
  EXPECT_THAT(implant.arguments, ElementsAre("/tmp/x", "-o", "pool.example"));
  EXPECT_EQ(implant.container_id, kId);
  EXPECT_EQ(state->processes[0].container_id, "");
  ASSERT_THAT(state->sockets, SizeIs(1));
  EXPECT_EQ(state->sockets[0].holders[0].pid, 51);
  ASSERT_THAT(state->containers, SizeIs(2));
  EXPECT_EQ(state->containers[0].image, "registry.example/app:1");
  EXPECT_EQ(state->containers[0].pid, 50);
  EXPECT_EQ(state->containers[1].ip_address, "10.0.0.9");
  EXPECT_EQ(state->containers[1].pod->name, "web-1");
  EXPECT_EQ(state->containers[1].kind, runtime::ContainerKind::kSandbox);
  std::vector<std::string> paths;
  for (const Records& records : state->records) paths.push_back(records.path);
  EXPECT_THAT(paths, testing::UnorderedElementsAre(
                         "/var/log/kubelet.log", "/var/log/messages",
                         "/var/log/pods/kube-system_aws-node-a_12345678-1234-1234-1234-"
                         "123456789abc/aws-node/0.log",
                         "/var/log/containers/coredns-a_kube-system_coredns-" + kId + ".log"));
  ASSERT_THAT(state->mounts, SizeIs(1));
  // What nobody reads is said.
  EXPECT_EQ(state->not_read_count, 1U);
  EXPECT_THAT(state->not_read, ElementsAre("system/top.txt"));
  EXPECT_EQ(diagnostics.Count(DiagnosticCode::kLogFileUnknown), 1U);
}

TEST(EksLogs, DamageCostsOnlyWhatIsDamaged) {
  auto files = Bundle();
  files["ipamd/ipam.json"] = "{";
  files["containerd/containerd-tasks.txt"] = "TASK PID STATUS\nnonsense\n" + kId + " 50 STOPPED\n";
  files["docker/docker-ps.txt"] = "CONTAINER ID IMAGE COMMAND CREATED STATUS PORTS NAMES\n" +
                                  kSandbox +
                                  "   pause:3   \"/pause\"   1 hour ago   Up   k8s_POD_web-1_shop_"
                                  "12345678-1234-1234-1234-123456789abc_0\nshort\n";
  const auto tree = TreeOf(files);
  DiagnosticSink diagnostics;
  const auto state = EksLogsFormat().Read({*tree, "b"}, diagnostics);
  ASSERT_TRUE(state);
  EXPECT_EQ(diagnostics.Count(DiagnosticCode::kCollectionDamaged), 1U);
  EXPECT_EQ(diagnostics.Count(DiagnosticCode::kLogRecordUnknown), 2U);
  EXPECT_EQ(state->containers[0].state, runtime::ContainerState::kExited);
  EXPECT_EQ(state->containers[1].pod->uid, "12345678-1234-1234-1234-123456789abc");
}

TEST(EksLogs, IsKnownWithinAFolder) {
  EXPECT_EQ(FormatOfMember("./system/allprocstat.txt"), &EksLogsFormat());
  EXPECT_EQ(FormatOfMember("eks_i-0123/system/allprocstat.txt"), &EksLogsFormat());
  EXPECT_EQ(FormatOfMember("a/b/system/allprocstat.txt"), nullptr);
  EXPECT_EQ(FormatOfMember("x/collection.json"), nullptr);
  const auto tree = TreeOf({{"eks_i-0123/system/ps-threads.txt", "x"}});
  EXPECT_EQ(FindFormat(*tree), nullptr);
  EXPECT_TRUE(OnlyFolder(*tree));
  EXPECT_FALSE(OnlyFolder(*TreeOf({{"a/x", "1"}, {"b/x", "2"}})));
}

}  // namespace
}  // namespace ekshume::process::eks_logs
