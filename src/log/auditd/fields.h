// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace ekshume::log::auditd {

// The beginning of a line: `node=N type=T msg=audit(SECONDS.MS:SERIAL): `.
struct Head {
  std::string_view node;
  std::string_view type;
  std::string_view id;  // "1364481363.243:24287"
  Timestamp time;
  std::string_view rest;
};
std::optional<Head> ParseHead(std::string_view line);

// A field as written.
struct Field {
  std::string_view name;
  std::string_view value;  // without its quotes
  bool quoted = false;
};

// The fields of a line's rest, those in msg='...' and those behind 0x1D among them. Views are those
// of the line. At most limits::kMaxArguments.
std::vector<Field> ParseFields(std::string_view rest);

// The value of a field that auditd encodes: hexadecimal when it is not quoted. Nothing for "(null)"
// and "?".
std::string Decoded(const Field& field);

// An internet address of a SOCKADDR record, with its port.
struct SocketAddress {
  std::string address;  // or the path of a local socket
  std::optional<int64_t> port;
};
std::optional<SocketAddress> ParseSocketAddress(std::string_view hex);

// "execve" for the number of a system call; the number itself when it is none of those that matter.
// `arch` as auditd writes it (c000003e: x86-64, c00000b7: arm64).
std::string_view SyscallName(std::string_view arch, std::string_view number);

}  // namespace ekshume::log::auditd
