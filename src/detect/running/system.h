// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "process/model.h"

namespace ekshume::detect::running {

// A socket that a process holds.
struct HeldSocket {
  const process::Socket* socket = nullptr;
  int64_t fd = -1;
};

// One state, looked up from all sides. `state` must outlive it. Any thread.
class System {
 public:
  explicit System(const process::State& state);

  const process::State& state() const { return state_; }
  const process::Process* Find(int64_t pid) const;
  // The container's first process: number 1 in its own process namespace, else the oldest.
  const process::Process* FirstOf(const std::string& container_id) const;
  const std::vector<HeldSocket>& SocketsOf(int64_t pid) const;
  bool Holds(int64_t pid, const process::Socket& socket) const;
  // The host's own namespace of that kind ("pid", "net", "mnt", "ipc"); none when the state does
  // not show the host's process 1.
  std::optional<uint64_t> HostNamespace(std::string_view kind) const;

 private:
  const process::State& state_;
  std::map<std::string, const process::Process*, std::less<>> first_;
  std::map<int64_t, std::vector<HeldSocket>> sockets_;
};

// Whether it is a container runtime's own process: runc and crun while they set up a container,
// shims and monitors, which some runtimes keep in the container's cgroup.
bool IsRuntime(const process::Process& process);

// The program by its name: of busybox and toybox the applet.
std::string_view ProgramName(const process::Process& process);

}  // namespace ekshume::detect::running
