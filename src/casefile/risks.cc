// SPDX-License-Identifier: Apache-2.0
#include "casefile/risks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ekshume::casefile {
namespace {

// Capabilities with a known way out of a container (capabilities(7)); those that runtimes give by
// default are not among them.
constexpr std::array<std::string_view, 9> kGraveCapabilities = {
    "SYS_ADMIN", "SYS_PTRACE",      "SYS_MODULE", "SYS_RAWIO",         "SYS_BOOT",
    "BPF",       "DAC_READ_SEARCH", "NET_ADMIN",  "CHECKPOINT_RESTORE"};

// Host paths whose mount gives a container power over the node or its other pods. What the kubelet
// and the runtime mount into every container (volumes, hosts, resolv.conf) lies deeper and is not
// meant.
bool IsGraveMount(std::string_view source) {
  while (source.size() > 1 && source.ends_with('/')) source.remove_suffix(1);
  static constexpr std::array<std::string_view, 20> kExact = {"/",
                                                              "/etc",
                                                              "/root",
                                                              "/home",
                                                              "/proc",
                                                              "/sys",
                                                              "/dev",
                                                              "/boot",
                                                              "/var",
                                                              "/var/lib",
                                                              "/usr",
                                                              "/var/log",
                                                              "/run",
                                                              "/var/run",
                                                              "/var/lib/containerd",
                                                              "/var/lib/docker",
                                                              "/var/lib/kubelet",
                                                              "/run/containerd",
                                                              "/var/log/pods",
                                                              "/var/lib/kubelet/pods"};
  static constexpr std::array<std::string_view, 4> kBelow = {"/etc/kubernetes", "/etc/cron",
                                                             "/root/.ssh", "/etc/systemd"};
  if (source.ends_with("docker.sock") || source.ends_with("containerd.sock") ||
      source.ends_with("crio.sock")) {
    return true;
  }
  const auto below = [&](std::string_view folder) { return source.starts_with(folder); };
  return std::ranges::find(kExact, source) != kExact.end() || std::ranges::any_of(kBelow, below);
}

}  // namespace

std::vector<std::string> HostAccess(const runtime::Container& container) {
  std::vector<std::string> risks;
  if (container.privileged) risks.emplace_back("privileged");
  if (container.host_pid) risks.emplace_back("host process namespace");
  for (const runtime::Mount& mount : container.mounts) {
    const bool is_bind = mount.type == "bind" || mount.type.empty();
    if (!is_bind || !mount.source.starts_with('/') || !IsGraveMount(mount.source)) continue;
    const bool read_only = std::ranges::find(mount.options, "ro") != mount.options.end();
    risks.push_back(fmt::format("host mount {}{}", mount.source, read_only ? " (read-only)" : ""));
  }
  for (const std::string& capability : container.capabilities) {
    const std::string_view name = std::string_view(capability).starts_with("CAP_")
                                      ? std::string_view(capability).substr(4)
                                      : std::string_view(capability);
    const bool grave = std::ranges::find(kGraveCapabilities, name) != kGraveCapabilities.end();
    if (grave && !container.privileged) risks.push_back(fmt::format("capability {}", name));
  }
  if (container.host_network) risks.emplace_back("host network");
  if (container.host_ipc) risks.emplace_back("host IPC namespace");
  // Alone it is Kubernetes' default and says nothing.
  if (!risks.empty() && container.seccomp == "unconfined") {
    risks.emplace_back("no seccomp filter");
  }
  return risks;
}

}  // namespace ekshume::casefile
