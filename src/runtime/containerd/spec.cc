// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/spec.h"

#include <fmt/format.h>

#include <algorithm>

namespace ekshume::runtime::containerd {
namespace {

// A namespace that the specification does not list is the host's.
bool IsHostNamespace(const Json& namespaces, std::string_view type) {
  return std::ranges::none_of(
      namespaces, [type](const Json& entry) { return Text(Member(entry, "type")) == type; });
}

std::string UserOf(const Json& user) {
  if (const std::string name = Text(Member(user, "username")); !name.empty()) return name;
  const auto uid = Integer(Member(user, "uid"));
  if (!uid) return "";
  return fmt::format("{}:{}", *uid, Integer(Member(user, "gid")).value_or(0));
}

void ReadProcess(const Json& process, Container& container) {
  container.arguments = Texts(Member(process, "args"));
  container.environment = Texts(Member(process, "env"));
  container.working_directory = Text(Member(process, "cwd"));
  container.user = UserOf(Member(process, "user"));
  container.apparmor = Text(Member(process, "apparmorProfile"));
  const Json& capabilities = Member(process, "capabilities");
  container.capabilities = Texts(Member(capabilities, "effective"));
  if (container.capabilities.empty()) {
    // A process that is not root has no effective capabilities but may gain the bounding ones.
    container.capabilities = Texts(Member(capabilities, "bounding"));
  }
  std::ranges::sort(container.capabilities);
}

// What `privileged` of every runtime leaves behind: the capabilities that an unprivileged container
// never gets together, and nothing of /proc masked.
bool LooksPrivileged(const Container& container, const Json& linux) {
  const auto has = [&](std::string_view name) {
    return std::ranges::find(container.capabilities, name) != container.capabilities.end();
  };
  return has("CAP_SYS_ADMIN") && has("CAP_SYS_MODULE") && has("CAP_SYS_RAWIO") &&
         Texts(Member(linux, "maskedPaths")).empty() && Member(linux, "seccomp").is_null();
}

}  // namespace

void ReadOciSpec(const Json& spec, Container& container) {
  ReadProcess(Member(spec, "process"), container);
  container.hostname = Text(Member(spec, "hostname"));
  for (const Json& from : Member(spec, "mounts")) {
    container.mounts.push_back({.source = Text(Member(from, "source")),
                                .destination = Text(Member(from, "destination")),
                                .type = Text(Member(from, "type")),
                                .options = Texts(Member(from, "options"))});
  }
  container.annotations = TextMembers(Member(spec, "annotations"));
  const Json& linux = Member(spec, "linux");
  if (!linux.is_object()) return;
  const Json& namespaces = Member(linux, "namespaces");
  container.host_pid = IsHostNamespace(namespaces, "pid");
  container.host_network = IsHostNamespace(namespaces, "network");
  container.host_ipc = IsHostNamespace(namespaces, "ipc");
  container.seccomp = Member(linux, "seccomp").is_object() ? "custom" : "unconfined";
  container.privileged = LooksPrivileged(container, linux);
}

}  // namespace ekshume::runtime::containerd
