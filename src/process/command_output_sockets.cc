// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "process/command_output.h"
#include "process/socket_words.h"

namespace ekshume::process {
namespace {

constexpr size_t kMaxHolders = 1000;  // of one socket

bool IsNumber(std::string_view text) { return DecimalOf(text).has_value(); }

// "10.0.0.7:22", "[::1]:22", ":::22", "*:22", "127.0.0.53%lo:53". No address where the port is "*".
std::optional<Address> ParseEndpoint(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view port = text.substr(colon + 1);
  std::string_view host = text.substr(0, colon);
  Address address;
  if (port != "*") {
    const auto number = DecimalOf(port);
    if (!number || *number < 0 || *number > 65535) return std::nullopt;
    address.port = *number;
  }
  if (const size_t scope = host.find('%'); scope != std::string_view::npos) {
    host = host.substr(0, scope);
  }
  if (host.starts_with('[')) host.remove_prefix(1);
  if (host.ends_with(']')) host.remove_suffix(1);
  address.address = host == "*" ? "::" : NormalAddress(host);
  return address;
}

bool NamesNobody(const std::optional<Address>& address) {
  return !address ||
         (address->port == 0 && (address->address == "0.0.0.0" || address->address == "::"));
}

// `users:(("nginx",pid=7,fd=3),("nginx",pid=8,fd=3))`
std::vector<Socket::Holder> ParseUsers(std::string_view text) {
  std::vector<Socket::Holder> holders;
  for (size_t at = text.find("pid="); at != std::string_view::npos && holders.size() < kMaxHolders;
       at = text.find("pid=", at + 4)) {
    Socket::Holder holder;
    const std::string_view rest = text.substr(at + 4);
    holder.pid = DecimalOf(rest.substr(0, rest.find_first_not_of("0123456789"))).value_or(0);
    const size_t fd = rest.find("fd=");
    if (fd != std::string_view::npos) {
      const std::string_view number = rest.substr(fd + 3);
      holder.fd = DecimalOf(number.substr(0, number.find_first_not_of("0123456789"))).value_or(-1);
    }
    if (holder.pid > 0) holders.push_back(holder);
  }
  return holders;
}

// "31358/containerd"
std::optional<int64_t> PidOfProgram(std::string_view text) {
  return DecimalOf(text.substr(0, text.find('/')));
}

std::string KeyOf(const Socket& socket) {
  if (!socket.local && !socket.remote) {
    return fmt::format("{} {} {} {}", socket.family, socket.protocol, socket.inode, socket.path);
  }
  const Address none;
  const Address& local = socket.local ? *socket.local : none;
  const Address& remote = socket.remote ? *socket.remote : none;
  // Programs do not agree on the family of a socket that takes both.
  return fmt::format("{} {} {} {} {}", socket.protocol, local.address, local.port, remote.address,
                     remote.port);
}

}  // namespace

void CommandOutput::AddSocket(Socket socket) {
  const auto [known, is_new] = socket_at_.emplace(KeyOf(socket), state_.sockets.size());
  if (is_new) {
    if (state_.sockets.size() >= limits::kMaxSockets) {
      socket_at_.erase(known);
      diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                          "further sockets (kMaxSockets)");
      return;
    }
    state_.sockets.push_back(std::move(socket));
    return;
  }
  Socket& same = state_.sockets[known->second];
  if (same.inode == 0) same.inode = socket.inode;
  if (same.state.empty()) same.state = socket.state;
  if (!same.uid) same.uid = socket.uid;
  for (const Socket::Holder& holder : socket.holders) {
    const auto found = std::ranges::find(same.holders, holder.pid, &Socket::Holder::pid);
    if (found == same.holders.end()) {
      if (same.holders.size() < kMaxHolders) same.holders.push_back(holder);
    } else if (found->fd < 0) {
      found->fd = holder.fd;
    }
  }
}

