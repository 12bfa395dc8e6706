// SPDX-License-Identifier: Apache-2.0
#include "casefile/live_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace ekshume::casefile {
namespace {

// The report lists at most so many of each; the verbs list all.
constexpr size_t kMaxReported = 20000;

template <typename T>
Json NumberOrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string AddressText(const process::Address& address) {
  const bool is_v6 = address.address.contains(':');
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address.address, is_v6 ? "]" : "",
                     address.port);
}

Json AddressJson(const std::optional<process::Address>& address) {
  if (!address) return nullptr;
  return {{"address", address->address}, {"port", address->port}};
}

Json OwnerPod(const ProcessOwner& owner) {
  if (owner.pod_uid.empty() && owner.pod.empty()) return nullptr;
  return {{"name", TextOrNull(owner.pod)},
          {"namespace", TextOrNull(owner.name_space)},
          {"uid", TextOrNull(owner.pod_uid)},
          {"container", TextOrNull(owner.container)}};
}

}  // namespace

Json ProcessJson(const process::State& state, const process::Process& process,
                 const ProcessOwners& owners) {
  const ProcessOwner owner = owners.Of(state, process);
  uint64_t kept = 0;
  for (const process::MemoryPart& part : process.memory) kept += part.bytes.length_bytes;
  Json namespaces = Json::object();
  for (const auto& [name, inode] : process.namespaces) namespaces[name] = inode;
  return {{"pid", process.pid},
          {"ppid", process.parent},
          {"start", TimeOrNull(process.start)},
          {"name", process.name},
          {"state", std::string(1, process.state)},
          {"executable", TextOrNull(process.executable)},
          {"executable_deleted", process.executable_deleted},
          {"executable_replaced", NumberOrNull(process.executable_replaced)},
          {"executable_member", TextOrNull(process.executable_member)},
          {"sha256", TextOrNull(process.executable_sha256)},
          {"sha1", TextOrNull(process.executable_sha1)},
          {"md5", TextOrNull(process.executable_md5)},
          {"arguments", process.arguments},
          {"command_line", process::CommandLine(process)},
          {"environment", process.environment},
          {"working_directory", TextOrNull(process.working_directory)},
          {"root", TextOrNull(process.root)},
          {"user", TextOrNull(process.user)},
          {"uid", NumberOrNull(process.uid)},
          {"effective_uid", NumberOrNull(process.effective_uid)},
          {"capabilities", TextOrNull(process.effective_capabilities)},
          {"namespaces", std::move(namespaces)},
          {"namespace_pids", process.namespace_pids},
          {"tty", TextOrNull(process.tty)},
          {"threads", NumberOrNull(process.threads)},
          {"tracer", process.tracer == 0 ? Json(nullptr) : Json(process.tracer)},
          {"kernel_thread", process.kernel_thread},
          {"hidden", process.hidden},
          {"runtime", TextOrNull(process.runtime)},
          {"container_id", TextOrNull(owner.container_id)},
          {"image", TextOrNull(owner.image)},
          {"pod", OwnerPod(owner)},
          {"node", TextOrNull(owner.node)},
          {"mappings", process.mappings.size()},
          {"memory_bytes", kept},
          {"open_files", process.files.size()}};
}

Json OpenFileJson(const process::Process& process, const process::OpenFile& file) {
  return {{"pid", process.pid},
          {"process", std::string(process::ShortName(process))},
          {"container_id", TextOrNull(process.container_id)},
          {"fd", file.fd},
          {"path", file.path},
          {"deleted", file.deleted},
          {"type", std::string(1, file.type)},
          {"size", NumberOrNull(file.size_bytes)},
          {"member", TextOrNull(file.content_member)}};
}

Json MappingJson(const process::Process& process, const process::Mapping& mapping) {
  uint64_t kept = 0;
  for (const auto& part : process::PartsWithin(process.memory, mapping.start, mapping.end)) {
    kept += part.bytes.length_bytes;
  }
  return {{"pid", process.pid},
          {"start", fmt::format("{:x}", mapping.start)},
          {"end", fmt::format("{:x}", mapping.end)},
          {"permissions", mapping.permissions},
          {"offset", mapping.offset_bytes},
          {"path", TextOrNull(mapping.path)},
          {"deleted", mapping.deleted},
          {"kept_bytes", kept}};
}

