// SPDX-License-Identifier: Apache-2.0
#include "process/socket_words.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace ekshume::process {
namespace {

constexpr std::array<std::string_view, 13> kStates = {
    "",      "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait",
    "close", "close_wait",  "last_ack", "listen",   "closing",   "syn_recv"};

}  // namespace

std::string_view StateName(uint64_t state) {
  return state < kStates.size() ? kStates[static_cast<size_t>(state)] : std::string_view();
}

std::string StateFromWords(std::string_view words) {
  std::string word;
  for (const char c : words) {
    if (c >= 'A' && c <= 'Z') word.push_back(static_cast<char>(c - 'A' + 'a'));
    if (c >= 'a' && c <= 'z') word.push_back(c);
    if (c >= '0' && c <= '9') word.push_back(c);
    if (c == '-' || c == '_') word.push_back('_');
  }
  if (word == "estab") return "established";
  if (word == "listening") return "listen";
  if (word == "closed" || word == "unconn") return "close";
  if (word == "fin_wait_1") return "fin_wait1";
  if (word == "fin_wait_2") return "fin_wait2";
  return std::ranges::find(kStates, word) != kStates.end() ? word : "";
}

std::string SocketTypeName(uint64_t type) {
  switch (type) {
    case SOCK_STREAM: return "stream";
    case SOCK_DGRAM: return "dgram";
    case SOCK_RAW: return "raw";
    case SOCK_SEQPACKET: return "seqpacket";
    default: return fmt::format("type {}", type);
  }
}

std::string ProtocolName(uint64_t protocol, uint64_t type) {
  if (type == SOCK_RAW) return "raw";
  switch (protocol) {
    case IPPROTO_TCP: return "tcp";
    case IPPROTO_UDP: return "udp";
    case IPPROTO_UDPLITE: return "udplite";
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: return "icmp";
    default: break;
  }
  if (type == SOCK_STREAM) return "tcp";
  if (type == SOCK_DGRAM) return "udp";
  return fmt::format("protocol {}", protocol);
}

std::string NormalAddress(std::string_view address) {
  constexpr std::string_view kMapped = "::ffff:";
  address = address.substr(0, address.find('%'));
  if (address.starts_with(kMapped) && address.contains('.')) address.remove_prefix(kMapped.size());
  return std::string(address);
}

}  // namespace ekshume::process