void CommandOutput::AddNetstatRow(std::string_view line, bool has_inode) {
  std::vector<std::string_view> words = Words(line);
  if (words.size() < 5) return NotUnderstood();
  Socket socket;
  socket.family = words[0].ends_with('6') ? "inet6" : "inet";
  socket.protocol = words[0].substr(0, words[0].find_first_of("46"));
  socket.local = ParseEndpoint(words[3]);
  socket.remote = ParseEndpoint(words[4]);
  if (!socket.local || !socket.remote) return NotUnderstood();
  if (NamesNobody(socket.remote)) socket.remote.reset();
  size_t at = 5;
  if (at < words.size() && !StateFromWords(words[at]).empty() && !IsNumber(words[at])) {
    socket.state = StateFromWords(words[at++]);
  }
  if (has_inode) {
    if (at + 1 >= words.size()) return NotUnderstood();
    socket.uid = DecimalOf(words[at]);
    const auto inode = DecimalOf(words[at + 1]);
    if (inode && *inode > 0) socket.inode = static_cast<uint64_t>(*inode);
    at += 2;
  }
  if (at < words.size()) {
    if (const auto pid = PidOfProgram(words[at])) socket.holders.push_back({*pid, -1});
  }
  AddSocket(std::move(socket));
}

void CommandOutput::AddUnixRow(std::string_view line) {
  // unix  2      [ ACC ]     STREAM     LISTENING     15353    1/init    /run/x
  const size_t flags = line.find(']');
  if (flags == std::string_view::npos) return NotUnderstood();
  const std::vector<std::string_view> words = Words(line.substr(flags + 1));
  if (words.size() < 2) return NotUnderstood();
  Socket socket;
  socket.family = "unix";
  for (const char c : words[0]) socket.protocol.push_back(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  size_t at = 1;
  if (!IsNumber(words[at])) {
    const std::string state = StateFromWords(words[at++]);
    socket.state = state;
  }
  const auto inode = at < words.size() ? DecimalOf(words[at++]) : std::nullopt;
  if (!inode || *inode < 0) return NotUnderstood();
  socket.inode = static_cast<uint64_t>(*inode);
  if (at < words.size()) {
    if (const auto pid = PidOfProgram(words[at])) {
      socket.holders.push_back({*pid, -1});
      ++at;
    } else if (words[at] == "-") {
      ++at;
    }
  }
  // The path is the last word; a program's name before it may have blanks.
  if (at < words.size() && (words.back().starts_with('/') || words.back().starts_with('@'))) {
    socket.path = words.back();
  }
  AddSocket(std::move(socket));
}

bool CommandOutput::ReadNetstat(const std::string& path) {
  bool has_inode = false;
  return Lines(path, [&](std::string_view line) {
    const std::string_view first = line.substr(0, line.find(' '));
    if (first == "Proto") {
      has_inode = line.contains("Inode") && line.contains("User");
    } else if (first.starts_with("tcp") || first.starts_with("udp") || first.starts_with("raw")) {
      AddNetstatRow(line, has_inode);
    } else if (first == "unix") {
      AddUnixRow(line);
    } else if (!line.empty() && first != "Active" && !first.starts_with("(")) {
      NotUnderstood();
    }
  });
}

bool CommandOutput::ReadSs(const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    const std::vector<std::string_view> words = Words(line);
    if (words.empty() || words[0] == "Netid") return;
    if (words.size() < 5) return NotUnderstood();
    const std::string_view kind = words[0];
    Socket socket;
    socket.state = StateFromWords(words[1]);
    const size_t users = line.find("users:(");
    if (users != std::string_view::npos) socket.holders = ParseUsers(line.substr(users));
    if (kind == "tcp" || kind == "udp" || kind == "raw" || kind == "icmp6" || kind == "mptcp" ||
        kind == "dccp" || kind == "sctp") {
      if (words.size() < 6) return NotUnderstood();
      socket.local = ParseEndpoint(words[4]);
      socket.remote = ParseEndpoint(words[5]);
      if (!socket.local || !socket.remote) return NotUnderstood();
      const bool six = words[4].starts_with('[') || words[4].starts_with('*');
      socket.family = six && socket.local->address.contains(':') ? "inet6" : "inet";
      socket.protocol = kind == "icmp6" ? "icmp" : kind;
      if (NamesNobody(socket.remote)) socket.remote.reset();
      if (socket.protocol == "udp" && socket.state == "close") socket.state = "";
    } else if (kind.starts_with("u_")) {
      if (words.size() < 6) return NotUnderstood();
      socket.family = "unix";
      socket.protocol = kind == "u_str" ? "stream" : kind == "u_dgr" ? "dgram" : "seqpacket";
      if (words[4] != "*") socket.path = words[4];
      const auto inode = DecimalOf(words[5]);
      if (inode && *inode > 0) socket.inode = static_cast<uint64_t>(*inode);
    } else if (kind.starts_with("p_")) {
      socket.family = "packet";
      socket.protocol = kind == "p_raw" ? "raw" : "dgram";
      socket.path = words[4];  // which protocol on which interface
      socket.state.clear();
    } else if (kind == "nl" || kind.starts_with("v_") || kind == "vsock" || kind == "tipc" ||
               kind == "xdp") {
      return;  // leads nowhere outside of the machine
    } else {
      return NotUnderstood();
    }
    AddSocket(std::move(socket));
  });
}

