// SPDX-License-Identifier: Apache-2.0
#include "collection/cgroup.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace ekshume::collection {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kOther = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const std::string kUid = "8d9ec5a4-6b0e-4ae4-9c8a-3bd6f7c1a001";
const std::string kUidScore = "8d9ec5a4_6b0e_4ae4_9c8a_3bd6f7c1a001";
const std::string kStatic = "bd12dd330123456789abcdefbd12dd33";

struct Form {
  std::string path;
  CgroupOwner owner;
};

TEST(CgroupTest, ReadsEveryFormOfRuntimesAndDrivers) {
  const std::vector<Form> forms = {
      {fmt::format("/kubepods/burstable/pod{}/{}", kUid, kId), {"", kId, kUid, "burstable"}},
      {fmt::format("/kubepods/pod{}/{}", kUid, kId), {"", kId, kUid, "guaranteed"}},
      {fmt::format("/docker/{}", kId), {"docker", kId, "", ""}},
      {fmt::format("/ecs/0f1e2d3c4b5a69788796a5b4c3d2e1f0/{}", kId), {"docker", kId, "", ""}},
      {fmt::format("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/"
                   "docker-{}.scope",
                   kUidScore, kId),
       {"docker", kId, kUid, "burstable"}},
      {fmt::format("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{}.slice/"
                   "cri-containerd-{}.scope",
                   kUidScore, kId),
       {"containerd", kId, kUid, "besteffort"}},
      {fmt::format("/system.slice/containerd.service/kubepods-burstable-pod{}.slice:"
                   "cri-containerd:{}",
                   kUidScore, kId),
       {"containerd", kId, kUid, "burstable"}},
      {fmt::format("/kubepods/besteffort/pod{}/crio-{}", kUid, kId),
       {"crio", kId, kUid, "besteffort"}},
      {fmt::format("/kubepods.slice/kubepods-pod{}.slice/crio-{}.scope/container", kUidScore, kId),
       {"crio", kId, kUid, "guaranteed"}},
      {fmt::format("/machine.slice/libpod-{}.scope/container", kId), {"podman", kId, "", ""}},
      {fmt::format("/machine.slice/libpod-payload-{}", kId), {"podman", kId, "", ""}},
      {fmt::format("/system.slice/nerdctl-{}.scope", kId), {"nerdctl", kId, "", ""}},
      // A static pod has a hash for a uid; a reader in a cgroup namespace sees "/../..".
      {fmt::format("/../../kubepods-burstable-pod{}.slice/cri-containerd-{}.scope", kStatic, kId),
       {"containerd", kId, kStatic, "burstable"}},
      // A node that is a container itself; the inner container counts.
      {fmt::format("/docker/{}/kubelet.slice/kubelet-kubepods.slice/"
                   "kubelet-kubepods-pod{}.slice/cri-containerd-{}.scope",
                   kOther, kUidScore, kId),
       {"containerd", kId, kUid, "guaranteed"}},
      // A pod's own cgroup inside such a node has no container.
      {fmt::format("/docker/{}/kubepods/burstable/pod{}", kOther, kUid),
       {"", "", kUid, "burstable"}},
      // systemd inside of a container makes cgroups below it.
      {fmt::format("/kubepods.slice/kubepods-pod{}.slice/crio-{}.scope/system.slice/a.service",
                   kUidScore, kId),
       {"crio", kId, kUid, "guaranteed"}},
      // The monitor of a container is no part of it.
      {fmt::format("/kubepods.slice/kubepods-pod{}.slice/crio-conmon-{}.scope", kUidScore, kId),
       {"", "", kUid, "guaranteed"}},
  };
  for (const Form& form : forms) {
    const CgroupOwner owner = ParseCgroupPath(form.path);
    EXPECT_EQ(owner.runtime, form.owner.runtime) << form.path;
    EXPECT_EQ(owner.container_id, form.owner.container_id) << form.path;
    EXPECT_EQ(owner.pod_uid, form.owner.pod_uid) << form.path;
    EXPECT_EQ(owner.pod_qos, form.owner.pod_qos) << form.path;
  }
}

TEST(CgroupTest, SeesNoContainerWhereThereIsNone) {
  for (const std::string& path :
       {std::string("/"), std::string(), std::string("/system.slice/sshd.service"),
        std::string("/user.slice/user-0.slice/session-1.scope"),
        "/docker/" + kId.substr(1),  // 63 digits
        "/docker/0" + kId,           // 65 digits
        "/kubepods/burstable/pod" + kUid.substr(1), "/podium/" + kUid}) {
    EXPECT_TRUE(ParseCgroupPath(path).empty()) << path;
  }
}

TEST(CgroupTest, AsksTheHierarchiesInOrder) {
  const std::string v1 = fmt::format(
      "12:cpuset:/\n11:memory:/docker/{}\n1:name=systemd:/system.slice/docker-{}.scope\n", kOther,
      kId);
  EXPECT_EQ(ParseProcCgroup(v1).container_id, kId);
  EXPECT_EQ(ParseProcCgroup(fmt::format("0::/\n11:memory:/docker/{}\n", kId)).container_id, kId);
  EXPECT_EQ(ParseProcCgroup(fmt::format("0::/kubepods/pod{}\n", kUid)).pod_uid, kUid);
  EXPECT_TRUE(ParseProcCgroup("0::/init.scope\ngarbage\n:\n").empty());
}

}  // namespace
}  // namespace ekshume::collection
