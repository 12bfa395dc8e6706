// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// The kernel's numbers for sockets, in the words of the model.
namespace ekshume::process {

// include/net/tcp_states.h
inline constexpr uint64_t kStateEstablished = 1;
inline constexpr uint64_t kStateListen = 10;
// "established" ... "closing"; "" for another number.
std::string_view StateName(uint64_t state);
// The same from the words of ss, netstat and psutil: "ESTAB", "LISTENING", "TIME-WAIT".
std::string StateFromWords(std::string_view words);

// "stream" "dgram" "raw" "seqpacket" from SOCK_STREAM and so on.
std::string SocketTypeName(uint64_t type);
// "tcp" "udp" "icmp" ... from IPPROTO_ numbers; where that says nothing, from the type.
std::string ProtocolName(uint64_t protocol, uint64_t type);

// An IPv4 address that an IPv6 socket has ("::ffff:192.0.2.1") as IPv4, without an interface's name
// behind it; others as they are.
std::string NormalAddress(std::string_view address);

}  // namespace ekshume::process
