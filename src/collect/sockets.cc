// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <set>

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
  Result<void> ReadNamespace(const Process& process);
  Result<void> ReadInternet(const Process& process, const InternetTable& table);
  Result<void> ReadUnix(const Process& process);
  Result<void> ReadNetlink(const Process& process);
  Result<void> ReadPacket(const Process& process);
  Result<void> ReadTexts(const Process& process);
  Result<void> EachLine(const Process& process, std::string_view file,
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

Result<void> SocketScanner::EachLine(const Process& process, std::string_view file,
                                     const std::function<Result<void>(std::string_view)>& take) {
  Result<void> outcome;
  bool heading = true;
  const std::string path = context_.ProcPath(process.pid, fmt::format("net/{}", file));
  const Result<void> read = ForEachLine(path, [&](std::string_view line) {
    if (!heading) outcome = take(line);
    heading = false;
    return outcome.has_value();
  });
  // Kernels without a protocol have no such file.
  if (!read && read.error().code != ErrorCode::kNotFound) {
    EKSHUME_TRY(context_.journal.Skip("live/sockets.jsonl", read.error(), process.pid));
  }
  return outcome;
}

Result<void> SocketScanner::ReadInternet(const Process& process, const InternetTable& table) {
  return EachLine(process, table.file, [&](std::string_view text) -> Result<void> {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
    const std::vector<std::string_view> fields = Fields(text);
    if (fields.size() < 10) return {};
    const auto local = ParseEndpoint(fields[1]);
    const auto remote = ParseEndpoint(fields[2]);
    const auto state = ParseNumber(fields[3], 16);
    const auto inode = ParseNumber(fields[9]);
    if (!local || !remote || !state || !inode) return {};
    JsonLine line;
    line.Number("netns", process.net_namespace);
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

Result<void> SocketScanner::ReadUnix(const Process& process) {
  return EachLine(process, "unix", [&](std::string_view text) -> Result<void> {
    // Num RefCount Protocol Flags Type St Inode Path
    const std::vector<std::string_view> fields = Fields(text);
    if (fields.size() < 7) return {};
    const auto inode = ParseNumber(fields[6]);
    const auto type = ParseNumber(fields[4], 16);
    const auto state = ParseNumber(fields[5], 16);
    const auto flags = ParseNumber(fields[3], 16);
    if (!inode || !type || !state || !flags) return {};
    JsonLine line;
    line.Number("netns", process.net_namespace);
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

Result<void> SocketScanner::ReadNetlink(const Process& process) {
  return EachLine(process, "netlink", [&](std::string_view text) -> Result<void> {
    // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    const std::vector<std::string_view> fields = Fields(text);
    const auto inode = fields.size() < 10 ? std::nullopt : ParseNumber(fields[9]);
    if (!inode) return {};
    JsonLine line;
    line.Number("netns", process.net_namespace);
    line.Text("family", "netlink");
    line.Text("protocol", fields[1]);
    line.Null("local");
    line.Null("remote");
    line.Null("state");
    line.Number("inode", *inode);
    return Write(std::move(line), *inode);
  });
}

Result<void> SocketScanner::ReadPacket(const Process& process) {
  return EachLine(process, "packet", [&](std::string_view text) -> Result<void> {
    // sk RefCnt Type Proto Iface R Rmem User Inode
    const std::vector<std::string_view> fields = Fields(text);
    const auto inode = fields.size() < 9 ? std::nullopt : ParseNumber(fields[8]);
    if (!inode) return {};
    JsonLine line;
    line.Number("netns", process.net_namespace);
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

Result<void> SocketScanner::ReadNamespace(const Process& process) {
  for (const InternetTable& table : kInternetTables) EKSHUME_TRY(ReadInternet(process, table));
  EKSHUME_TRY(ReadUnix(process));
  EKSHUME_TRY(ReadNetlink(process));
  return ReadPacket(process);
}

Result<void> SocketScanner::ReadTexts(const Process& process) {
  std::string texts;
  for (const std::string_view name : kNetworkTexts) {
    const std::string path = context_.ProcPath(process.pid, fmt::format("net/{}", name));
    bool cut = false;
    const Result<std::string> text = ReadText(path, kMaxNetworkTextBytes, &cut);
    if (!text) continue;
    texts.append(fmt::format("==> /proc/{}/net/{} <==\n", process.pid, name));
    texts.append(*text);
    if (cut) {
      EKSHUME_TRY(context_.journal.Skip(
          SkipReason::kLimit, path, fmt::format("only its first {} bytes", kMaxNetworkTextBytes),
          process.pid));
    }
  }
  return context_.writer.AddText(fmt::format("live/network/{}.txt", process.net_namespace), texts);
}

Result<void> SocketScanner::Run() {
  FindHolders();
  // One process shows what all of its network namespace see.
  std::vector<const Process*> shown;
  std::set<uint64_t> seen;
  for (const Process& process : context_.processes) {
    if (process.net_namespace != 0 && seen.insert(process.net_namespace).second) {
      shown.push_back(&process);
    }
  }
  for (const Process* process : shown) {
    if (context_.cancelled) break;
    EKSHUME_TRY(ReadNamespace(*process));
  }
  EKSHUME_TRY(table_.Finish());
  for (const Process* process : shown) EKSHUME_TRY(ReadTexts(*process));
  return {};
}

}  // namespace

Result<void> CollectSockets(Context& context) { return SocketScanner(context).Run(); }

}  // namespace ekshume::collect
