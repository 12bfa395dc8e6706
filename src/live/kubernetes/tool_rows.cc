// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/tool_rows.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "base/hash.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/time.h"
#include "collection/cgroup.h"
#include "collection/proc_text.h"
#include "process/socket_words.h"

namespace ekshume::live::kubernetes {
namespace {

using collection::Fields;
using collection::NulSeparated;
using collection::StatusValue;

constexpr std::string_view kDeleted = " (deleted)";
constexpr int64_t kTicksPerSecond = 100;  // USER_HZ of x86-64 and arm64
constexpr int64_t kPageBytes = 4096;
constexpr size_t kMostHolders = 1000;  // of one socket

std::optional<int64_t> Number(std::string_view text, int base = 10) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Bytes as text, with KEY_hex beside it when they are not UTF-8.
void SetText(Json& row, const std::string& key, std::string_view bytes) {
  row[key] = std::string(bytes);
  if (!IsUtf8(bytes)) row[key + "_hex"] = ToHex(ByteView::Of(bytes));
}

void SetList(Json& row, const std::string& key, const std::vector<std::string>& elements) {
  row[key] = elements;
  if (std::ranges::all_of(elements, [](const std::string& e) { return IsUtf8(e); })) return;
  Json all = Json::array();
  for (const std::string& element : elements) {
    all.push_back(IsUtf8(element) ? Json() : Json(ToHex(ByteView::Of(element))));
  }
  row[key + "_hex"] = all;
}

std::string_view FileOf(const ToolProcess& process, const std::string& name) {
  const auto found = process.files.find(name);
  return found == process.files.end() ? std::string_view() : std::string_view(found->second);
}

Json StatusNumbers(std::string_view status, std::string_view key) {
  Json numbers = Json::array();
  for (const std::string_view field : Fields(StatusValue(status, key))) {
    numbers.push_back(Number(field).value_or(0));
  }
  return numbers;
}

// "socket:[4711]"
std::optional<int64_t> Bracketed(std::string_view target, std::string_view kind) {
  if (!target.starts_with(kind) || !target.ends_with(']')) return std::nullopt;
  target.remove_prefix(kind.size());
  if (!target.starts_with(":[")) return std::nullopt;
  return Number(target.substr(2, target.size() - 3));
}

// "0100007F:1F90": 32-bit words in the order of the machine, which is little-endian wherever EKS
// runs, and the port as a number. Null for an address that is not set.
Json EndpointOf(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return {};
  auto bytes = FromHex(text.substr(0, colon));
  const auto port = Number(text.substr(colon + 1), 16);
  if (!bytes || !port) return {};
  for (size_t word = 0; word < bytes->size(); word += 4) {
    std::reverse(bytes->begin() + static_cast<std::ptrdiff_t>(word),
                 bytes->begin() + static_cast<std::ptrdiff_t>(word + 4));
  }
  std::array<char, INET6_ADDRSTRLEN> shown{};
  inet_ntop(bytes->size() == 4 ? AF_INET : AF_INET6, bytes->data(), shown.data(), shown.size());
  return {{"address", process::NormalAddress(shown.data())}, {"port", *port}};
}

bool IsUnset(const Json& endpoint) {
  return endpoint.is_null() || (endpoint["port"] == 0 &&
                                (endpoint["address"] == "0.0.0.0" || endpoint["address"] == "::"));
}

using Holders = std::unordered_map<int64_t, Json>;  // of sockets, by inode

Holders HoldersOf(const std::vector<ToolProcess>& processes) {
  Holders holders;
  for (const ToolProcess& process : processes) {
    const std::string folder = fmt::format("/proc/{}/fd/", process.pid);
    for (const Link& link : process.links) {
      const auto inode = Bracketed(link.target, "socket");
      if (!inode || !link.path.starts_with(folder)) continue;
      const auto fd = Number(std::string_view(link.path).substr(folder.size()));
      Json& list = holders.try_emplace(*inode, Json::array()).first->second;
      if (fd && list.size() < kMostHolders) list.push_back({{"pid", process.pid}, {"fd", *fd}});
    }
  }
  return holders;
}

// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
Json InternetRow(const std::vector<std::string_view>& fields, std::string_view file) {
  Json row;
  const auto state = fields.size() < 10 ? std::nullopt : Number(fields[3], 16);
  const auto inode = fields.size() < 10 ? std::nullopt : Number(fields[9]);
  if (!state || !inode) return row;
  const Json local = EndpointOf(fields[1]);
  const Json remote = EndpointOf(fields[2]);
  if (local.is_null() || remote.is_null()) return row;
  const bool is_six = file.ends_with('6');
  row["family"] = is_six ? "inet6" : "inet";
  row["protocol"] = std::string(file.substr(0, file.size() - (is_six ? 1 : 0)));
  row["local"] = local;
  row["remote"] = IsUnset(remote) ? Json() : remote;
  row["state"] = std::string(process::StateName(static_cast<uint64_t>(*state)));
  row["inode"] = *inode;
  row["uid"] = Number(fields[7]).value_or(0);
  return row;
}

// Num RefCount Protocol Flags Type St Inode Path
Json UnixRow(const std::vector<std::string_view>& fields, std::string_view line) {
  Json row;
  const auto inode = fields.size() < 7 ? std::nullopt : Number(fields[6]);
  const auto type = fields.size() < 7 ? std::nullopt : Number(fields[4], 16);
  const auto flags = fields.size() < 7 ? std::nullopt : Number(fields[3], 16);
  if (!inode || !type || !flags) return row;
  const bool listens = (*flags & 0x10000) != 0;  // include/uapi/linux/net.h, SO_ACCEPTCON
  row["family"] = "unix";
  row["protocol"] = process::SocketTypeName(static_cast<uint64_t>(*type));
  row["local"] = nullptr;
  row["remote"] = nullptr;
  row["state"] = listens ? "listen" : fields[5] == "03" ? "established" : "close";
  row["inode"] = *inode;
  row["path"] = nullptr;
  // The path is the rest of the line and may hold spaces.
  if (fields.size() > 7) {
    SetText(row, "path", line.substr(static_cast<size_t>(fields[7].data() - line.data())));
  }
  return row;
}

}  // namespace

std::string_view ToolProcess::Target(std::string_view name) const {
  const std::string path = fmt::format("/proc/{}/{}", pid, name);
  const auto found = std::ranges::find(links, path, &Link::path);
  return found == links.end() ? std::string_view() : std::string_view(found->target);
}

uint64_t ToolProcess::Namespace(std::string_view name) const {
  const auto number = Bracketed(Target(fmt::format("ns/{}", name)), name);
  return number && *number > 0 ? static_cast<uint64_t>(*number) : 0;
}

bool IsDeletedTarget(std::string_view target) {
  return target.starts_with('/') && target.ends_with(kDeleted);
}

Json ProcessRow(const ToolProcess& process, const ToolOwner& owner, int64_t boot_seconds) {
  const std::string_view stat = FileOf(process, "stat");
  const std::string_view status = FileOf(process, "status");
  // The name may hold spaces and parentheses itself; the last one closes it (proc(5)).
  const size_t open = stat.find('(');
  const size_t close = stat.rfind(')');
  const bool has_stat = open != std::string_view::npos && close != std::string_view::npos &&
                        close > open && stat.size() > close;
  std::vector<std::string_view> fields;  // [0] is field 3
  if (has_stat) fields = Fields(stat.substr(close + 1, stat.find('\n', close) - close - 1));
  const auto at = [&](size_t field) {
    return field - 3 < fields.size() ? Number(fields[field - 3]).value_or(0) : 0;
  };
  Json row;
  row["pid"] = process.pid;
  row["ppid"] = at(4);
  row["start_ticks"] = at(22);
  row["start"] = nullptr;
  if (boot_seconds > 0 && has_stat) {
    const int64_t ticks = at(22);
    row["start"] = FormatTimestamp(
        {boot_seconds + ticks / kTicksPerSecond,
         static_cast<uint32_t>(ticks % kTicksPerSecond * (1000000000 / kTicksPerSecond))});
  }
  SetText(row, "comm", has_stat ? stat.substr(open + 1, close - open - 1) : std::string_view());
  row["state"] = fields.empty() ? "?" : std::string(fields[0]);
  row["kernel_thread"] = false;
  std::string_view exe = process.Target("exe");
  const bool deleted = IsDeletedTarget(exe);
  if (deleted) exe.remove_suffix(kDeleted.size());
  row["exe"] = nullptr;
  if (!exe.empty()) SetText(row, "exe", exe);
  row["exe_deleted"] = deleted;
  row["exe_member"] = deleted ? Json(fmt::format("deleted/{}/exe", process.pid)) : Json();
  SetList(row, "argv", NulSeparated(FileOf(process, "cmdline")));
  SetList(row, "environ", NulSeparated(FileOf(process, "environ")));
  for (const char* name : {"cwd", "root"}) {
    row[name] = nullptr;
    if (!process.Target(name).empty()) SetText(row, name, process.Target(name));
  }
  row["uids"] = StatusNumbers(status, "Uid");
  row["gids"] = StatusNumbers(status, "Gid");
  row["groups"] = StatusNumbers(status, "Groups");
  row["ns_pids"] = StatusNumbers(status, "NSpid");
  Json& capabilities = row["capabilities"] = Json::object();
  for (const auto& [name, key] : {std::pair{"effective", "CapEff"},
                                  {"permitted", "CapPrm"},
                                  {"inheritable", "CapInh"},
                                  {"bounding", "CapBnd"},
                                  {"ambient", "CapAmb"}}) {
    const std::string_view value = StatusValue(status, key);
    capabilities[name] = value.empty() ? Json() : Json(std::string(value));
  }
  row["seccomp"] = Number(StatusValue(status, "Seccomp")).value_or(0);
  row["no_new_privs"] = StatusValue(status, "NoNewPrivs") == "1";
  row["tracer_pid"] = Number(StatusValue(status, "TracerPid")).value_or(0);
  Json& namespaces = row["namespaces"] = Json::object();
  for (const char* name : {"pid", "mnt", "net", "ipc", "uts", "user", "cgroup", "time"}) {
    if (const uint64_t inode = process.Namespace(name); inode != 0) namespaces[name] = inode;
  }
  row["session"] = at(6);
  row["process_group"] = at(5);
  row["tty"] = at(7);
  row["threads"] = at(20);
  row["vm_bytes"] = at(23);
  row["rss_bytes"] = std::clamp<int64_t>(at(24), 0, int64_t{1} << 50) * kPageBytes;
  row["user_ticks"] = at(14);
  row["system_ticks"] = at(15);
  const std::string_view cgroup = FileOf(process, "cgroup");
  std::vector<std::string> cgroups;
  for (const std::string_view line : SplitNonEmpty(cgroup, '\n')) cgroups.emplace_back(line);
  SetList(row, "cgroup", cgroups);
  const collection::CgroupOwner seen = collection::ParseProcCgroup(cgroup);
  row["runtime"] = seen.runtime.empty() ? Json() : Json(seen.runtime);
  const std::string& container = seen.container_id.empty() ? owner.container_id : seen.container_id;
  row["container_id"] = container.empty() ? Json() : Json(container);
  row["pod_uid"] = owner.pod_uid.empty() ? Json() : Json(owner.pod_uid);
  row["pod_qos"] = seen.pod_qos.empty() ? Json() : Json(seen.pod_qos);
  row["hidden"] = false;
  return row;
}

std::vector<Json> OpenFileRows(const ToolProcess& process) {
  std::vector<Json> rows;
  const std::string folder = fmt::format("/proc/{}/fd/", process.pid);
  for (const Link& link : process.links) {
    if (!link.path.starts_with(folder)) continue;
    const auto fd = Number(std::string_view(link.path).substr(folder.size()));
    if (!fd) continue;
    std::string_view target = link.target;
    const bool deleted = IsDeletedTarget(target);
    if (deleted) target.remove_suffix(kDeleted.size());
    Json row = {{"pid", process.pid}, {"fd", *fd}, {"deleted", deleted}};
    SetText(row, "path", target);
    row["type"] = target.starts_with("socket:")       ? Json("s")
                  : target.starts_with("pipe:")       ? Json("p")
                  : target.starts_with("anon_inode:") ? Json("a")
                                                      : Json();  // the link alone does not say
    row["member"] = deleted ? Json(fmt::format("deleted/{}/fd/{}", process.pid, *fd)) : Json();
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Json> MapRows(const ToolProcess& process, size_t most) {
  std::vector<Json> rows;
  for (const std::string_view line : SplitNonEmpty(FileOf(process, "maps"), '\n')) {
    // 55d4a000-55d4b000 r--p 00000000 08:01 4711      /bin/busybox
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.size() < 5) continue;
    const size_t dash = fields[0].find('-');
    const auto offset = Number(fields[2], 16);
    if (dash == std::string_view::npos || !offset) continue;
    if (rows.size() == most) break;
    Json row = {{"pid", process.pid},
                {"start", std::string(fields[0].substr(0, dash))},
                {"end", std::string(fields[0].substr(dash + 1))},
                {"permissions", std::string(fields[1])},
                {"offset", *offset},
                {"device", std::string(fields[3])},
                {"inode", Number(fields[4]).value_or(0)}};
    std::string_view path;
    if (fields.size() > 5) path = line.substr(static_cast<size_t>(fields[5].data() - line.data()));
    const bool deleted = IsDeletedTarget(path);
    if (deleted) path.remove_suffix(kDeleted.size());
    SetText(row, "path", path);
    row["deleted"] = deleted;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Json> SocketRows(std::string_view file, std::string_view text,
                             const std::vector<ToolProcess>& processes) {
  const Holders holders = HoldersOf(processes);
  uint64_t netns = 0;
  for (const ToolProcess& process : processes) {
    if (netns == 0) netns = process.Namespace("net");
  }
  std::vector<Json> rows;
  bool heading = true;
  for (const std::string_view line : SplitNonEmpty(text, '\n')) {
    if (std::exchange(heading, false)) continue;
    if (rows.size() == limits::kMaxSockets) break;
    const std::vector<std::string_view> fields = Fields(line);
    Json row = file == "unix" ? UnixRow(fields, line) : InternetRow(fields, file);
    if (row.is_null()) continue;
    row["netns"] = netns;
    const auto held = holders.find(row["inode"].get<int64_t>());
    row["processes"] = held == holders.end() ? Json::array() : held->second;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace ekshume::live::kubernetes