Json SocketJson(const process::State& state, const process::Socket& socket,
                const ProcessOwners& owners) {
  Json holders = Json::array();
  ProcessOwner owner;
  for (const process::Socket::Holder& holder : socket.holders) {
    const auto found =
        std::ranges::lower_bound(state.processes, holder.pid, {}, &process::Process::pid);
    const bool known = found != state.processes.end() && found->pid == holder.pid;
    if (known && owner.container_id.empty()) owner = owners.Of(state, *found);
    holders.push_back(
        {{"pid", holder.pid},
         {"fd", holder.fd},
         {"process", known ? Json(std::string(process::ShortName(*found))) : Json(nullptr)}});
  }
  return {{"network_namespace", socket.network_namespace},
          {"family", socket.family},
          {"protocol", TextOrNull(socket.protocol)},
          {"state", TextOrNull(socket.state)},
          {"local", AddressJson(socket.local)},
          {"remote", AddressJson(socket.remote)},
          {"path", TextOrNull(socket.path)},
          {"inode", socket.inode},
          {"uid", NumberOrNull(socket.uid)},
          {"processes", std::move(holders)},
          {"container_id", TextOrNull(owner.container_id)},
          {"image", TextOrNull(owner.image)},
          {"pod", OwnerPod(owner)},
          {"node", TextOrNull(owner.node)}};
}

Json ModuleJson(const process::Module& module) {
  return {{"name", module.name},
          {"size", NumberOrNull(module.size_bytes)},
          {"state", TextOrNull(module.state)},
          {"taint", TextOrNull(module.taint)},
          {"in_sysfs", module.in_sysfs}};
}

Json FlowJson(const process::Flow& flow) {
  return {{"protocol", flow.protocol},
          {"source", AddressJson(flow.source)},
          {"destination", AddressJson(flow.destination)},
          {"state", TextOrNull(flow.state)}};
}

std::string FlowText(const process::Flow& flow) {
  return fmt::format("{} {} -> {}{}{}", flow.protocol, AddressText(flow.source),
                     AddressText(flow.destination), flow.state.empty() ? "" : " ", flow.state);
}

std::string SocketText(const process::Socket& socket) {
  if (socket.family == "unix") {
    return fmt::format("unix {} {}", socket.protocol, socket.path);
  }
  if (socket.family == "packet") return fmt::format("reads packets ({})", socket.protocol);
  const std::string local = socket.local ? AddressText(*socket.local) : "?";
  if (!socket.remote) {
    return fmt::format("{} {} {}", socket.state == "listen" ? "listens on" : "has a socket on",
                       socket.protocol, local);
  }
  return fmt::format("{} {} -> {}{}{}", socket.protocol, local, AddressText(*socket.remote),
                     socket.state.empty() ? "" : " ", socket.state);
}

Json LiveJson(const Evidence& evidence, const runtime::Inventory& inventory) {
  const ProcessOwners owners(inventory);
  Json all = Json::array();
  for (const auto& live : evidence.live()) {
    const process::State& state = live->state;
    Json processes = Json::array();
    Json deleted = Json::array();
    for (const process::Process& process : state.processes) {
      if (processes.size() < kMaxReported) {
        processes.push_back(ProcessJson(state, process, owners));
      }
      for (const process::OpenFile& file : process.files) {
        if (file.deleted && deleted.size() < kMaxReported) {
          deleted.push_back(OpenFileJson(process, file));
        }
      }
    }
    Json sockets = Json::array();
    for (const process::Socket& socket : state.sockets) {
      if (sockets.size() < kMaxReported) sockets.push_back(SocketJson(state, socket, owners));
    }
    Json modules = Json::array();
    for (const process::Module& module : state.modules) modules.push_back(ModuleJson(module));
    Json mounts = Json::array();
    for (const process::Mount& mount : state.mounts) {
      if (mounts.size() >= kMaxReported) break;
      mounts.push_back({{"source", mount.source},
                        {"point", mount.point},
                        {"type", mount.type},
                        {"options", mount.options}});
    }
    Json flows = Json::array();
    for (const process::Flow& flow : state.flows) {
      if (flows.size() < kMaxReported) flows.push_back(FlowJson(flow));
    }
    all.push_back({{"path", live->path},
                   {"format", state.format},
                   {"scope", TextOrNull(state.scope)},
                   {"taken", TimeOrNull(state.taken)},
                   {"tool", TextOrNull(state.tool)},
                   {"hostname", TextOrNull(state.hostname)},
                   {"kernel", TextOrNull(state.kernel)},
                   {"boot_id", TextOrNull(state.boot_id)},
                   {"boot_time", TimeOrNull(state.boot_time)},
                   {"processes_count", state.processes.size()},
                   {"processes", std::move(processes)},
                   {"sockets_count", state.sockets.size()},
                   {"sockets", std::move(sockets)},
                   {"deleted_open_files", std::move(deleted)},
                   {"flows_count", state.flows.size()},
                   {"flows", std::move(flows)},
                   {"mounts", std::move(mounts)},
                   {"modules", std::move(modules)},
                   {"deleted_paths", state.deleted_paths},
                   {"missing", state.missing},
                   {"not_read_count", state.not_read_count},
                   {"not_read", state.not_read}});
  }
  return all;
}

}  // namespace ekshume::casefile
