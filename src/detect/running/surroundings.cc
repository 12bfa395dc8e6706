// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "detect/drift/places.h"
#include "detect/running/checks.h"

namespace ekshume::detect::running {
namespace {

using process::Process;

template <size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, text) != words.end();
}
template <size_t N>
bool BeginsWithOneOf(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.starts_with(word); });
}

bool IsOddProgram(const Subject& subject) {
  const auto verdict = CheckProgram(subject);
  return verdict && (verdict->level == "high" || verdict->level == "medium");
}

bool IsConnection(const process::Socket& socket) {
  return (socket.family == "inet" || socket.family == "inet6") && socket.remote &&
         socket.state != "listen" && socket.protocol != "raw";
}

std::string RemoteText(const process::Socket& socket) {
  return fmt::format("{} port {}", socket.remote->address, socket.remote->port);
}

// Programs that set up addresses, watch links or answer at the link's level.
constexpr std::array<std::string_view, 22> kPacketPrograms = {
    "dhclient",   "dhcpcd",       "systemd-networkd", "NetworkManager", "lldpd",
    "lldpad",     "keepalived",   "wpa_supplicant",   "hostapd",        "udhcpc",
    "pppd",       "avahi-daemon", "arping",           "ping",           "ping6",
    "traceroute", "mtr-packet",   "nm-dhcp-helper",   "bird",           "radvd",
    "chronyd",    "connmand"};
constexpr std::array<std::string_view, 8> kDebuggers = {"gdb", "strace", "ltrace", "lldb",
                                                        "dlv", "perf",   "runsc",  "rr"};
// Just-in-time compilers, their users, and emulators.
constexpr std::array<std::string_view, 31> kCompilers = {
    "java",     "node",  "deno",  "bun",    "dotnet",  "mono",      "firefox", "chrom",
    "electron", "code",  "qemu",  "php",    "lua",     "openresty", "nginx",   "postgres",
    "polkitd",  "gjs",   "gnome", "plasma", "Xorg",    "wine",      "beam",    "julia",
    "ruby",     "envoy", "pypy",  "R",      "haproxy", "apache2",   "httpd"};
// The same built into programs with names of their own.
constexpr std::array<std::string_view, 10> kCompilerLibraries = {
    "libjvm.so", "libcoreclr.so", "libclrjit.so",         "libmono",   "libnode.so",
    "libv8",     "libmozjs",      "libjavascriptcoregtk", "libluajit", "libLLVM"};
constexpr std::array<std::string_view, 6> kInterpreters = {"python", "perl", "ruby",
                                                           "php",    "lua",  "tclsh"};

struct NamespaceKind {
  std::string_view name;
  std::string_view what;
  bool Subject::Asked::* asked;  // null: no pod can ask for it
};
constexpr std::array<NamespaceKind, 4> kKinds = {
    NamespaceKind{"mnt", "files", nullptr},
    NamespaceKind{"pid", "processes", &Subject::Asked::host_pid},
    NamespaceKind{"net", "network", &Subject::Asked::host_network},
    NamespaceKind{"ipc", "shared memory", &Subject::Asked::host_ipc}};

uint64_t NamespaceOf(const Process& process, std::string_view kind) {
  const auto found = process.namespaces.find(std::string(kind));
  return found == process.namespaces.end() ? 0 : found->second;
}

}  // namespace

