// SPDX-License-Identifier: Apache-2.0
#include "casefile/mount_table.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "casefile/gaps.h"
#include "fs/overlay/memory_filesystem.h"

namespace ekshume::casefile {
namespace {

TEST(FstabTest, ReadsFieldsAndEscapes) {
  const auto mounts = ParseFstab(
      "# comment\n"
      "UUID=1234  /   xfs  defaults,noatime 1 1\n"
      "\n"
      "/dev/nvme1n1\t/mnt/with\\040space\text4\n"
      "lonely\n"
      "tmpfs /tmp tmpfs\r\n");
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_EQ(mounts[0].source, "UUID=1234");
  EXPECT_EQ(mounts[0].options, "defaults,noatime");
  EXPECT_EQ(mounts[1].target, "/mnt/with space");
  EXPECT_EQ(mounts[2].type, "tmpfs");
}

TEST(MountUnitTest, ReadsItsOwnSectionOnly) {
  // As nodeadm's setup-local-disks writes them.
  const auto mount = ParseMountUnit(
      "[Unit]\nDescription=Mount EC2 Instance Store\nWhat=wrong\n"
      "[Mount]\nWhat=/mnt/k8s-disks/0/containerd\n Where = /var/lib/containerd\nType=none\n"
      "Options=bind\n[Install]\nWantedBy=multi-user.target\n");
  EXPECT_EQ(mount.source, "/mnt/k8s-disks/0/containerd");
  EXPECT_EQ(mount.target, "/var/lib/containerd");
  EXPECT_EQ(mount.options, "bind");
}

TEST(MountTableTest, ReadsBothPlaces) {
  fs::overlay::MemoryFilesystem root;
  root.File("etc/fstab", "UUID=1 / xfs defaults\n");
  root.File("etc/systemd/system/mnt-x.mount", "[Mount]\nWhat=UUID=2\nWhere=/mnt/x\nType=xfs\n");
  root.File("etc/systemd/system/x.service", "[Mount]\nWhere=/no\n");
  root.File("etc/systemd/system/empty.mount", "");
  DiagnosticSink diagnostics;
  const auto mounts = ReadConfiguredMounts(root, diagnostics);
  EXPECT_TRUE(diagnostics.Sorted().empty());
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[1].target, "/mnt/x");
  EXPECT_EQ(mounts[1].file, "/etc/systemd/system/mnt-x.mount");
}

TEST(MountTableTest, SaysWhichFileIsTooLarge) {
  fs::overlay::MemoryFilesystem root;
  // Neither holds so many bytes: they only claim to.
  root.StatOf(root.File("etc/fstab", "UUID=1 / xfs\n")).size_bytes = limits::kMaxDocumentBytes + 1;
  root.StatOf(root.File("etc/systemd/system/mnt-x.mount", "[Mount]\n")).size_bytes =
      limits::kMaxDocumentBytes + 1;
  DiagnosticSink diagnostics;
  EXPECT_TRUE(ReadConfiguredMounts(root, diagnostics).empty());
  EXPECT_EQ(diagnostics.Count(DiagnosticCode::kFilesystemNodeUnreadable), 2U);
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    EXPECT_TRUE(diagnostic.detail.starts_with("kMaxDocumentBytes")) << diagnostic.detail;
  }
}

}  // namespace
}  // namespace ekshume::casefile
