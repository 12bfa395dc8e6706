// SPDX-License-Identifier: Apache-2.0
#include "detect/running/system.h"

#include <algorithm>
#include <array>

#include "detect/drift/places.h"

namespace ekshume::detect::running {
namespace {

using process::Process;

bool IsFirst(const Process& process) {
  return process.namespace_pids.size() > 1 && process.namespace_pids.back() == 1;
}

// Whether `a` is before `b` as the first process of their container.
bool IsBefore(const Process& a, const Process& b) {
  if (IsFirst(a) != IsFirst(b)) return IsFirst(a);
  if (a.start && b.start && *a.start != *b.start) return *a.start < *b.start;
  return a.pid < b.pid;
}

}  // namespace

System::System(const process::State& state) : state_(state) {
  for (const Process& process : state.processes) {
    if (process.container_id.empty() || IsRuntime(process)) continue;
    const Process*& first = first_[process.container_id];
    if (first == nullptr || IsBefore(process, *first)) first = &process;
  }
  for (const process::Socket& socket : state.sockets) {
    for (const process::Socket::Holder& holder : socket.holders) {
      sockets_[holder.pid].push_back({&socket, holder.fd});
    }
  }
}

const Process* System::Find(int64_t pid) const {
  const auto found = std::ranges::lower_bound(state_.processes, pid, {}, &Process::pid);
  return found == state_.processes.end() || found->pid != pid ? nullptr : &*found;
}

const Process* System::FirstOf(const std::string& container_id) const {
  const auto found = first_.find(container_id);
  return found == first_.end() ? nullptr : found->second;
}

const std::vector<HeldSocket>& System::SocketsOf(int64_t pid) const {
  static const std::vector<HeldSocket> kNone;
  const auto found = sockets_.find(pid);
  return found == sockets_.end() ? kNone : found->second;
}

bool System::Holds(int64_t pid, const process::Socket& socket) const {
  return std::ranges::any_of(SocketsOf(pid),
                             [&](const HeldSocket& held) { return held.socket == &socket; });
}

std::optional<uint64_t> System::HostNamespace(std::string_view kind) const {
  const Process* init = state_.scope == "node" ? Find(1) : nullptr;
  if (init == nullptr || !init->container_id.empty()) return std::nullopt;
  const auto found = init->namespaces.find(std::string(kind));
  if (found == init->namespaces.end()) return std::nullopt;
  return found->second;
}

bool IsRuntime(const Process& process) {
  constexpr std::array<std::string_view, 6> kNames = {"runc",  "crun",     "conmon",
                                                      "youki", "conmonrs", "runsc"};
  const std::string_view name = process.name;
  if (name.starts_with("runc:[") || name.starts_with("containerd-shim")) return true;
  return std::ranges::find(kNames, name) != kNames.end();
}

std::string_view ProgramName(const Process& process) {
  std::string_view name = process::ShortName(process);
  if (name != "busybox" && name != "toybox") return name;
  for (const std::string& argument : process.arguments) {
    std::string_view applet = drift::FileName(argument);
    if (applet.starts_with('-')) applet.remove_prefix(1);
    if (applet != "busybox" && applet != "toybox") return applet;
  }
  return process.name;
}

}  // namespace ekshume::detect::running