std::optional<Verdict> CheckShell(const System& system, const Subject& subject) {
  const Process& process = *subject.process;
  const std::string_view program = ProgramName(process);
  const bool is_shell = drift::IsShell(program) && program != "busybox";
  const bool is_interpreter = BeginsWithOneOf(program, kInterpreters);
  if (!is_shell && !is_interpreter) return std::nullopt;
  std::array<const process::Socket*, 3> standard{};
  const process::Socket* other = nullptr;
  for (const HeldSocket& held : system.SocketsOf(process.pid)) {
    if (!IsConnection(*held.socket)) continue;
    if (held.fd >= 0 && held.fd < 3) {
      standard[static_cast<size_t>(held.fd)] = held.socket;
    } else {
      other = held.socket;
    }
  }
  const process::Socket* socket = standard[0] != nullptr ? standard[0] : standard[1];
  if (is_interpreter && standard[0] != standard[1]) socket = nullptr;
  if (socket != nullptr) {
    Verdict verdict = MakeVerdict("running.shell_on_socket", "",
                                  fmt::format("is a {} whose {} is the connection with {}",
                                              is_shell ? "shell" : "interpreter",
                                              standard[0] == nullptr   ? "output"
                                              : standard[1] == nullptr ? "input"
                                                                       : "input and output",
                                              RemoteText(*socket)));
    verdict.key = RemoteText(*socket);
    return verdict;
  }
  // exec 5<>/dev/tcp/...: shells make no connections otherwise, though they may inherit one.
  if (!is_shell || other == nullptr || system.Holds(process.parent, *other)) return std::nullopt;
  Verdict verdict = MakeVerdict(
      "running.shell_on_socket", "medium",
      fmt::format("is a shell that has itself a connection with {}", RemoteText(*other)));
  verdict.key = RemoteText(*other);
  return verdict;
}

std::optional<Verdict> CheckPacketSocket(const System& system, const Subject& subject) {
  const Process& process = *subject.process;
  const process::Socket* found = nullptr;
  for (const HeldSocket& held : system.SocketsOf(process.pid)) {
    const process::Socket& socket = *held.socket;
    const bool is_raw =
        (socket.family == "inet" || socket.family == "inet6") && socket.protocol == "raw";
    if (socket.family == "packet" || is_raw) found = held.socket;
  }
  if (found == nullptr) return std::nullopt;
  const bool is_odd = IsOddProgram(subject);
  if (!is_odd && (subject.is_agent || IsOneOf(ProgramName(process), kPacketPrograms))) {
    return std::nullopt;
  }
  const std::string_view level = is_odd ? "high" : process.container_id.empty() ? "low" : "medium";
  Verdict verdict =
      MakeVerdict("running.packet_socket", level,
                  fmt::format("has a socket that gets {}", found->family == "packet"
                                                               ? "every packet of a link"
                                                               : "packets below TCP and UDP"));
  if (is_odd) verdict.tags.emplace_back("attack.command-and-control attack.t1205.002");
  return verdict;
}

std::optional<Verdict> CheckNamespaces(const System& system, const Subject& subject) {
  const Process& process = *subject.process;
  if (process.container_id.empty() || IsRuntime(process)) return std::nullopt;
  const Process* first = system.FirstOf(process.container_id);
  std::vector<std::string_view> escaped;  // where the container's first process is not
  std::vector<std::string_view> unasked;  // that the container has and its records do not name
  std::vector<std::string_view> unknown;
  bool has_files = false;
  for (const NamespaceKind& kind : kKinds) {
    const auto host = system.HostNamespace(kind.name);
    if (!host || NamespaceOf(process, kind.name) != *host) continue;
    if (first != nullptr && NamespaceOf(*first, kind.name) != *host) {
      escaped.push_back(kind.what);
    } else if (&process == first && kind.asked == nullptr) {
      has_files = true;
    } else if (&process == first && !subject.asked) {
      unknown.push_back(kind.what);
    } else if (&process == first && !((*subject.asked).*kind.asked)) {
      unasked.push_back(kind.what);
    }
  }
  if (!escaped.empty()) {
    Verdict verdict = MakeVerdict(
        "running.host_namespace", "",
        fmt::format("sees the {} of the host, which the container's first process does not",
                    fmt::join(escaped, ", ")));
    verdict.key = "escaped";
    return verdict;
  }
  if (has_files) {
    return MakeVerdict("running.host_namespace", subject.is_agent ? "low" : "medium",
                       "is the first process of its container and sees the files of the host");
  }
  if (!unasked.empty()) {
    return MakeVerdict(
        "running.host_namespace", subject.is_agent ? "low" : "medium",
        fmt::format("sees the {} of the host, and the container's records do not ask for that",
                    fmt::join(unasked, ", ")));
  }
  if (!unknown.empty()) {
    return MakeVerdict("running.host_namespace", "informational",
                       fmt::format("sees the {} of the host; whether its pod asks for that is not "
                                   "known from this evidence",
                                   fmt::join(unknown, ", ")));
  }
  return std::nullopt;
}

