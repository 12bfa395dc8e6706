// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <thread>
#include <tuple>

#include "base/byte_view.h"
#include "base/limits.h"
#include "collect/context.h"
#include "collect/system.h"

namespace ekshume::collect {
namespace {

constexpr size_t kMaxNetworkTextBytes = size_t{4} << 20;

// Who holds a socket.
struct Holder {
  uint64_t inode;
  int pid;
  int fd;
};

// include/net/tcp_states.h, which /proc/net/tcp numbers from 1.
constexpr std::array<std::string_view, 13> kStates = {
    "",      "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2",   "time_wait",
    "close", "close_wait",  "last_ack", "listen",   "closing",   "new_syn_recv"};

// Where iproute2, CNI plugins and Docker give names to network namespaces.
constexpr std::array<std::string_view, 2> kNamespaceFolders = {"/run/netns", "/run/docker/netns"};
constexpr long kNamespaceFilesystem = 0x6e736673;  // NSFS_MAGIC, include/uapi/linux/magic.h

struct InternetTable {
  std::string_view file;
  std::string_view family;
  std::string_view protocol;
};
constexpr std::array<InternetTable, 10> kInternetTables = {{{"tcp", "inet", "tcp"},
                                                            {"tcp6", "inet6", "tcp"},
                                                            {"udp", "inet", "udp"},
                                                            {"udp6", "inet6", "udp"},
                                                            {"udplite", "inet", "udplite"},
                                                            {"udplite6", "inet6", "udplite"},
                                                            {"raw", "inet", "raw"},
                                                            {"raw6", "inet6", "raw"},
                                                            {"icmp", "inet", "icmp"},
                                                            {"icmp6", "inet6", "icmp"}}};

constexpr std::array<std::string_view, 16> kNetworkTexts = {
    "route",    "ipv6_route", "arp",       "dev",      "if_inet6",
    "fib_trie", "netstat",    "snmp",      "snmp6",    "nf_conntrack",
    "igmp",     "dev_mcast",  "protocols", "sockstat", "ip_tables_names",
    "packet"};

// A network namespace, seen through the folder "net" of a process or thread in it.
struct View {
  std::string folder;  // "/proc/7/net"
  uint64_t inode;
  int pid;  // 0: no process is in it
};

struct Endpoint {
  std::string address;
  uint64_t port = 0;
  bool is_any = false;
};

// "0100007F:1F90": 32-bit words in the machine's own order, the port as a number.
std::optional<Endpoint> ParseEndpoint(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = ParseNumber(text.substr(colon + 1), 16);
  if (!port || (colon != 8 && colon != 32)) return std::nullopt;
  std::array<uint32_t, 4> words{};
  for (size_t i = 0; i < colon / 8; ++i) {
    const auto word = ParseNumber(text.substr(i * 8, 8), 16);
    if (!word) return std::nullopt;
    words[i] = static_cast<uint32_t>(*word);
  }
  const bool is_six = colon == 32;
  const bool is_mapped = is_six && words[0] == 0 && words[1] == 0 && words[2] == htonl(0xFFFF);
  std::array<char, INET6_ADDRSTRLEN> shown{};
  if (is_six && !is_mapped) {
    inet_ntop(AF_INET6, words.data(), shown.data(), shown.size());
  } else {
    inet_ntop(AF_INET, is_mapped ? &words[3] : words.data(), shown.data(), shown.size());
  }
  const bool is_any = std::all_of(words.begin(), words.end(), [](uint32_t w) { return w == 0; });
  return Endpoint{shown.data(), *port, is_any};
}

std::string EndpointJson(const Endpoint& endpoint) {
  JsonLine line;
  line.Text("address", endpoint.address);
  line.Number("port", endpoint.port);
  return line.Take();
}

class SocketScanner {
 public:
  explicit SocketScanner(Context& context)
      : context_(context), table_(context.writer, "live/sockets.jsonl") {}

  Result<void> Run();

