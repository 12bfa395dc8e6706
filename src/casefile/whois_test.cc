// SPDX-License-Identifier: Apache-2.0
#include "casefile/whois.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "casefile/risks.h"

namespace ekshume::casefile {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

runtime::Inventory Node() {
  runtime::Container container;
  container.id = std::string(64, 'c');
  container.image = "registry.test/web:1";
  container.pod = runtime::PodReference{"web-0", "shop", "uid-1", "web"};
  container.layers.upper = runtime::Location{nullptr, "var/lib/containerd/snapshots/7/fs"};
  container.mounts = {{"/var/data", "/data", "bind", {"rw"}}};
  runtime::Image image;
  image.id = "sha256:1";
  image.references = {"registry.test/web:1"};
  image.layers.lower = {{nullptr, "var/lib/containerd/snapshots/3/fs"}};
  runtime::Pod pod;
  pod.name = "web-0";
  pod.namespace_name = "shop";
  pod.uid = "uid-1";
  pod.log_directories = {"/var/log/pods/shop_web-0_uid-1"};
  runtime::Inventory node;
  node.containers = {container};
  node.images = {image};
  node.pods = {pod};
  return node;
}

TEST(WhoOwnsTest, WritableLayerTellsThePathInside) {
  const auto owners = WhoOwns(Node(), "/var/lib/containerd//snapshots/7/fs/tmp/x");
  ASSERT_EQ(owners.size(), 1U);
  EXPECT_EQ(owners[0].relation, "writable layer");
  EXPECT_EQ(owners[0].pod, "shop/web-0");
  EXPECT_EQ(owners[0].path_inside, "/tmp/x");
}

TEST(WhoOwnsTest, NamesAreNotPrefixes) {
  EXPECT_THAT(WhoOwns(Node(), "/var/lib/containerd/snapshots/7/fs2/tmp"), IsEmpty());
  EXPECT_THAT(WhoOwns(Node(), "/etc/passwd"), IsEmpty());
}

TEST(WhoOwnsTest, ImageLayerMountAndLog) {
  EXPECT_EQ(WhoOwns(Node(), "var/lib/containerd/snapshots/3/fs").at(0).path_inside, "/");
  const auto mount = WhoOwns(Node(), "/var/data/a/b");
  ASSERT_EQ(mount.size(), 1U);
  EXPECT_EQ(mount[0].relation, "host mount");
  EXPECT_EQ(mount[0].path_inside, "/data/a/b");
  EXPECT_EQ(WhoOwns(Node(), "/var/log/pods/shop_web-0_uid-1/web/0.log").at(0).relation, "pod log");
}

TEST(HostAccessTest, OrdinaryContainersHaveNone) {
  runtime::Container container = Node().containers[0];
  container.seccomp = "unconfined";
  container.capabilities = {"CAP_CHOWN", "CAP_NET_BIND_SERVICE"};
  container.mounts.push_back({"/var/lib/kubelet/pods/u/etc-hosts", "/etc/hosts", "bind", {}});
  EXPECT_THAT(HostAccess(container), IsEmpty());
}

TEST(HostAccessTest, SaysByWhatTheHostIsReached) {
  runtime::Container container;
  container.host_pid = true;
  container.capabilities = {"CAP_SYS_ADMIN"};
  container.mounts = {{"/", "/host", "bind", {"ro"}},
                      {"/run/containerd/containerd.sock", "/s", "bind", {}}};
  EXPECT_THAT(HostAccess(container),
              ElementsAre("host process namespace", "host mount / (read-only)",
                          "host mount /run/containerd/containerd.sock", "capability SYS_ADMIN"));
}

}  // namespace
}  // namespace ekshume::casefile