std::optional<Verdict> CheckEntered(const System& system, const Subject& subject) {
  const Process& process = *subject.process;
  if (process.container_id.empty() || IsRuntime(process)) return std::nullopt;
  const Process* first = system.FirstOf(process.container_id);
  if (first == nullptr || first == &process) return std::nullopt;
  // What an entered process started is told with it. Where containers of a pod share their
  // processes, those without a parent come to the pod's own first process.
  const Process* parent = system.Find(process.parent);
  if (parent != nullptr && !IsRuntime(*parent) &&
      (parent->container_id == process.container_id ||
       (!parent->pod_uid.empty() && parent->pod_uid == process.pod_uid))) {
    return std::nullopt;
  }
  if (process.start && first->start && *process.start <= *first->start) return std::nullopt;
  // Without a process namespace of its own, whatever loses its parent in the container comes to
  // one outside.
  const auto host = system.HostNamespace("pid");
  const bool may_be_orphan = host && NamespaceOf(process, "pid") == *host;
  Verdict verdict = MakeVerdict(
      "running.entered", may_be_orphan ? "informational" : "",
      fmt::format(
          "is in the container, but was started by process {} outside of it{}{}", process.parent,
          parent == nullptr ? std::string() : fmt::format(" ({})", process::ShortName(*parent)),
          process.tty.empty() ? "" : ", with a terminal"));
  return verdict;
}

std::optional<Verdict> CheckTraced(const System& system, const Subject& subject) {
  const Process& process = *subject.process;
  if (process.tracer == 0) return std::nullopt;
  const Process* tracer = system.Find(process.tracer);
  const std::string_view name =
      tracer == nullptr ? std::string_view("a process that is not listed") : ProgramName(*tracer);
  const bool is_debugger = tracer != nullptr && BeginsWithOneOf(name, kDebuggers);
  return MakeVerdict("running.traced", is_debugger ? "low" : "",
                     fmt::format("is traced by process {} ({})", process.tracer, name));
}

bool IsAnonymous(const process::Mapping& mapping) {
  return mapping.path.empty() || mapping.path == "[heap]" || mapping.path.starts_with("[stack") ||
         mapping.path.starts_with("[anon") || mapping.path.starts_with("/memfd:");
}

// Whether it runs a just-in-time compiler, by its name or by a library from where libraries lie.
bool Compiles(const Process& process) {
  if (BeginsWithOneOf(ProgramName(process), kCompilers)) return true;
  return std::ranges::any_of(process.mappings, [](const process::Mapping& mapping) {
    const std::string_view path = std::string_view(mapping.path).substr(!mapping.path.empty());
    return BeginsWithOneOf(drift::FileName(path), kCompilerLibraries) && !mapping.deleted &&
           !drift::IsTemporary(path) && !drift::IsHidden(path);
  });
}

std::optional<Verdict> CheckWritableCode(const Subject& subject) {
  const Process& process = *subject.process;
  if (Compiles(process)) return std::nullopt;
  size_t count = 0;
  const process::Mapping* shown = nullptr;
  for (const process::Mapping& mapping : process.mappings) {
    if (mapping.permissions.size() < 3 || mapping.permissions[1] != 'w' ||
        mapping.permissions[2] != 'x' || !IsAnonymous(mapping)) {
      continue;
    }
    if (shown == nullptr) shown = &mapping;
    ++count;
  }
  if (shown == nullptr) return std::nullopt;
  return MakeVerdict(
      "running.writable_code", IsOddProgram(subject) ? "medium" : "",
      fmt::format("has {} such {}, the first at {:#x} in {} ({})", count,
                  count == 1 ? "mapping" : "mappings", shown->start,
                  shown->path.empty() ? "anonymous memory" : shown->path, shown->permissions));
}

}  // namespace ekshume::detect::running
