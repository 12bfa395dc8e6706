// SPDX-License-Identifier: Apache-2.0
#include "casefile/gaps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/test_support.h"

namespace ekshume::casefile {
namespace {

using ::testing::ElementsAre;

TEST(GapsTest, SaysWhatNoDiskOfTheNodeHolds) {
  const image::testing::TemporaryFolder folder;
  std::filesystem::create_directories(folder.File("etc"));
  std::filesystem::create_directories(folder.File("usr"));
  folder.Write("etc/fstab",
               "UUID=1234 / xfs defaults\n"
               "proc /proc proc defaults\n"
               "tmpfs /scratch tmpfs size=1g\n"
               "/dev/md/kubernetes /mnt/k8s-disks/0 xfs defaults\n"
               "/dev/nvme2n1 /var/lib/kubelet xfs defaults\n"
               "/var/lib/kubelet/pods /pods none bind\n");
  DiagnosticSink diagnostics;
  const auto evidence = Evidence::Open({folder.path()}, {}, diagnostics);
  ASSERT_TRUE(evidence.has_value()) << evidence.error().message;
  runtime::Inventory inventory;
  inventory.pods.push_back({.name = "web", .namespace_name = "shop"});
  inventory.pods[0].volumes.push_back(
      {.name = "token", .directory = {nullptr, "var/lib/kubelet/pods/1/token"}, .in_memory = true});

  std::vector<std::string> paths;
  std::vector<std::string> lost;
  for (const Gap& gap : FindGaps(**evidence, inventory, diagnostics)) {
    (gap.lost ? lost : paths).push_back(gap.path);
  }
  EXPECT_THAT(paths, ElementsAre("/run", "/scratch", "/var/lib/kubelet/pods/1/token"));
  EXPECT_THAT(lost, ElementsAre("/mnt/k8s-disks/0", "/pods", "/var/lib/kubelet"));
  std::vector<std::string> reported;
  for (const Diagnostic& each : diagnostics.Sorted()) {
    reported.push_back(std::string(DiagnosticCodeName(each.code)) + " " + each.evidence + ": " +
                       each.detail);
  }
  EXPECT_THAT(reported,
              ElementsAre("host_instance_store /mnt/k8s-disks/0: /dev/md/kubernetes in /etc/fstab",
                          "host_volatile /scratch: tmpfs in /etc/fstab",
                          "host_mount_missing /pods: /var/lib/kubelet/pods in /etc/fstab",
                          "host_mount_missing /var/lib/kubelet: /dev/nvme2n1 in /etc/fstab"));
  EXPECT_TRUE(diagnostics.HasLoss());
}

TEST(GapsTest, VolatileDirectoriesAreNoLoss) {
  const image::testing::TemporaryFolder folder;
  std::filesystem::create_directories(folder.File("etc/systemd/system"));
  folder.Write("etc/systemd/system/tmp.mount",
               "[Mount]\nWhat=tmpfs\nWhere=/tmp\nType=tmpfs\nOptions=mode=1777\n");
  DiagnosticSink diagnostics;
  const auto evidence = Evidence::Open({folder.path()}, {}, diagnostics);
  ASSERT_TRUE(evidence.has_value()) << evidence.error().message;
  EXPECT_EQ(FindGaps(**evidence, {}, diagnostics).size(), 2U);  // and /run
  const auto reported = diagnostics.Sorted();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].code, DiagnosticCode::kHostVolatile);
  EXPECT_EQ(reported[0].evidence, "/tmp");
  EXPECT_EQ(reported[0].detail, "tmpfs in /etc/systemd/system/tmp.mount");
  EXPECT_FALSE(diagnostics.HasLoss());
}

}  // namespace
}  // namespace ekshume::casefile
