// SPDX-License-Identifier: Apache-2.0
#include "process/model.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <unordered_map>

#include "artifact/command_line.h"

namespace ekshume::process {
namespace {

// The N of "socket:[N]".
std::optional<uint64_t> SocketInode(std::string_view path) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!path.starts_with(kPrefix) || !path.ends_with(']')) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  path.remove_suffix(1);
  uint64_t inode = 0;
  const auto parsed = std::from_chars(path.data(), path.data() + path.size(), inode);
  if (parsed.ec != std::errc() || parsed.ptr != path.data() + path.size()) return std::nullopt;
  return inode;
}

// Sockets whose holders the evidence does not name itself, by the descriptors of processes.
void FindHolders(State& state) {
  std::unordered_map<uint64_t, std::vector<Socket*>> by_inode;
  for (Socket& socket : state.sockets) {
    if (socket.holders.empty() && socket.inode != 0) by_inode[socket.inode].push_back(&socket);
  }
  if (by_inode.empty()) return;
  for (const Process& process : state.processes) {
    for (const OpenFile& file : process.files) {
      const auto inode = SocketInode(file.path);
      if (!inode) continue;
      const auto found = by_inode.find(*inode);
      if (found == by_inode.end()) continue;
      for (Socket* socket : found->second) socket->holders.push_back({process.pid, file.fd});
    }
  }
}

}  // namespace

void Complete(State& state) {
  std::ranges::sort(state.processes, {}, &Process::pid);
  FindHolders(state);
  std::ranges::sort(state.sockets, {}, [](const Socket& socket) {
    return std::tuple(socket.network_namespace, std::string_view(socket.family), socket.inode,
                      socket.local ? std::string_view(socket.local->address) : "",
                      socket.local ? socket.local->port : 0);
  });
  for (Process& process : state.processes) {
    // The kernel's own threads are kthreadd (2) and its children; they have no memory.
    const bool is_kernel = process.parent == 2 || (process.pid == 2 && process.parent == 0);
    if (is_kernel && process.name != "" && process.executable.empty() &&
        process.arguments.empty() && process.mappings.empty() && state.scope == "node") {
      process.kernel_thread = true;
    }
    std::ranges::sort(process.mappings, {}, &Mapping::start);
    std::ranges::sort(process.memory, {}, &MemoryPart::address);
    std::ranges::sort(process.files, {}, &OpenFile::fd);
    if (state.containers.size() != 1 || state.scope != "container") continue;
    const runtime::Container& container = state.containers.front();
    if (process.container_id.empty()) process.container_id = container.id;
    if (process.runtime.empty()) process.runtime = container.runtime;
    if (container.pod && process.pod_uid.empty()) process.pod_uid = container.pod->uid;
  }
  for (Process& process : state.processes) {
    for (const runtime::Container& container : state.containers) {
      if (container.id != process.container_id || !container.pod) continue;
      process.pod = container.pod->name;
      process.name_space = container.pod->namespace_name;
      process.container = container.pod->container;
    }
  }
}

std::vector<MemoryPart> PartsWithin(const std::vector<MemoryPart>& parts, uint64_t start,
                                    uint64_t end) {
  std::vector<MemoryPart> within;
  auto part = std::ranges::upper_bound(
      parts, start, {}, [](const MemoryPart& one) { return one.address + one.bytes.length_bytes; });
  for (; part != parts.end() && part->address < end; ++part) {
    const uint64_t from = std::max(start, part->address);
    const uint64_t to = std::min(end, part->address + part->bytes.length_bytes);
    if (from >= to) continue;
    within.push_back(
        {from, {part->bytes.file, part->bytes.offset_bytes + (from - part->address), to - from}});
  }
  return within;
}

std::string CommandLine(const Process& process) {
  if (!process.arguments.empty()) return artifact::CommandLine(process.arguments);
  return process.name.empty() ? std::string() : "[" + process.name + "]";
}

std::string_view ShortName(const Process& process) {
  const std::string_view path = process.executable;
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return last.empty() ? std::string_view(process.name) : last;
}

}  // namespace ekshume::process