 private:
  void FindHolders();
  Result<void> ReadNamespace(const View& view);
  Result<void> ReadInternet(const View& view, const InternetTable& table);
  Result<void> ReadUnix(const View& view);
  Result<void> ReadNetlink(const View& view);
  Result<void> ReadPacket(const View& view);
  Result<void> ReadTexts(const View& view);
  std::vector<std::string> NamedNamespaces() const;
  Result<void> Enter(const std::string& path, uint64_t inode);
  Result<void> EachLine(const View& view, std::string_view file,
                        const std::function<Result<void>(std::string_view)>& take);
  // False when nobody of the scope holds it and the scope is not the whole node.
  bool AddHolders(JsonLine& line, uint64_t inode) const;
  Result<void> Write(JsonLine line, uint64_t inode);

  Context& context_;
  collection::TableWriter table_;
  std::vector<Holder> holders_;  // by inode
};

void SocketScanner::FindHolders() {
  for (const Process& process : context_.processes) {
    if (process.kernel_thread) continue;
    const std::string folder = context_.ProcPath(process.pid, "fd");
    const auto names = ListDirectory(folder, limits::kMaxSockets);
    if (!names) continue;  // CollectOpenFiles says so
    for (const std::string& name : *names) {
      const auto fd = ParseNumber(name);
      const std::string target =
          LinkTarget(fmt::format("{}/{}", folder, name)).value_or(std::string());
      constexpr std::string_view kSocket = "socket:[";
      if (!fd || !target.starts_with(kSocket) || holders_.size() >= limits::kMaxSockets) continue;
      const auto inode = ParseNumber(
          std::string_view(target).substr(kSocket.size(), target.size() - kSocket.size() - 1));
      if (inode) holders_.push_back({*inode, process.pid, static_cast<int>(*fd)});
    }
  }
  std::sort(holders_.begin(), holders_.end(), [](const Holder& a, const Holder& b) {
    return std::tie(a.inode, a.pid, a.fd) < std::tie(b.inode, b.pid, b.fd);
  });
}

bool SocketScanner::AddHolders(JsonLine& line, uint64_t inode) const {
  auto holder = std::lower_bound(holders_.begin(), holders_.end(), inode,
                                 [](const Holder& h, uint64_t i) { return h.inode < i; });
  std::string list = "[";
  for (; inode != 0 && holder != holders_.end() && holder->inode == inode; ++holder) {
    if (list.size() > 1) list.push_back(',');
    list.append(fmt::format("{{\"pid\":{},\"fd\":{}}}", holder->pid, holder->fd));
  }
  const bool held = list.size() > 1;
  list.push_back(']');
  line.Raw("processes", list);
  const Options& options = context_.options;
  // Sockets that nobody holds any more (TIME_WAIT) belong to the network namespace.
  return held || inode == 0 || options.pids.empty();
}

Result<void> SocketScanner::Write(JsonLine line, uint64_t inode) {
  if (table_.lines() >= limits::kMaxSockets) {
    if (table_.lines() > limits::kMaxSockets) return {};
    return context_.journal.Skip(
        SkipReason::kLimit, "live/sockets.jsonl",
        fmt::format("more than {} sockets (kMaxSockets)", limits::kMaxSockets));
  }
  if (!AddHolders(line, inode)) return {};
  return table_.AddLine(line.Take());
}

Result<void> SocketScanner::EachLine(const View& view, std::string_view file,
                                     const std::function<Result<void>(std::string_view)>& take) {
  Result<void> outcome;
  bool heading = true;
  const std::string path = fmt::format("{}/{}", view.folder, file);
  const Result<void> read = ForEachLine(path, [&](std::string_view line) {
    if (!heading) outcome = take(line);
    heading = false;
    return outcome.has_value();
  });
  // Kernels without a protocol have no such file.
  if (!read && read.error().code != ErrorCode::kNotFound) {
    EKSHUME_TRY(context_.journal.Skip("live/sockets.jsonl", read.error(), view.pid));
  }
  return outcome;
}

Result<void> SocketScanner::ReadInternet(const View& view, const InternetTable& table) {
  return EachLine(view, table.file, [&](std::string_view text) -> Result<void> {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
    const std::vector<std::string_view> fields = Fields(text);
    if (fields.size() < 10) return {};
    const auto local = ParseEndpoint(fields[1]);
    const auto remote = ParseEndpoint(fields[2]);
    const auto state = ParseNumber(fields[3], 16);
    const auto inode = ParseNumber(fields[9]);
    if (!local || !remote || !state || !inode) return {};
    JsonLine line;
    line.Number("netns", view.inode);
    line.Text("family", table.family);
    line.Text("protocol", table.protocol);
    line.Raw("local", EndpointJson(*local));
    line.Raw("remote", remote->is_any && remote->port == 0 ? "null" : EndpointJson(*remote));
    line.Text("state", *state < kStates.size() ? kStates[*state] : std::string_view());
    line.Number("inode", *inode);
    line.Number("uid", ParseNumber(fields[7]).value_or(0));
    const size_t colon = std::min(fields[4].find(':'), fields[4].size() - 1);
    line.Number("tx_queue", ParseNumber(fields[4].substr(0, colon), 16).value_or(0));
    line.Number("rx_queue", ParseNumber(fields[4].substr(colon + 1), 16).value_or(0));
    return Write(std::move(line), *inode);
  });
}

Result<void> SocketScanner::ReadUnix(const View& view) {
  return EachLine(view, "unix", [&](std::string_view text) -> Result<void> {
    // Num RefCount Protocol Flags Type St Inode Path
    const std::vector<std::string_view> fields = Fields(text);
    if (fields.size() < 7) return {};
    const auto inode = ParseNumber(fields[6]);
    const auto type = ParseNumber(fields[4], 16);
    const auto state = ParseNumber(fields[5], 16);
    const auto flags = ParseNumber(fields[3], 16);
    if (!inode || !type || !state || !flags) return {};
    JsonLine line;
    line.Number("netns", view.inode);
    line.Text("family", "unix");
    line.Text("protocol", *type == 1 ? "stream" : *type == 2 ? "dgram" : "seqpacket");
    line.Null("local");
    line.Null("remote");
    // include/uapi/linux/net.h: 1 unconnected, 2 connecting, 3 connected; 0x10000 accepts.
    const bool listens = (*flags & 0x10000) != 0;
    line.Text("state", listens       ? "listen"
                       : *state == 3 ? "established"
                       : *state == 2 ? "syn_sent"
                                     : "close");
    line.Number("inode", *inode);
    if (fields.size() > 7) {
      // The path is the rest of the line and may hold spaces.
      const size_t begin = static_cast<size_t>(fields[7].data() - text.data());
      line.Text("path", text.substr(begin));
    } else {
      line.Null("path");
    }
    return Write(std::move(line), *inode);
  });
}

Result<void> SocketScanner::ReadNetlink(const View& view) {
  return EachLine(view, "netlink", [&](std::string_view text) -> Result<void> {
    // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    const std::vector<std::string_view> fields = Fields(text);
    const auto inode = fields.size() < 10 ? std::nullopt : ParseNumber(fields[9]);
    if (!inode) return {};
    JsonLine line;
    line.Number("netns", view.inode);
    line.Text("family", "netlink");
    line.Text("protocol", fields[1]);
    line.Null("local");
    line.Null("remote");
    line.Null("state");
    line.Number("inode", *inode);
    return Write(std::move(line), *inode);
  });
}

Result<void> SocketScanner::ReadPacket(const View& view) {
  return EachLine(view, "packet", [&](std::string_view text) -> Result<void> {
    // sk RefCnt Type Proto Iface R Rmem User Inode
    const std::vector<std::string_view> fields = Fields(text);
    const auto inode = fields.size() < 9 ? std::nullopt : ParseNumber(fields[8]);
    if (!inode) return {};
    JsonLine line;
    line.Number("netns", view.inode);
    line.Text("family", "packet");
    line.Text("protocol", fields[2] == "3" ? "raw" : "dgram");
    line.Null("local");
    line.Null("remote");
    line.Null("state");
    line.Number("inode", *inode);
    line.Number("uid", ParseNumber(fields[7]).value_or(0));
    return Write(std::move(line), *inode);
  });
}

Result<void> SocketScanner::ReadNamespace(const View& view) {
  for (const InternetTable& table : kInternetTables) EKSHUME_TRY(ReadInternet(view, table));
  EKSHUME_TRY(ReadUnix(view));
  EKSHUME_TRY(ReadNetlink(view));
  return ReadPacket(view);
}

Result<void> SocketScanner::ReadTexts(const View& view) {
  std::string texts;
  for (const std::string_view name : kNetworkTexts) {
    const std::string path = fmt::format("{}/{}", view.folder, name);
    bool cut = false;
    const Result<std::string> text = ReadText(path, kMaxNetworkTextBytes, &cut);
    if (!text) continue;
    texts.append(fmt::format("==> {} <==\n", path));
    texts.append(*text);
    if (cut) {
      EKSHUME_TRY(context_.journal.Skip(
          SkipReason::kLimit, path, fmt::format("only its first {} bytes", kMaxNetworkTextBytes),
          view.pid));
    }
  }
  return context_.writer.AddText(fmt::format("live/network/{}.txt", view.inode), texts);
}

// Namespaces that have a name but no process: their sockets are held by processes elsewhere.
std::vector<std::string> SocketScanner::NamedNamespaces() const {
  std::vector<std::string> paths;
  for (const std::string_view folder : kNamespaceFolders) {
    const std::string path = context_.HostPath(folder);
    const auto names = ListDirectory(path, limits::kMaxContainers);
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
      paths.push_back(fmt::format("{}/{}", path, name));
    }
  }
  return paths;
}

// A thread of its own enters the namespace, which changes what it alone sees, and ends.
Result<void> SocketScanner::Enter(const std::string& path, uint64_t inode) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  int failed = file.is_open() ? 0 : errno;
  Result<void> outcome;
  if (failed == 0) {
    std::thread([&] {
      if (setns(file.number(), CLONE_NEWNET) != 0) {
        failed = errno;
        return;
      }
      const View view{.folder = "/proc/thread-self/net", .inode = inode, .pid = 0};
      outcome = ReadNamespace(view);
    }).join();
  }
  if (failed == 0) return outcome;
  return context_.journal.Skip(SkipReason::kLoss, path, "the network namespace cannot be entered",
                               0, failed);
}