bool CommandOutput::ReadLsof(const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    const std::vector<std::string_view> words = Words(line);
    if (words.empty() || words[0] == "COMMAND" || words[0].starts_with("lsof:")) return;
    // COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME; a thread's row has TID and TASKCMD too.
    if (words.size() < 9) return NotUnderstood();
    const auto pid = DecimalOf(words[1]);
    const auto type = std::ranges::find_if(
        words, [](std::string_view word) { return word == "IPv4" || word == "IPv6"; });
    if (!pid || words.end() - type < 5) return NotUnderstood();
    Socket socket;
    socket.family = *type == "IPv4" ? "inet" : "inet6";
    socket.protocol = type[3] == "TCP" ? "tcp" : type[3] == "UDP" ? "udp" : "raw";
    const std::string_view name = type[4];
    const size_t arrow = name.find("->");
    socket.local = ParseEndpoint(name.substr(0, arrow));
    if (!socket.local) return NotUnderstood();
    if (socket.local->address == "::" && socket.family == "inet") {
      socket.local->address = "0.0.0.0";
    }
    if (arrow != std::string_view::npos) socket.remote = ParseEndpoint(name.substr(arrow + 2));
    if (words.end() - type > 5) socket.state = StateFromWords(type[5]);
    const std::string_view fd = type[-1];
    socket.holders.push_back(
        {*pid, DecimalOf(fd.substr(0, fd.find_first_not_of("0123456789"))).value_or(-1)});
    AddSocket(std::move(socket));
  });
}

bool CommandOutput::ReadConntrack(const std::string& path) {
  return Lines(path, [&](std::string_view line) {
    const std::vector<std::string_view> words = Words(line);
    // "*** Output of ...", "cpu=0 found=0 ...", "conntrack v1.4.5 ...: 12 flow entries"
    if (words.empty() || words[0] == "***" || words[0].starts_with("cpu=") ||
        words[0] == "conntrack") {
      return;
    }
    Flow flow;
    flow.protocol = words[0];
    for (const std::string_view word : words) {
      const size_t equals = word.find('=');
      const std::string_view key = word.substr(0, equals);
      const std::string_view value =
          equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
      // The first of each is of the direction in which it began.
      if (key == "src" && flow.source.address.empty())
        flow.source.address = value;
      else if (key == "dst" && flow.destination.address.empty())
        flow.destination.address = value;
      else if (key == "sport" && flow.source.port == 0)
        flow.source.port = DecimalOf(value).value_or(0);
      else if (key == "dport" && flow.destination.port == 0)
        flow.destination.port = DecimalOf(value).value_or(0);
      else if (flow.state.empty() && equals == std::string_view::npos)
        flow.state = StateFromWords(word);
    }
    if (flow.source.address.empty() || flow.destination.address.empty()) return NotUnderstood();
    if (state_.flows.size() >= limits::kMaxSockets) {
      diagnostics_.Report(DiagnosticCode::kCollectionLimit, source_.name,
                          "further connections (kMaxSockets)");
      return;
    }
    state_.flows.push_back(std::move(flow));
  });
}

}  // namespace ekshume::process
