// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace ekshume::collection {

// Which container and pod a cgroup belongs to, by the names that runtimes and the kubelet give
// their cgroups. Empty fields: the path does not say.
struct CgroupOwner {
  std::string runtime;       // "containerd", "docker", "crio", "podman", "nerdctl"; empty when only
                             // an id is there and nothing says whose
  std::string container_id;  // 64 hexadecimal digits
  std::string pod_uid;       // with dashes; 32 digits without for static pods
  std::string pod_qos;       // "guaranteed", "burstable", "besteffort"

  bool empty() const { return container_id.empty() && pod_uid.empty(); }
  friend bool operator==(const CgroupOwner&, const CgroupOwner&) = default;
};

// Reads one cgroup path, of version 1 or 2, made by the cgroupfs or systemd driver. Only the tail
// counts: any prefix (--cgroup-root, a node that is itself a container, the "/../.." of a cgroup
// namespace) is legal.
CgroupOwner ParseCgroupPath(std::string_view path);

// Reads the text of /proc/PID/cgroup. Of several hierarchies the unified one and those that every
// container has (systemd's, memory, pids) are asked first.
CgroupOwner ParseProcCgroup(std::string_view text);

}  // namespace ekshume::collection