Result<void> SocketScanner::Run() {
  FindHolders();
  // One process shows what all of its network namespace see.
  std::vector<View> views;
  std::set<uint64_t> seen;
  for (const Process& process : context_.processes) {
    if (process.net_namespace != 0 && seen.insert(process.net_namespace).second) {
      views.push_back({context_.ProcPath(process.pid, "net"), process.net_namespace, process.pid});
    }
  }
  for (const View& view : views) {
    if (context_.cancelled) break;
    EKSHUME_TRY(ReadNamespace(view));
  }
  const Options& options = context_.options;
  if (options.pids.empty() && options.container_ids.empty() && options.pod_uids.empty()) {
    for (const std::string& path : NamedNamespaces()) {
      struct stat status{};
      // A name whose namespace is not mounted is a plain file of another filesystem.
      struct statfs filesystem{};
      if (stat(path.c_str(), &status) != 0 || statfs(path.c_str(), &filesystem) != 0 ||
          filesystem.f_type != kNamespaceFilesystem || !seen.insert(status.st_ino).second) {
        continue;
      }
      EKSHUME_TRY(Enter(path, status.st_ino));
    }
  }
  EKSHUME_TRY(table_.Finish());
  for (const View& view : views) EKSHUME_TRY(ReadTexts(view));
  return {};
}

}  // namespace

Result<void> CollectSockets(Context& context) { return SocketScanner(context).Run(); }

}  // namespace ekshume::collect
